package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/creditmill/creditmill/ingest"
)

const (
	terminalInterval = 200 * time.Millisecond
	logInterval      = 30 * time.Second
)

// showProgress writes how far a load is to stderr until stop is called: one line that changes on a terminal, else a
// line every 30 seconds.
func (a *app) showProgress(inputs []ingest.Input, progress func() (bytesRead, rowsRead uint64)) (stop func()) {
	if a.flags.quiet {
		return func() {}
	}
	terminal := isTerminal(a.stderr)
	interval := logInterval
	if terminal {
		interval = terminalInterval
	}
	started := a.now()
	total := totalBytes(inputs)
	line := func() string {
		bytesRead, rowsRead := progress()
		elapsed := max(a.now().Sub(started), time.Millisecond)
		text := humanBytes(bytesRead)
		if total > 0 {
			text += " of " + humanBytes(total)
		}
		return fmt.Sprintf("%s, %d rows, %d rows/s", text, rowsRead, rowsRead*1000/uint64(elapsed.Milliseconds()))
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				if terminal {
					fmt.Fprint(a.stderr, "\r\x1b[K")
				}
				return
			case <-ticker.C:
				if terminal {
					fmt.Fprint(a.stderr, "\r\x1b[K", line())
				} else {
					fmt.Fprintln(a.stderr, "loading: "+line())
				}
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// totalBytes is the stored size of all inputs; 0 where it is not known, or says nothing of the text for being
// compressed.
func totalBytes(inputs []ingest.Input) uint64 {
	var total uint64
	for _, input := range inputs {
		info, err := os.Stat(input.Name)
		if input.Reader != nil || err != nil || info.Size() < 0 || isCompressed(input.Name) {
			return 0
		}
		total += uint64(info.Size())
	}
	return total
}

// humanBytes writes a size for people: 12.3 MB.
func humanBytes(size uint64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	unit, tenths := 0, size*10
	if size >= 1<<60 {
		return fmt.Sprintf("%d B", size)
	}
	for tenths >= 10_000 && unit < len(units)-1 {
		tenths /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", size)
	}
	return fmt.Sprintf("%d.%d %s", tenths/10, tenths%10, units[unit])
}
