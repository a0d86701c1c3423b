package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/creditmill/creditmill/ingest/event"
)

// cutter reads the text and cuts it into chunks of whole rows.
type cutter struct {
	*pipeline
	text   *countingReader
	passed uint64 // bytes of text that were given on, or skipped with a row that is too long
	format *rowFormat
}

// run goes on from the first buffer, which is filled already and begins with a header of that many bytes.
func (c *cutter) run(ctx context.Context, current *job, header, filled int, atEnd bool) error {
	start := header
	c.passed = uint64(header)
	for {
		data := current.buffer[start:filled]
		rows := c.format.wholeRows(data, atEnd)
		var rest []byte
		switch {
		case rows > 0 || atEnd:
			current.chunk, rest = data[:rows], data[rows:]
			c.passed += uint64(rows)
		case start > 0: // make room behind the header
			filled = copy(current.buffer, data)
			start = 0
			var err error
			if filled, atEnd, err = fill(c.text, current.buffer, filled); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
			continue
		case filled < c.load.options.MaxLineBytes+2: // a long row: room for it, in this job and for as long as it takes
			current.grow(c.load.options.MaxLineBytes + 2)
			var err error
			if filled, atEnd, err = fill(c.text, current.buffer, filled); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
			continue
		default: // a row longer than any may be: its beginning is enough to refuse it
			current.chunk = data[:c.load.options.MaxLineBytes+2] // one for a carriage return
			var err error
			var skipped int
			if rest, skipped, atEnd, err = skipLine(c.text, len(current.buffer)); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
			c.passed += uint64(len(data) + skipped)
		}
		var next *job
		if !atEnd || len(rest) > 0 {
			select {
			case next = <-c.free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if need := max(c.bufferBytes, len(rest)+1); len(next.buffer) != need {
				next.buffer = make([]byte, need)
			}
			filled = copy(next.buffer, rest) // before the current buffer is given away
		}
		c.inOrder <- current
		c.toDecode <- current
		if next == nil {
			if c.passed != c.text.bytes {
				return fmt.Errorf("read %s: %w: %d bytes of text were read, %d were decoded", c.load.file.name,
					ErrNotConserved, c.text.bytes, c.passed)
			}
			return nil
		}
		current, start = next, 0
		if !atEnd {
			var err error
			if filled, atEnd, err = fill(c.text, current.buffer, filled); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
		}
	}
}

// grow makes room for more of a row, at most for so many bytes.
func (j *job) grow(most int) {
	buffer := make([]byte, min(2*len(j.buffer), most))
	copy(buffer, j.buffer)
	j.buffer = buffer
}

// wholeRows returns how many bytes at the beginning of the data are a chunk: as many whole rows as there are, unless
// they are tiny.
func (f *rowFormat) wholeRows(data []byte, atEnd bool) int {
	rows := len(data)
	if !atEnd {
		rows = f.complete(data)
	}
	if bytes.Count(data[:rows], []byte{'\n'}) <= event.RowsPerBlock {
		return rows
	}
	end := 0
	for range event.RowsPerBlock {
		end += bytes.IndexByte(data[end:], '\n') + 1
	}
	if fewer := f.complete(data[:end]); fewer > 0 {
		return fewer
	}
	return rows
}

// fill reads until the buffer, which holds that many bytes already, is full or the text ends.
func fill(text io.Reader, buffer []byte, filled int) (int, bool, error) {
	for filled < len(buffer) {
		n, err := text.Read(buffer[filled:])
		filled += n
		if err == io.EOF {
			return filled, true, nil
		}
		if err != nil {
			return filled, false, err
		}
	}
	return filled, false, nil
}

// skipLine reads over the rest of a line. It returns what was read beyond it, at most so many bytes, and how many bytes
// belonged to the line.
func skipLine(text io.Reader, most int) (rest []byte, skipped int, atEnd bool, err error) {
	window := make([]byte, min(64<<10, most))
	for {
		n, err := text.Read(window)
		if end := bytes.IndexByte(window[:n], '\n') + 1; end > 0 {
			return window[end:n], skipped + end, errors.Is(err, io.EOF), ignoreEOF(err)
		}
		skipped += n
		if err != nil {
			return nil, skipped, true, ignoreEOF(err)
		}
	}
}

// countingReader counts what is read of the text, to be compared with what is decoded.
type countingReader struct {
	io.Reader
	bytes uint64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes += uint64(n)
	return n, err
}
