package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptHostile moves a file to a name that steers a terminal: hostile FILE DIRECTORY.
func scriptHostile(ts *testscript.TestScript, _ bool, args []string) {
	directory := ts.MkAbs(args[1])
	ts.Check(os.Mkdir(directory, 0o755))
	ts.Check(os.Rename(ts.MkAbs(args[0]), filepath.Join(directory, "e\x1b[31mvil\n\u202e.jsonl")))
}

// scriptVisible runs a command, whose arguments may hold Go's escapes, and checks its exit code and that nothing it
// writes is more than a reader sees: visible 0 creditmill loads.
func scriptVisible(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i, arg := range args {
		if strings.Contains(arg, `\`) {
			args[i], err = strconv.Unquote(`"` + arg + `"`)
			ts.Check(err)
		}
	}
	code := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(stream)
		for at, r := range text {
			if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				ts.Fatalf("%s holds %U at byte %d: %q", stream, r, at, text)
			}
		}
	}
}
