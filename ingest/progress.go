package ingest

import (
	"slices"
	"sync"
)

// Progress is how far a Load is.
type Progress struct {
	BytesRead uint64 // as stored, of all files so far
	Rows      uint64
	Rejected  uint64
	Files     []FileProgress // those under way, in the order given
}

// FileProgress is how far one file is.
type FileProgress struct {
	Name      string
	BytesRead uint64 // as stored
	SizeBytes uint64 // 0 where it is not known
	Rows      uint64
	Rejected  uint64
}

// progress follows the files of a Load: those under way by themselves, those that are done as a sum.
type progress struct {
	mutex    sync.Mutex
	underWay []*load
	done     FileProgress
}

// begin follows a file.
func (p *progress) begin(l *load) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.underWay = append(p.underWay, l)
}

// end adds a file to those that are done. One that was not begun was known already.
func (p *progress) end(l *load, known *Result) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if l == nil {
		if known != nil {
			p.done.BytesRead += known.Bytes
		}
		return
	}
	now := l.progress()
	p.done.BytesRead += now.BytesRead
	p.done.Rows += now.Rows
	p.done.Rejected += now.Rejected
	p.underWay = slices.DeleteFunc(p.underWay, func(other *load) bool { return other == l })
}

// Progress tells how far the files are; it may be called while Load runs.
func (p *progress) Progress() Progress {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	total := Progress{BytesRead: p.done.BytesRead, Rows: p.done.Rows, Rejected: p.done.Rejected}
	for _, l := range p.underWay {
		now := l.progress()
		total.BytesRead += now.BytesRead
		total.Rows += now.Rows
		total.Rejected += now.Rejected
		total.Files = append(total.Files, now)
	}
	return total
}

func (l *load) progress() FileProgress {
	return FileProgress{
		Name: l.file.name, BytesRead: l.file.readSoFar.Load(), SizeBytes: l.file.size(),
		Rows: l.rowsSoFar.Load(), Rejected: l.rejectedSoFar.Load(),
	}
}
