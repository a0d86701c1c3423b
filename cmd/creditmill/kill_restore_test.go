package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// restorePoint is a backup, and how many files had been loaded when it was made.
type restorePoint struct {
	folder string
	files  int
}

// backUp copies the directory while no engine runs. Whoever has it open starts the engine again.
func (p *program) backUp(t *testing.T, files int) restorePoint {
	t.Helper()
	point := restorePoint{folder: filepath.Join(t.TempDir(), "backup"), files: files}
	p.killEngine(t)
	if err := exec.Command("cp", "-a", p.directory, point.folder).Run(); err != nil {
		t.Fatal(err)
	}
	return point
}

// restore puts a backup in the place of the warehouse that is open, and opens it.
func (p *program) restore(t *testing.T, w *warehouse.Warehouse, point restorePoint) *warehouse.Warehouse {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p.killEngine(t)
	if err := os.RemoveAll(p.directory); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("cp", "-a", point.folder, p.directory).Run(); err != nil {
		t.Fatal(err)
	}
	return p.open(t, 0)
}

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
