package warehouse

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// engineVersion is the version of the engine's npm packages that this program is tested with.
const engineVersion = "26.7.3-stable.1"

// engineHashes are npm's hashes of these packages, as in package-lock.json, which a test compares. What is unpacked of
// them runs as the program does, so a package that is not here is not installed.
var engineHashes = map[string]string{
	"lib-linux-x64-gnu": "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
}

// InstallFolder is where InstallEngine puts the library unless told otherwise: the first of the system's folders that
// the program looks in.
const InstallFolder = "/usr/local/lib/creditmill"

// InstalledEngine is what InstallEngine did.
type InstalledEngine struct {
	Package string // @chdb/lib-linux-x64-gnu@26.7.3-stable.1
	Hash    string // of the package, as npm writes it
	Library string // the file's whole path
	Bytes   int64  // of the library
	Found   bool   // the program finds it there by itself
}

// InstallEngine gets the engine's library of this platform through the npm client, compares the package with the hash
// that was compiled in, and puts the library into the folder, whole or not at all.
func InstallEngine(ctx context.Context, folder string) (InstalledEngine, error) {
	name := libraryPackage()
	installed := InstalledEngine{Package: "@chdb/" + name + "@" + engineVersion, Hash: engineHashes[name]}
	if installed.Hash == "" {
		return installed, fmt.Errorf("install engine: the hash of %s is not known to this creditmill; look over that "+
			"package yourself and set CREDITMILL_ENGINE_LIBRARY to its %s, or use a server by --warehouse clickhouse://…",
			installed.Package, libraryFile())
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return installed, fmt.Errorf("install engine: %w", err)
	}
	installed.Library = filepath.Join(folder, libraryFile())
	work, err := installWork(folder)
	if err != nil {
		return installed, err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a hidden folder that is left harms nobody
	archive, err := fetchPackage(ctx, installed.Package, work)
	if err != nil {
		return installed, err
	}
	if err := checkHash(archive, installed); err != nil {
		return installed, err
	}
	if installed.Bytes, err = unpackLibrary(archive, filepath.Join(work, libraryFile())); err != nil {
		return installed, fmt.Errorf("install engine: unpack %s: %w", installed.Package, err)
	}
	if err := os.Rename(filepath.Join(work, libraryFile()), installed.Library); err != nil {
		return installed, fmt.Errorf("install engine: %w", err)
	}
	where := thisProgram()
	installed.Found = slices.Contains(where.candidates(), installed.Library) &&
		checkTrust(installed.Library, trustedOwners(where.program)) == nil
	return installed, syncFolder(folder)
}

// installWork makes the folder where there is none, and in it one for what is not whole yet, so that a rename suffices.
func installWork(folder string) (string, error) {
	_, missing := os.Stat(folder)
	err := os.MkdirAll(folder, 0o755)
	if err == nil && missing != nil {
		err = os.Chmod(folder, 0o755) // whatever the umask: the service's user looks into it
	}
	if err == nil {
		var work string
		if work, err = os.MkdirTemp(folder, ".engine-"); err == nil {
			return work, nil
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("install engine: %w; run it as root, or name a folder of yours: creditmill engine install "+
			"--to DIR", err)
	}
	return "", fmt.Errorf("install engine: %w", err)
}

// fetchPackage has npm write the package's archive into the folder.
func fetchPackage(ctx context.Context, name, folder string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("install engine: the npm client is not on the PATH; install it (Debian: apt-get install npm), "+
			"or install the package creditmill-engine, or use a server by --warehouse clickhouse://…: %w", err)
	}
	// What npm has in its cache need not be fetched again: the hash tells whether it is the right one.
	command := exec.CommandContext(ctx, npm, "pack", name, "--pack-destination", folder, "--prefer-offline",
		"--ignore-scripts", "--silent")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install engine: npm pack %s: %w: %s; `npm ping` tells whether npm reaches its registry",
			name, err, strings.TrimSpace(string(out)))
	}
	found, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("install engine: npm pack %s wrote %d archives, not one", name, len(found))
	}
	return found[0], nil
}

func checkHash(archive string, wanted InstalledEngine) error {
	in, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("install engine: %w", err)
	}
	defer in.Close() //nolint:errcheck // it was read only
	sum := sha512.New()
	if _, err := io.Copy(sum, in); err != nil {
		return fmt.Errorf("install engine: read %s: %w", wanted.Package, err)
	}
	got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil))
	if got != wanted.Hash {
		return fmt.Errorf("install engine: what npm got as %s is not that package: its hash is %s, not %s; nothing was "+
			"installed. See which registry `npm config get registry` names, and run `npm cache verify`",
			wanted.Package, got, wanted.Hash)
	}
	return nil
}

// unpackLibrary writes the library of a package's archive to a file, readable by all, and returns its size.
func unpackLibrary(archive, library string) (int64, error) {
	in, err := os.Open(archive)
	if err != nil {
		return 0, err
	}
	defer in.Close() //nolint:errcheck // it was read only
	plain, err := gzip.NewReader(in)
	if err != nil {
		return 0, err
	}
	entries := tar.NewReader(plain)
	for {
		entry, err := entries.Next()
		switch {
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("it has no %s", libraryFile())
		case err != nil:
			return 0, err
		case entry.Name == "package/"+libraryFile() && entry.Typeflag == tar.TypeReg:
			return writeWhole(library, entries)
		}
	}
}

// writeWhole writes a file and waits until it is on the disk.
func writeWhole(name string, content io.Reader) (int64, error) {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, err
	}
	written, err := io.Copy(out, content)
	if err == nil {
		err = out.Chmod(0o644) // whatever the umask: the service's user reads it
	}
	if err == nil {
		err = out.Sync()
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	return written, err
}

// syncFolder waits until the names in a folder are on the disk.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
