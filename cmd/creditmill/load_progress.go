package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
)

const (
	terminalInterval = 200 * time.Millisecond
	logInterval      = 30 * time.Second
)

// showProgress writes how far a load is to stderr until stop is called: on a terminal a line for each file under way
// and one for all, rewritten in place; else one line every 30 seconds.
func (a *app) showProgress(inputs []ingest.Input, progress func() ingest.Progress) (stop func()) {
	if a.flags.quiet {
		return func() {}
	}
	terminal := isTerminal(a.stderr)
	interval := logInterval
	if terminal {
		interval = terminalInterval
	}
	view := progressView{started: a.now(), sizeBytes: totalBytes(inputs), files: len(inputs)}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		shown := 0
		for {
			select {
			case <-done:
				if terminal {
					fmt.Fprint(unguarded(a.stderr), eraseLines(shown))
				}
				return
			case <-ticker.C:
				lines := view.lines(progress(), a.now())
				if !terminal {
					fmt.Fprintln(a.stderr, "loading: "+lines[len(lines)-1])
					continue
				}
				fmt.Fprint(unguarded(a.stderr), eraseLines(shown))
				fmt.Fprint(a.stderr, strings.Join(cut(lines, unguarded(a.stderr)), "\n"))
				shown = len(lines)
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// eraseLines goes back to the beginning of the lines that were written last and clears them.
func eraseLines(count int) string {
	if count == 0 {
		return ""
	}
	return strings.Repeat("\r\x1b[K\x1b[A", count-1) + "\r\x1b[K"
}

// cut shortens lines to the terminal's width: one that wraps could not be erased.
func cut(lines []string, w any) []string {
	file, ok := w.(*os.File)
	if !ok {
		return lines
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < 2 {
		return lines
	}
	for i, line := range lines {
		if letters := []rune(line); len(letters) >= width {
			lines[i] = string(letters[:width-1])
		}
	}
	return lines
}

// progressView turns counts into lines for people.
type progressView struct {
	started   time.Time
	sizeBytes uint64 // of all files; 0: not known
	files     int
}

// lines are those of the files under way, where there are several in all, and then the one that sums up.
func (v progressView) lines(p ingest.Progress, now time.Time) []string {
	elapsed := max(now.Sub(v.started), time.Millisecond)
	var lines []string
	if v.files > 1 {
		for _, f := range p.Files {
			lines = append(lines, schemas.Visible(f.Name)+": "+amounts(f.BytesRead, f.SizeBytes, f.Rows, f.Rejected))
		}
	}
	total := amounts(p.BytesRead, v.sizeBytes, p.Rows, p.Rejected)
	if v.files > 1 {
		total = counted(v.files, "file") + ": " + total
	}
	total += fmt.Sprintf(", %d rows/s", p.Rows*1000/uint64(elapsed.Milliseconds()))
	switch {
	case v.sizeBytes == 0 || p.BytesRead == 0:
	case p.BytesRead >= v.sizeBytes:
		total += ", checking" // identities and figures, before it counts
	default:
		rest := time.Duration(uint64(elapsed.Milliseconds())*(v.sizeBytes-p.BytesRead)/p.BytesRead) * time.Millisecond
		total += fmt.Sprintf(", %s left", rest.Round(time.Second))
	}
	return append(lines, total)
}

func amounts(bytesRead, sizeBytes, rows, rejected uint64) string {
	text := humanBytes(bytesRead)
	if sizeBytes > 0 {
		text += " of " + humanBytes(sizeBytes)
	}
	return fmt.Sprintf("%s, %s, %d rejected", text, counted(rows, "row"), rejected)
}

// totalBytes is the stored size of all inputs; 0 where it is not known.
func totalBytes(inputs []ingest.Input) uint64 {
	var total uint64
	for _, input := range inputs {
		for _, part := range input.Parts {
			total += part.Remote.Size()
		}
		if input.Parts != nil {
			continue
		}
		if input.Remote != nil {
			total += input.Remote.Size()
			continue
		}
		info, err := os.Stat(input.Name)
		if input.Reader != nil || err != nil || info.Size() < 0 {
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
