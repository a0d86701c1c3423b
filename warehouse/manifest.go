package warehouse

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrBackup is returned when a backup is damaged or incomplete, was made by a newer creditmill, or cannot be put
// where it should go; the message says which.
var ErrBackup = errors.New("backup is not usable")

const manifestFormat = 1

// What is in the folder of a backup: the manifest, and the folder of the engine's files.
const (
	ManifestFile = "manifest.json"
	BackupData   = "data"
)

// Manifest says what a backup holds. It is the file manifest.json of the backup's folder, which is written last: a
// backup without it is not complete. The other files are the engine's, below data/.
type Manifest struct {
	Format     int       `json:"format"`
	MadeAt     time.Time `json:"made_at"`
	ClickHouse string    `json:"clickhouse"`
	// Schema is the number of the last migration, SchemaSHA256 the hash of its text.
	Schema       uint32 `json:"schema"`
	SchemaSHA256 string `json:"schema_sha256"`
	// CatalogSHA256 is the hash of the catalog by which balances were last computed.
	CatalogSHA256 string `json:"catalog_sha256"`
	// LastLoadSeq is the number of the last load that counts, 0 without one.
	LastLoadSeq     uint64       `json:"last_load_seq"`
	LastChargeEvent *ChargeEvent `json:"last_charge_event"`
	// Rows are those of each table; of a replacing one its keys.
	Rows  map[string]uint64 `json:"rows"`
	Bytes int64             `json:"bytes"`
	Files []BackupFile      `json:"files"`
	// SHA256 is that of this document with an empty sha256, in hex. It names the backup.
	SHA256 string `json:"sha256"`
}

// ChargeEvent is the last entry of the ledger of what was sent to Stripe.
type ChargeEvent struct {
	ChargeID string    `json:"charge_id"`
	Step     string    `json:"step"`
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
}

// BackupFile is a file of a backup. The path is below data/, with slashes.
type BackupFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// sum is the hash that names the manifest.
func (m Manifest) sum() (string, error) {
	m.SHA256 = ""
	text, err := json.Marshal(m)
	return sha256Hex(string(text)), err
}

// ReadManifest reads what the backup in the folder says it holds. Its files are not looked at.
func ReadManifest(folder string) (Manifest, error) {
	var m Manifest
	text, err := os.ReadFile(filepath.Join(folder, ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("read backup %s: %w: it has no %s, which is written last: it was not finished, or it is none",
			folder, ErrBackup, ManifestFile)
	}
	if err != nil {
		return m, fmt.Errorf("read backup %s: %w", folder, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("read backup %s: %w: its %s is damaged: %w", folder, ErrBackup, ManifestFile, err)
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("read backup %s: %w: its format is %d, this creditmill reads %d", folder, ErrBackup, m.Format,
			manifestFormat)
	}
	if sum, err := m.sum(); err != nil || sum != m.SHA256 {
		return m, fmt.Errorf("read backup %s: %w: its %s is not as it was written", folder, ErrBackup, ManifestFile)
	}
	return m, nil
}

// CheckBackup reads the manifest and holds every file of the backup against it.
func CheckBackup(folder string) (Manifest, error) {
	m, err := ReadManifest(folder)
	if err != nil {
		return m, err
	}
	found, err := listFiles(filepath.Join(folder, BackupData))
	if err != nil {
		return m, fmt.Errorf("read backup %s: %w: %w", folder, ErrBackup, err)
	}
	there := map[string]BackupFile{}
	for _, file := range found {
		there[file.Path] = file
	}
	for _, want := range m.Files {
		got, exists := there[want.Path]
		delete(there, want.Path)
		problem := ""
		switch {
		case !exists:
			problem = "is missing"
		case got.Bytes != want.Bytes:
			problem = fmt.Sprintf("has %d bytes, not %d", got.Bytes, want.Bytes)
		case got.SHA256 != want.SHA256:
			problem = "is not as it was written: its sha256 differs"
		}
		if problem != "" {
			return m, fmt.Errorf("read backup %s: %w: the file %s/%s %s", folder, ErrBackup, BackupData, want.Path, problem)
		}
	}
	for _, extra := range slices.Sorted(maps.Keys(there)) {
		return m, fmt.Errorf("read backup %s: %w: the file %s/%s is not one of it", folder, ErrBackup, BackupData, extra)
	}
	return m, nil
}

// listFiles are all files below a folder, in order of their paths, with their hashes.
func listFiles(folder string) ([]BackupFile, error) {
	files := []BackupFile{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		file, err := hashFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(folder, name)
		file.Path = filepath.ToSlash(below)
		files = append(files, file)
		return err
	})
	return files, err
}

func hashFile(name string) (BackupFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return BackupFile{}, err
	}
	defer file.Close() //nolint:errcheck // only read
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	return BackupFile{Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

// syncFiles puts everything below a folder on disk, the folders' own entries included.
func syncFiles(folder string) error {
	return filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncFile(name)
	})
}

func syncFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
