package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// keptVariable names the file with the process that keeps a script's engine running from its second command on: most of
// a command's time is the start of its engine. A script that looks at that start itself has it empty.
const keptVariable = "KEPT_ENGINE"

// scriptMain is the program of scripts.
func scriptMain() {
	if err := keepEngine(os.Getenv(keptVariable)); err != nil {
		fmt.Fprintln(os.Stderr, "keep the engine of the script:", err)
		os.Exit(exitError)
	}
	main()
}

// keepEngine starts a process that holds the engine of the warehouse in this directory, unless there is one, or no
// warehouse yet.
func keepEngine(file string) error {
	if _, err := os.Stat("creditmill-data"); file == "" || err != nil {
		return nil //nolint:nilerr // there is no warehouse yet
	}
	kept, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	program, err := exec.LookPath("creditmill")
	if err != nil {
		return err
	}
	holder := exec.Command(program, "engine", "--warehouse", "embedded:creditmill-data")
	holder.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := holder.Start(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(kept, holder.Process.Pid)
	return errors.Join(err, kept.Close())
}

// endKeptEngine ends the process, so that nothing is in the directory any more that is removed after it.
func endKeptEngine(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	_ = syscall.Kill(pid, syscall.SIGTERM) // it may be gone
	for range 1000 {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(state), ") Z ") { // nobody may ask for the exit code of an orphan
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the engine of the script does not end: process %d", pid)
}

// keepScriptEngine says where the script's process is noted, and ends it after the script.
func keepScriptEngine(env *testscript.Env) {
	file := filepath.Join(env.WorkDir, ".tmp", "engine.pid")
	env.Setenv(keptVariable, file)
	env.Defer(func() {
		if err := endKeptEngine(file); err != nil {
			env.T().Fatal(err)
		}
	})
}
