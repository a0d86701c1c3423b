package ingest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/creditmill/creditmill/ingest/event"
)

// partCutter fills jobs with the rows of parts.
type partCutter struct {
	*pipeline
	current *job
	filled  int
	newLine int             // line ends in current
	alone   bool            // what is in current is of one part, and remains so
	seen    map[string]bool // contents of this load
}

// take passes on the parts of a step whose contents are new.
func (c *partCutter) take(ctx context.Context, step []readPart) error {
	shas := make([]string, 0, len(step))
	for _, part := range step {
		if part.err == nil {
			shas = append(shas, part.sha)
		}
	}
	known, err := knownContents(ctx, c.load.config.Warehouse, shas)
	if err != nil {
		return mark(err, errWarehouse)
	}
	for i := range step {
		part := &step[i]
		err := part.err
		if err == nil {
			err = c.add(ctx, part, known[part.sha])
		}
		if err != nil && (ctx.Err() != nil || (part.err == nil && !errors.Is(err, errLeftOut))) {
			return err
		}
		if err != nil {
			c.load.leftOut = append(c.load.leftOut, leftOut{part: part.Part, sha: part.sha, err: err})
			if len(c.load.leftOut) > maxLeftOut {
				return fmt.Errorf("%w, such as %s: %w", errTooManyLeftOut, part.Name, err)
			}
		}
		c.load.file.took(part)
		part.data = nil
	}
	return nil
}

// add adds one part. Where its contents are known, only that is kept of it.
func (c *partCutter) add(ctx context.Context, part *readPart, known []knownContent) error {
	l := c.load
	object := newLoadObject(l, part.Part, part.sha)
	if first, problem := l.sameContent(known); problem != "" {
		return mark(fmt.Errorf("load %s: %s", part.Name, problem), errLeftOut)
	} else if first != nil || c.seen[part.sha] {
		if first != nil {
			object.ContentSeq = first.Seq
		}
		l.objects = append(l.objects, object)
		return nil
	}
	source, err := event.SourceOfFile(l.options.Source, part.Name)
	var text []byte
	if err == nil {
		text, err = part.text()
	}
	var format *rowFormat
	header := 0
	if err == nil && len(text) > 0 {
		format, header, err = openFormat(source, part.Name, text, l.options.MaxLineBytes)
	}
	if err == nil && format != nil && format.newDecoder == nil {
		err = fmt.Errorf("it is a file of columns (%s): load it by its own name", format.name)
	}
	if err != nil {
		return mark(mark(fmt.Errorf("read %s: %w", part.Name, err), errLeftOut), ErrUnreadable)
	}
	c.seen[part.sha] = true
	l.objects = append(l.objects, object)
	if format == nil {
		return nil
	}
	if l.format == "" {
		l.format = format.name
	}
	return c.cut(ctx, piece{object: object, format: format, isFirst: true}, text[header:], !canShare(source, format))
}

// cut parts the text of a part into pieces that fit into jobs.
func (c *partCutter) cut(ctx context.Context, piece piece, text []byte, alone bool) error {
	if alone || c.alone {
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	for len(text) > 0 {
		size := pieceOf(text, piece.format)
		newLines := bytes.Count(text[:size], []byte{'\n'})
		if c.current != nil && (c.filled+size > len(c.current.buffer) || c.newLine+newLines > event.RowsPerBlock) {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
		if c.current == nil {
			if err := c.nextJob(ctx, size); err != nil {
				return err
			}
		}
		piece.from, piece.to = c.filled, c.filled+size
		copy(c.current.buffer[c.filled:], text[:size])
		c.current.pieces = append(c.current.pieces, piece)
		c.filled, c.newLine, c.alone = c.filled+size, c.newLine+newLines, alone
		piece.isFirst = false
		text = text[size:]
	}
	return nil
}

// pieceOf is how many bytes at the beginning of a text are whole rows and no more than a job should hold, unless one
// row is more.
func pieceOf(text []byte, format *rowFormat) int {
	for window := chunkBytes; window < len(text); window *= 2 {
		if whole := format.wholeRows(text[:window], false); whole > 0 {
			return whole
		}
	}
	return format.wholeRows(text, true)
}

// nextJob waits for a job that has room for so many bytes.
func (c *partCutter) nextJob(ctx context.Context, size int) error {
	select {
	case c.current = <-c.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	if need := max(c.bufferBytes, size); len(c.current.buffer) != need {
		c.current.buffer = make([]byte, need)
	}
	c.current.pieces, c.filled, c.newLine, c.alone = c.current.pieces[:0], 0, 0, false
	return nil
}

// flush passes on what is in the present job.
func (c *partCutter) flush(ctx context.Context) error {
	if c.current == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.inOrder <- c.current
	c.toDecode <- c.current
	c.current, c.alone = nil, false
	return nil
}

// took counts a part as read. The hash of the whole is that of the parts' hashes.
func (f *inputFile) took(part *readPart) {
	f.bytesRead += part.Remote.Size()
	f.readSoFar.Store(f.bytesRead)
	if sum, err := hex.DecodeString(part.sha); err == nil {
		f.hash.Write(sum)
	}
}
