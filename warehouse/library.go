package warehouse

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

var errNoLibrary = errors.New("the embedded ClickHouse engine is not installed")

// places are where findLibrary looks. Only tests have others than those of thisProgram.
type places struct {
	program string   // the program's file
	source  string   // a source file of this package, as it was when the program was built; not there with -trimpath
	system  []string // folders
}

func thisProgram() places {
	program, err := os.Executable()
	if err != nil {
		program = "" // then it is not looked for beside it
	}
	_, source, _, _ := runtime.Caller(0)
	return places{program: program, source: source, system: []string{
		"/usr/local/lib/creditmill", "/usr/lib/creditmill", "/usr/local/lib", "/usr/lib",
	}}
}

// EngineLibrary is the path of the engine that an embedded warehouse is started with; see Config.Library for the
// setting.
func EngineLibrary(setting string) (string, error) { return findLibrary(setting, thisProgram()) }

// findLibrary returns the engine: the library libchdb of the npm package of this platform, or a clickhouse binary. It
// is code that will run, so it never depends on the working directory, and a file that others may change is refused.
func findLibrary(setting string, where places) (string, error) {
	if setting != "" {
		return checkSetting(setting)
	}
	candidates := where.candidates()
	if binary, err := exec.LookPath("clickhouse"); err == nil && filepath.IsAbs(binary) {
		candidates = append(candidates, binary)
	}
	owners := trustedOwners(where.program)
	looked := make([]string, 0, len(candidates))
	for _, candidate := range candidates {
		if !isFile(candidate) {
			looked = append(looked, candidate)
			continue
		}
		err := checkTrust(candidate, owners)
		if err == nil {
			return candidate, nil
		}
		looked = append(looked, err.Error())
	}
	return "", fmt.Errorf("find engine library: %w; run `creditmill engine install` (it gets @chdb/%s "+
		"through npm), or set CREDITMILL_ENGINE_LIBRARY to the path of %s or of a clickhouse binary, or use a server by "+
		"--warehouse clickhouse://…; looked for it in: %s, clickhouse on the PATH: %w",
		errNoLibrary, libraryPackage(), libraryFile(), strings.Join(looked, ", "), ErrUnreachable)
}

// checkSetting takes the word of whoever sets the variable for whose file it is, but not for a file that anybody may
// change, and no path that means another file in another folder.
func checkSetting(setting string) (string, error) {
	err := error(nil)
	switch {
	case !filepath.IsAbs(setting):
		err = fmt.Errorf("%s, which depends on the working directory; give the whole path", setting)
	case !isFile(setting):
		err = fmt.Errorf("%s, which is not a file", setting)
	default:
		err = checkTrust(setting, nil)
	}
	if err != nil {
		return "", fmt.Errorf("find engine library: CREDITMILL_ENGINE_LIBRARY names %w: %w: %w",
			err, errNoLibrary, ErrUnreachable)
	}
	return setting, nil
}

// candidates lie beside the program, in system folders, and in node_modules of the module that the program is of:
// where it was built into bin/, or where its source lies, as for go test, go run and go install.
func (p places) candidates() []string {
	var found []string
	if p.program != "" {
		found = append(found, filepath.Join(filepath.Dir(p.program), libraryFile()))
	}
	for _, folder := range p.system {
		found = append(found, filepath.Join(folder, libraryFile()))
	}
	modules := []string{}
	if filepath.Base(filepath.Dir(p.program)) == "bin" {
		modules = append(modules, filepath.Dir(filepath.Dir(p.program)))
	}
	if filepath.IsAbs(p.source) {
		modules = append(modules, filepath.Dir(filepath.Dir(p.source)))
	}
	for _, module := range modules {
		text, err := os.ReadFile(filepath.Join(module, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module github.com/creditmill/creditmill\n") {
			found = append(found, filepath.Join(module, "node_modules", "@chdb", libraryPackage(), libraryFile()))
		}
	}
	return found
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
