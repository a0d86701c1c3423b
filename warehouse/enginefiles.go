package warehouse

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	creditmillUser = "creditmill"
	analystUser    = "analyst"
	backupUser     = "backup"
	readerUser     = "reader"
	startUser      = "start"
	loopback       = "127.0.0.1"
)

// engineFiles are the places in the directory of an embedded warehouse. The folder engine/ is for its owner only.
type engineFiles struct{ directory string }

func (f engineFiles) data() string             { return filepath.Join(f.directory, "data") }
func (f engineFiles) backups() string          { return filepath.Join(f.directory, "backup") }
func (f engineFiles) transfer() string         { return filepath.Join(f.directory, "transfer") }
func (f engineFiles) in(name string) string    { return filepath.Join(f.directory, "engine", name) }
func (f engineFiles) config() string           { return f.in("config.xml") }
func (f engineFiles) users() string            { return f.in("users.xml") }
func (f engineFiles) credentials() string      { return f.in("credentials.json") }
func (f engineFiles) running() string          { return f.in("running.json") }
func (f engineFiles) log() string              { return f.in("engine.log") }
func (f engineFiles) workingDirectory() string { return f.in("cwd") }
func (f engineFiles) gate() string             { return filepath.Join(f.workingDirectory(), "gate") }
func (f engineFiles) startLock() string        { return f.in("start.lock") }
func (f engineFiles) usersLock() string        { return f.in("users.lock") }
func (f engineFiles) aliveLock() string        { return f.in("alive.lock") }

// restoring is there while the warehouse is restored, and after a restore was cut short.
func (f engineFiles) restoring() string { return f.in("restoring") }

func (f engineFiles) create() error {
	for _, directory := range []string{f.directory, filepath.Join(f.directory, "engine"), f.data()} {
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return fmt.Errorf("create warehouse directory: %w: %w", ErrUnreachable, err)
		}
	}
	return nil
}

// credentials are the logins of an embedded warehouse. They are made once per directory.
type credentials struct {
	Creditmill string `json:"creditmill"` // password of the user that may do everything
	Analyst    string `json:"analyst"`    // password of the user that may read the views
	Backup     string `json:"backup"`     // password of the user that may back up and restore
	Reader     string `json:"reader"`     // password of the analyst's own like without limits
}

// readCredentials returns the passwords of the directory, making them where there are none yet. It needs the start
// lock.
func (f engineFiles) readCredentials() (credentials, error) {
	var made credentials
	text, err := os.ReadFile(f.credentials())
	if err == nil {
		if err := json.Unmarshal(text, &made); err != nil || made.Creditmill == "" || made.Analyst == "" {
			return made, fmt.Errorf("read passwords in %s: the file is damaged; remove it to make new ones", f.credentials())
		}
		if made.Backup != "" && made.Reader != "" {
			return made, nil
		}
		// The directory is older than these users are.
		made.Backup, made.Reader = cmp.Or(made.Backup, rand.Text()), cmp.Or(made.Reader, rand.Text())
		return made, writePrivateJSON(f.credentials(), made)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return made, fmt.Errorf("read passwords: %w", err)
	}
	made = credentials{Creditmill: rand.Text(), Analyst: rand.Text(), Backup: rand.Text(), Reader: rand.Text()}
	return made, writePrivateJSON(f.credentials(), made)
}

// running says where the running engine listens. It is true only while the engine holds the alive lock.
type running struct {
	TCPPort  int    `json:"tcp_port"`
	HTTPPort int    `json:"http_port"`
	PID      int    `json:"pid"`
	Library  string `json:"library"`
}

func (f engineFiles) readRunning() (running, error) {
	var now running
	text, err := os.ReadFile(f.running())
	if err != nil {
		return now, fmt.Errorf("read where the engine listens: %w", err)
	}
	if err := json.Unmarshal(text, &now); err != nil {
		return now, fmt.Errorf("read where the engine listens in %s: %w", f.running(), err)
	}
	return now, nil
}

// writePrivateJSON replaces the file as a whole, so that no reader ever sees half of it.
func writePrivateJSON(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return writePrivate(name, append(text, '\n'))
}

func writePrivate(name string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// makeGate makes the working directory in which the engine waits to be confined.
func (f engineFiles) makeGate() error {
	err := os.RemoveAll(f.workingDirectory())
	if err == nil {
		err = os.Mkdir(f.workingDirectory(), 0o700)
	}
	if err == nil {
		err = makeFIFO(f.gate())
	}
	if err != nil {
		return fmt.Errorf("make working directory of the engine: %w: %w", ErrUnreachable, err)
	}
	return nil
}

// startSecrets are made again at each start: the name is what the engine answers with, so that nobody else on its port
// can pass for it, and the password is that of the user who asks for the name.
type startSecrets struct{ name, password string }

func newStartSecrets() startSecrets { return startSecrets{name: rand.Text(), password: rand.Text()} }

// writeConfig writes the engine's own two config files: how it runs, and who may log in.
func (f engineFiles) writeConfig(
	passwords credentials, start startSecrets, memoryLimitBytes uint64, setAside bool, limits AnalystLimits,
) error {
	memory := ""
	if memoryLimitBytes > 0 {
		memory = fmt.Sprintf("<max_server_memory_usage>%d</max_server_memory_usage>", memoryLimitBytes)
	}
	damaged := refuseDamagedXML
	if setAside {
		damaged = ""
	}
	config := strings.NewReplacer("{USERS}", xmlText(f.users()), "{LOG}", xmlText(f.in("clickhouse.log")),
		"{START}", start.name, "{MEMORY}", memory, "{DAMAGED}", damaged,
		"{BACKUPS}", xmlText(f.backups()),
		"{NOWHERE}", xmlText(f.workingDirectory())).Replace(engineConfigXML)
	if err := writePrivate(f.config(), []byte(config)); err != nil {
		return err
	}
	users := strings.NewReplacer("{CREDITMILL}", sha256Hex(passwords.Creditmill),
		"{ANALYST}", sha256Hex(passwords.Analyst), "{START}", sha256Hex(start.password),
		"{BACKUP}", sha256Hex(passwords.Backup), "{READER}", sha256Hex(passwords.Reader), "{VIEWS}", viewGrants,
		"{ANALYST_MEMORY}", strconv.FormatUint(limits.MemoryBytes, 10),
		"{ANALYST_MEMORY_ALL}", strconv.FormatUint(2*limits.MemoryBytes, 10),
		"{ANALYST_SECONDS}", strconv.FormatUint(limits.Seconds, 10),
		"{ANALYST_ROWS}", strconv.FormatUint(limits.Rows, 10)).Replace(engineUsersXML)
	return writePrivate(f.users(), []byte(users))
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func xmlText(text string) string {
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(text)); err != nil {
		panic("escape xml: " + err.Error()) // a Builder does not fail
	}
	return escaped.String()
}
