package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// measured runs a process. Its peak of memory is read while it runs: what Wait tells counts what this process was as it
// forked, too.
func measured(command *exec.Cmd) (output []byte, run benchRun, err error) {
	var out bytes.Buffer
	command.Stdout = &out
	started := time.Now()
	if err := command.Start(); err != nil {
		return nil, benchRun{}, err
	}
	status := fmt.Sprintf("/proc/%d/status", command.Process.Pid)
	ended, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			most = max(most, peakOf(status))
			select {
			case <-ended:
				peak <- most
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	err = command.Wait()
	run.wall = time.Since(started)
	close(ended)
	run.ownPeak = <-peak
	run.ownCPU = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return out.Bytes(), run, err
}

// peakOf reads the most memory that a process has had; 0 where that is not told.
func peakOf(status string) uint64 {
	text, err := os.ReadFile(status)
	_, peak, found := strings.Cut(string(text), "VmHWM:")
	if err != nil || !found {
		return 0
	}
	kilobytes, err := strconv.ParseUint(strings.Fields(peak)[0], 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// startEngineMeter begins to measure the engine; the function it returns says what it took since.
func (l *loadBench) startEngineMeter(b *testing.B) func() (time.Duration, uint64) {
	b.Helper()
	if runtime.GOOS != "linux" {
		return func() (time.Duration, uint64) { return 0, 0 }
	}
	process := fmt.Sprintf("/proc/%d/", l.enginePID)
	if err := os.WriteFile(process+"clear_refs", []byte("5"), 0); err != nil { // resets the peak
		b.Fatal(err)
	}
	before := processCPU(b, process)
	return func() (time.Duration, uint64) {
		return processCPU(b, process) - before, peakOf(process + "status")
	}
}

// processCPU is user and system time of a process, in ticks of a hundredth of a second.
func processCPU(b *testing.B, process string) time.Duration {
	b.Helper()
	text, err := os.ReadFile(process + "stat")
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	var ticks int64
	for _, field := range fields[12:14] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
