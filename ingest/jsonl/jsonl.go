package jsonl

import (
	"bytes"
	"unicode/utf8"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// Lines is what a source looks for in lines of JSON.
type Lines struct {
	source       schemas.Source
	keys         []*keyNode
	maxLineBytes int
}

// Open lays out a source for lines of JSON, of which none may be longer.
func Open(source schemas.Source, maxLineBytes int) (*Lines, error) {
	keys, err := compileKeys(source)
	if err != nil {
		return nil, err
	}
	return &Lines{source: source, keys: keys, maxLineBytes: maxLineBytes}, nil
}

// NewDecoder is called once for each goroutine.
func (l *Lines) NewDecoder() *Decoder {
	d := &Decoder{
		keys: l.keys[len(l.keys)-1], assembler: event.NewAssembler(l.source), maxLineBytes: l.maxLineBytes,
	}
	d.rows = newElementReader(l.source, l.keys, d)
	return d
}

// Decoder reads the rows of JSON Lines. It is used by one goroutine.
type Decoder struct {
	keyReader
	keys         *keyNode
	assembler    *event.Assembler
	maxLineBytes int
	rows         *elementReader // nil where each line is a row
	parts        lineParts
}

// Decode fills the block with the rows of the chunk, whose last line may lack its newline.
func (d *Decoder) Decode(chunk []byte, b *event.Block) {
	valid := utf8.Valid(chunk)
	for len(chunk) > 0 {
		line := chunk
		if end := bytes.IndexByte(chunk, '\n'); end >= 0 {
			line, chunk = chunk[:end], chunk[end+1:]
		} else {
			chunk = nil
		}
		if last := len(line) - 1; last >= 0 && line[last] == '\r' {
			line = line[:last]
		}
		start := jsontext.SkipBlanks(line, 0)
		if start < len(line) && line[start] != '{' {
			line = event.WithoutFiller(line)
			start = jsontext.SkipBlanks(line, 0)
		}
		if start < len(line) && line[start]-'0' <= 9 {
			whole := false
			if line, whole = d.parts.unwrap(line[start:]); !whole {
				continue
			}
			start = jsontext.SkipBlanks(line, 0)
		}
		if start == len(line) && start <= d.maxLineBytes {
			continue
		}
		d.decodeLine(line, start, valid || utf8.Valid(line), b)
	}
	d.parts.rest(func(part []byte) {
		b.RowsRead++
		d.observe(part, b)
		b.Refuse("", "is the beginning of a line, and the rest of it is missing", part)
	})
}

// decodeLine takes the rows of a line: mostly one. Objects without a line break between them are rows too.
func (d *Decoder) decodeLine(line []byte, start int, valid bool, b *event.Block) {
	for {
		next := 0
		if d.rows != nil && valid && len(line) <= d.maxLineBytes && line[start] == '{' {
			next = d.nextObject(line, start)
			d.rows.decode(line[:next], start, b)
		} else {
			b.RowsRead++
			next = d.decodeRow(line, start, valid, b)
			d.observe(line[:next], b)
		}
		if next == len(line) {
			return
		}
		line, start = line[next:], 0
	}
}

// observe keeps what stands for a row, where ids are made of it.
func (d *Decoder) observe(row []byte, b *event.Block) {
	if d.assembler.ByRow() {
		b.ObserveRow(row, d.maxLineBytes)
	}
}

// decodeRow takes the row at the beginning of a line and returns where the next one begins: mostly at the line's end.
func (d *Decoder) decodeRow(line []byte, start int, valid bool, b *event.Block) int {
	switch {
	case len(line) > d.maxLineBytes:
		if next := d.nextObject(line, start); next < len(line) {
			return d.decodeRow(line[:next], start, valid, b)
		}
		b.Refuse("", event.TooLong(d.maxLineBytes), line[:min(len(line), event.KeptOfLong)])
		return len(line)
	case !valid:
		b.Refuse("", "is not valid UTF-8", line)
		return len(line)
	case line[start] != '{':
		reason := "want a JSON object"
		if _, failure := jsontext.SkipValue(line, start); failure == "" {
			reason += ", found " + event.KindOf(line[start]).String()
		}
		b.Refuse("", reason, line)
		return len(line)
	}
	d.values.Found, d.seen, d.scratch = 0, 0, d.scratch[:0]
	end, failure := d.object(line, start, d.keys)
	if failure == nil {
		if next := another(line, end); next > 0 {
			end = next
		} else {
			failure, end = atEndOfRow(line, end), len(line)
		}
	}
	if failure == nil {
		var made *event.Row
		if made, failure = d.assembler.Assemble(&d.values); failure == nil {
			b.Append(made)
			return end
		}
	}
	next := d.nextObject(line, start)
	if failure == event.LeftOut {
		b.Skip()
		return next
	}
	b.Refuse(failure.Field, failure.Reason, line[:next])
	return next
}

// nextObject returns where another object begins behind the one at the position; the line's end if none does.
func (d *Decoder) nextObject(line []byte, start int) int {
	end, reason := jsontext.SkipValue(line[:min(len(line), d.maxLineBytes)], start)
	if reason == "" {
		if next := another(line, end); next > 0 {
			return next
		}
	}
	return len(line)
}

// another returns where another object begins behind one that ends at the position; 0 if none does. One behind a line
// end of CR alone is none: such files are refused.
func another(line []byte, end int) int {
	at := jsontext.SkipBlanks(line, end)
	if at == len(line) || line[at] != '{' || bytes.IndexByte(line[end:at], '\r') >= 0 {
		return 0
	}
	return at
}

// atEndOfRow checks that nothing comes after the object of a row but blanks, and zero bytes, as a crash leaves them.
func atEndOfRow(line []byte, end int) *event.Fault {
	at := jsontext.SkipBlanks(line, end)
	switch {
	case len(bytes.TrimRight(line[at:], "\x00")) == 0:
		return nil
	case bytes.IndexByte(line[end:at], '\r') >= 0:
		return &event.Fault{Reason: "holds another row after a line end of CR alone: " + event.ConvertCR}
	}
	return &event.Fault{Reason: jsontext.NotJSON(line, at)}
}

// Complete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
func Complete(data []byte) int {
	lines := bytes.LastIndexByte(data, '\n') + 1
	if lines > 0 {
		return wholeParts(data[:lines])
	}
	cut, at := 0, jsontext.SkipBlanks(data, 0) // before an object behind which another begins
	for range event.RowsPerBlock {
		if at == len(data) || data[at] != '{' {
			break
		}
		cut = at
		end, reason := jsontext.SkipValue(data, at)
		if reason != "" {
			break
		}
		at = jsontext.SkipBlanks(data, end)
	}
	return cut
}

// RowsByCR tells that the first row of JSON ends in a carriage return alone, with another one behind it.
func RowsByCR(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.IndexByte(line, '\r') < 0 {
		return false
	}
	line = event.WithoutFiller(line)
	start := jsontext.SkipBlanks(line, 0)
	if start == len(line) || line[start] != '{' {
		return false
	}
	end, reason := jsontext.SkipValue(line, start)
	if reason != "" {
		return false
	}
	next := jsontext.SkipBlanks(line, end)
	return bytes.IndexByte(line[end:next], '\r') >= 0 && next < len(line) && line[next] == '{'
}
