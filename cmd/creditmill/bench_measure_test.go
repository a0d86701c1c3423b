package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchUsage is what a process used of the machine.
type benchUsage struct {
	cpu, kernel time.Duration // kernel is the part of cpu in system calls and page faults
	faults      uint64        // pages that had to be found, most of them memory touched for the first time
}

func (u benchUsage) plus(other benchUsage) benchUsage {
	return benchUsage{cpu: u.cpu + other.cpu, kernel: u.kernel + other.kernel, faults: u.faults + other.faults}
}

func (u benchUsage) minus(other benchUsage) benchUsage {
	return benchUsage{
		cpu: u.cpu - other.cpu, kernel: u.kernel - other.kernel, faults: u.faults - min(u.faults, other.faults),
	}
}

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
	run.own.kernel = command.ProcessState.SystemTime()
	run.own.cpu = command.ProcessState.UserTime() + run.own.kernel
	if resources, is := command.ProcessState.SysUsage().(*syscall.Rusage); is {
		run.own.faults = uint64(resources.Minflt + resources.Majflt)
	}
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

// startEngineMeter begins to measure the engine; the function it returns says what it used since, and its peak of
// memory.
func (l *loadBench) startEngineMeter(b *testing.B) func() (benchUsage, uint64) {
	b.Helper()
	if runtime.GOOS != "linux" {
		return func() (benchUsage, uint64) { return benchUsage{}, 0 }
	}
	process := fmt.Sprintf("/proc/%d/", l.enginePID)
	if err := os.WriteFile(process+"clear_refs", []byte("5"), 0); err != nil { // resets the peak
		b.Fatal(err)
	}
	before := processUsage(b, process)
	return func() (benchUsage, uint64) {
		return processUsage(b, process).minus(before), peakOf(process + "status")
	}
}

// processUsage is what a process has used since its start, its times in ticks of a hundredth of a second.
func processUsage(b *testing.B, process string) benchUsage {
	b.Helper()
	text, err := os.ReadFile(process + "stat")
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):])) // the second one is first here
	field := func(number int) uint64 {
		n, err := strconv.ParseUint(fields[number-2], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	const minorFaults, majorFaults, userTime, systemTime = 10, 12, 14, 15 // proc_pid_stat(5)
	ticks := func(number int) time.Duration { return time.Duration(field(number)) * 10 * time.Millisecond }
	return benchUsage{
		cpu: ticks(userTime) + ticks(systemTime), kernel: ticks(systemTime), faults: field(minorFaults) + field(majorFaults),
	}
}

// machine says on what, and beside how much else, something was measured.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, found := strings.Cut(string(text), "model name"); found {
			line, _, _ := strings.Cut(after, "\n")
			model = strings.Trim(line, "\t: ")
		}
	}
	return fmt.Sprintf("%s, %d cores of %s, load average %s", runtime.GOOS, runtime.NumCPU(), model, loadAverage())
}

// loadAverage is that of the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}
