package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killEngine kills the engine of the directory, also one that is just starting, and waits for its end.
func (p *program) killEngine(t *testing.T) {
	t.Helper()
	for range 1000 {
		engines := 0
		processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range processes {
			text, _ := os.ReadFile(name) // it may have ended
			words := strings.Split(string(text), "\x00")
			if len(words) > 2 && words[1] == "__engine" && words[2] == p.directory {
				pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
				if err != nil {
					t.Fatal(err)
				}
				syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
				engines++
			}
		}
		if engines == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the engine does not end")
}
