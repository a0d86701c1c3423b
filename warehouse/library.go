package warehouse

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

var errNoLibrary = errors.New("the embedded ClickHouse engine is not installed")

// findLibrary returns the engine: the library libchdb of the npm package of this platform, or a clickhouse binary.
// It looks at the setting, next to the executable, in node_modules above the executable and the working directory,
// and at last for clickhouse on PATH.
func findLibrary(setting string) (string, error) {
	if setting != "" {
		if !isFile(setting) {
			return "", fmt.Errorf("find engine library: CREDITMILL_ENGINE_LIBRARY names %s, which is no file: %w: %w",
				setting, errNoLibrary, ErrUnreachable)
		}
		return filepath.Abs(setting)
	}
	executable, err := os.Executable()
	if err == nil {
		if beside := filepath.Join(filepath.Dir(executable), libraryFile()); isFile(beside) {
			return beside, nil
		}
		if above := libraryAbove(filepath.Dir(executable)); above != "" {
			return above, nil
		}
	}
	if directory, err := os.Getwd(); err == nil {
		if above := libraryAbove(directory); above != "" {
			return above, nil
		}
	}
	if binary, err := exec.LookPath("clickhouse"); err == nil {
		return filepath.Abs(binary)
	}
	return "", fmt.Errorf("find engine library: %w; run `npm ci` in creditmill's directory (it installs @chdb/%s), "+
		"or set CREDITMILL_ENGINE_LIBRARY to %s or to a clickhouse binary, or use a server by --warehouse clickhouse://…: %w",
		errNoLibrary, libraryPackage(), libraryFile(), ErrUnreachable)
}

func libraryAbove(directory string) string {
	for {
		candidate := filepath.Join(directory, "node_modules", "@chdb", libraryPackage(), libraryFile())
		if isFile(candidate) {
			return candidate
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return ""
		}
		directory = parent
	}
}

func libraryFile() string {
	if runtime.GOOS == "darwin" {
		return "libchdb.dylib"
	}
	return "libchdb.so"
}

// libraryPackage is the npm package of this platform under @chdb/, named as npm names platforms.
func libraryPackage() string {
	architecture := runtime.GOARCH
	if architecture == "amd64" {
		architecture = "x64"
	}
	if runtime.GOOS == "linux" {
		return "lib-linux-" + architecture + "-gnu"
	}
	return "lib-" + runtime.GOOS + "-" + architecture
}

// isBinary tells a clickhouse executable from the library.
func isBinary(library string) bool {
	extension := filepath.Ext(library)
	return extension != ".so" && extension != ".dylib"
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
