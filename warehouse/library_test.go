package warehouse_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

// TestLibraryIsLookedFor in places of the program's own, and nowhere that depends on the working directory.
func TestLibraryIsLookedFor(t *testing.T) {
	name := "libchdb.so"
	if runtime.GOOS == "darwin" {
		name = "libchdb.dylib"
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	write := func(path string, mode os.FileMode) string {
		path = filepath.Join(root, path)
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		text := "module github.com/creditmill/creditmill\n"
		check(t, os.WriteFile(path, []byte(text), 0o600))
		check(t, os.Chmod(path, mode))
		return path
	}
	beside := write("beside/"+name, 0o600)
	write("module/go.mod", 0o600)
	node := warehouse.LibraryInModule()
	inModule := write("module/"+node, 0o600)
	write("stranger/"+node, 0o600)
	write("other/bin/creditmill", 0o700)
	write("other/"+node, 0o600)
	open := write("open/"+name, 0o666)
	t.Setenv("PATH", "")
	t.Chdir(filepath.Join(root, "stranger"))
	path := func(name string) string { return filepath.Join(root, name) }
	tests := []struct {
		name, setting, program, source string
		want, err                      string
	}{
		{"setting", beside, path("x/creditmill"), "", beside, ""},
		{"beside the program", "", path("beside/creditmill"), "", beside, ""},
		{"built into the module's bin", "", path("module/bin/creditmill"), "", inModule, ""},
		{"go test and go run", "", path("x/creditmill"), path("module/warehouse/library.go"), inModule, ""},
		{"built with -trimpath elsewhere", "", path("x/creditmill"), "github.com/x/library.go", "", "engine install"},
		{"working directory", "", path("stranger/deep/creditmill"), "", "", "CREDITMILL_ENGINE_LIBRARY"},
		{"no module of this program", "", path("other/bin/creditmill"), "", "", path("other/bin/" + name)},
		{"setting that is not there", path("nowhere.so"), "", "", "", "is not a file"},
		{"setting of the working directory", node, "", "", "", "whole path"},
		{"setting that anybody may change", open, "", "", "", "chmod o-w"},
		{"anybody may change it", "", path("open/creditmill"), "", "", "chmod o-w"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := warehouse.FindLibrary(test.setting, test.program, test.source)
			if found != test.want || (err == nil) != (test.err == "") {
				t.Fatalf("found %q (%v), want %q", found, err, test.want)
			}
			if err != nil && (!errors.Is(err, warehouse.ErrUnreachable) || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
		})
	}
}
