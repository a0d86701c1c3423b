package ingest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// Preview is how the first rows of a file would be understood.
type Preview struct {
	// Format is the format that the file was taken for.
	Format string
	// Note is what was found out about the file, such as its delimiter; empty if nothing.
	Note string
	// Rows stand in the order of the file.
	Rows []PreviewRow
	// More tells that the file has rows after these.
	More bool
}

// PreviewRow is a row: an event, a reject, or one that the source skips.
type PreviewRow struct {
	RowNumber uint64
	// Event is nil for a reject and for a skipped row.
	Event *schemas.Event
	// Skipped tells that the source leaves the row out.
	Skipped bool
	// Field and Reason are those of a reject.
	Field, Reason string
}

// ReadPreview reads the first rows of a file as a load would, without a warehouse. Whether they are duplicates is not
// known to it.
func ReadPreview(ctx context.Context, input Input, options Options, rows int) (preview *Preview, err error) {
	if options.MaxLineBytes <= 0 {
		options.MaxLineBytes = defaultMaxLineBytes
	}
	defer func() {
		if err != nil {
			err = &FileError{File: input.Name, Err: err}
		}
	}()
	if options.Source, err = event.SourceOfFile(options.Source, input.Name); err != nil {
		return nil, err
	}
	file, err := openInput(ctx, input)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	text, err := file.plain()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	p := &previewer{text: text, options: options}
	if err := p.read(ctx, file, rows); err != nil {
		return nil, fmt.Errorf("read %s: %w", file.name, err)
	}
	return &p.Preview, nil
}

// previewer reads chunks of whole rows one after the other.
type previewer struct {
	Preview
	text    io.Reader
	options Options
	buffer  []byte
	block   event.Block
	before  uint64 // lines of the chunks before
	chain   *event.RowChain
}

// firstBuffer is enough for what is sent row by row.
const firstBuffer = 64 << 10

// begin fills the buffer, which has room for two of the longest lines unless all there is needs less.
func (p *previewer) begin() (filled int, atEnd bool, err error) {
	most := 2*p.options.MaxLineBytes + 2
	for size := firstBuffer; len(p.buffer) < most && !atEnd; size *= 4 {
		larger := make([]byte, min(size, most))
		copy(larger, p.buffer[:filled])
		p.buffer = larger
		if filled, atEnd, err = fill(p.text, p.buffer, filled); err != nil {
			return 0, false, err
		}
	}
	return filled, atEnd, nil
}

func (p *previewer) read(ctx context.Context, file *inputFile, rows int) error {
	filled, atEnd, err := p.begin()
	if err != nil {
		return err
	}
	format, start, err := openFormat(p.options.Source, file.name, p.buffer[:filled], p.options.MaxLineBytes)
	if err != nil {
		return err
	}
	p.Format, p.Note, p.chain = format.name, format.note, event.NewRowChain(format.header)
	if format.newDecoder == nil {
		return p.readColumns(ctx, file, io.MultiReader(bytes.NewReader(p.buffer[:filled]), p.text), rows)
	}
	decoder := format.newDecoder()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		data := p.buffer[start:filled]
		whole := len(data)
		if !atEnd {
			whole = format.complete(data)
		}
		if whole > 0 || atEnd {
			p.decode(decoder, data[:whole])
			filled = copy(p.buffer, data[whole:])
		} else if start > 0 { // a header took its room
			filled = copy(p.buffer, data)
		} else { // a row longer than the buffer: its beginning is enough to refuse it
			p.decode(decoder, data[:p.options.MaxLineBytes+2])
			if filled, atEnd, err = p.nextLine(); err != nil {
				return err
			}
		}
		start = 0
		if len(p.Rows) > rows || (atEnd && filled == 0) {
			break
		}
		if !atEnd {
			if filled, atEnd, err = fill(p.text, p.buffer, filled); err != nil {
				return err
			}
		}
	}
	p.cut(rows)
	return nil
}

// cut keeps so many rows.
func (p *previewer) cut(rows int) {
	p.More = len(p.Rows) > rows
	if p.More {
		p.Rows = p.Rows[:rows]
	}
}

// readColumns reads the first rows of a file of columns.
func (p *previewer) readColumns(ctx context.Context, file *inputFile, text io.Reader, rows int) (err error) {
	reader, columns, err := file.openColumns(ctx, p.options.Source, p.Format, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	decoder := event.NewColumnDecoder(columns, p.options.MaxLineBytes)
	for len(p.Rows) <= rows {
		batch, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		p.show(func(b *event.Block) {
			decoder.Decode(columnar.Slice{Batch: batch, From: 0, To: min(batch.Rows, rows+1)}, b)
		})
	}
	p.cut(rows)
	return nil
}

// nextLine reads over the rest of a line and fills the buffer with what was read beyond it.
func (p *previewer) nextLine() (filled int, atEnd bool, err error) {
	for !atEnd {
		if filled, atEnd, err = fill(p.text, p.buffer, 0); err != nil {
			return 0, false, err
		}
		if end := bytes.IndexByte(p.buffer[:filled], '\n') + 1; end > 0 {
			return copy(p.buffer, p.buffer[end:filled]), atEnd, nil
		}
	}
	return 0, true, nil
}

// decode adds the rows of a chunk.
func (p *previewer) decode(decoder decoder, chunk []byte) {
	p.show(func(b *event.Block) { decoder.Decode(chunk, b) })
}

// show adds the rows that decode puts into the block.
func (p *previewer) show(decode func(*event.Block)) {
	p.block.Reset()
	decode(&p.block)
	p.block.Place(0, p.before, p.chain)
	p.before += p.block.Lines()
	events, rejects, skips := p.block.Events(), p.block.Rejects, p.block.Skips
	first := len(p.Rows)
	for i := range events {
		p.Rows = append(p.Rows, PreviewRow{RowNumber: p.block.RowNumber[i], Event: &events[i]})
	}
	for _, reject := range rejects {
		p.Rows = append(p.Rows, PreviewRow{RowNumber: reject.RowNumber, Field: reject.Field, Reason: reject.Reason})
	}
	for _, number := range skips {
		p.Rows = append(p.Rows, PreviewRow{RowNumber: number, Skipped: true})
	}
	slices.SortStableFunc(p.Rows[first:], func(a, b PreviewRow) int {
		return cmp.Compare(event.PlaceInFile(a.RowNumber), event.PlaceInFile(b.RowNumber))
	})
}
