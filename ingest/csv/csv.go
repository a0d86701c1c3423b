package csv

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// Header says which columns of a CSV file go where.
type Header struct {
	source       schemas.Source
	delimiter    byte
	columns      [][]event.Target // by column
	cells        []cell           // what is looked for in the JSON of cells
	maxLineBytes int
	// Line is the header as it stands in the file.
	Line []byte
	// Found is the delimiter where nobody has said it and the columns are found only so; else 0.
	Found byte
}

// ReadHeader reads the header at the beginning of the file and returns the bytes it takes. A needed column that is
// missing or there twice refuses the file, unless nobody has said how it is delimited and another delimiter finds all.
func ReadHeader(source schemas.Source, file string, data []byte, maxLineBytes int) (*Header, int, error) {
	delimiter, said, taken, err := delimiterOf(source, file, data)
	if err != nil {
		return nil, 0, err
	}
	header, end, err := readHeader(source, delimiter, data, taken, maxLineBytes)
	if err == nil || said {
		return header, end, err
	}
	for _, other := range likelyDelimiters {
		if other == delimiter {
			continue
		}
		if found, end, missing := readHeader(source, other, data, taken, maxLineBytes); missing == nil {
			found.Found = other
			return found, end, nil
		}
	}
	return nil, 0, err
}

// readHeader reads the header behind the bytes that are taken.
func readHeader(source schemas.Source, delimiter byte, data []byte, taken, maxLineBytes int) (*Header, int, error) {
	header := &Header{source: source, delimiter: delimiter, maxLineBytes: maxLineBytes}
	var names [][]byte
	for {
		if taken == len(data) {
			return nil, 0, fmt.Errorf("read CSV header: the file is empty; its first row must name the columns")
		}
		end, _ := rowEnd(data[taken:], header.delimiter, maxLineBytes)
		line := trimNewline(data[taken : taken+end])
		taken += end
		if len(skipped(line)) == 0 {
			continue
		}
		if loneCR(line) {
			return nil, 0, errors.New(event.OnlyCR)
		}
		header.Line = bytes.Clone(line)
		var reason string
		if names, _, reason = split(line, header.delimiter, nil, nil); reason != "" {
			return nil, 0, fmt.Errorf("read CSV header: it %s", reason)
		}
		break
	}
	header.columns = make([][]event.Target, len(names))
	var err error
	if header.source, err = event.WithOwnColumns(source, trimmed(names)); err != nil {
		return nil, 0, fmt.Errorf("read CSV header: %w", err)
	}
	byName := make(map[string]int, len(names))
	for i, text := range trimmed(names) {
		if _, taken := byName[text]; taken {
			i = twice
		}
		byName[text] = i
	}
	if err := header.assign(header.source, byName); err != nil {
		return nil, 0, fmt.Errorf("%w%s", err, otherDelimiter(source, header.delimiter, names))
	}
	return header, taken, nil
}

func trimmed(names [][]byte) []string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = strings.TrimSpace(string(name))
	}
	return texts
}

// twice stands for the place of a column whose name the header has more than once.
const twice = -1

// assign points the columns at the fields. Every declared column is needed, of alternatives one. Of the canonical
// source, whose token columns are the program's and not the user's words, one token column is enough.
func (h *Header) assign(source schemas.Source, byName map[string]int) error {
	mapping, err := event.NewMapping(source)
	if err != nil {
		return err
	}
	there := map[int]bool{}
	for _, wanted := range mapping.Wanted {
		if column, ok := byName[wanted.Text]; ok {
			if column == twice {
				return fmt.Errorf("read CSV header: column %q is repeated", wanted.Text)
			}
			h.columns[column] = append(h.columns[column], wanted.Target)
			there[wanted.Need] = true
		} else if h.intoCell(wanted, byName) {
			there[wanted.Need] = true
		}
	}
	if err := mapping.Complete(source, there); err != nil {
		return fmt.Errorf("read CSV header: %w", err)
	}
	return nil
}

// rowEnd returns the length of the row at the beginning of the data with its line break, and whether it was seen
// to its end. A quoted field may hold line breaks; when its closing quote does not come within maxLineBytes or the
// data, the row ends at its first line break, so that a stray quote costs one row and not the rest of the file.
func rowEnd(data []byte, delimiter byte, maxLineBytes int) (end int, whole bool) {
	first := bytes.IndexByte(data, '\n') + 1
	whole = first > 0
	if !whole {
		first = len(data)
	}
	if bytes.IndexByte(data[:first], '"') < 0 {
		return first, whole
	}
	data = data[:min(len(data), maxLineBytes+1)]
	at := 0
	for at < len(data) {
		if data[at] == '"' {
			if at = closingQuote(data, at+1); at < 0 {
				return first, false
			}
		}
		for at < len(data) && data[at] != delimiter && data[at] != '\n' {
			at++
		}
		if at < len(data) {
			at++
			if data[at-1] == '\n' {
				return at, true
			}
		}
	}
	if at > maxLineBytes {
		return first, false
	}
	return at, false
}

// closingQuote returns the position after the quote that closes the field whose first character is at; -1 if none does.
func closingQuote(data []byte, at int) int {
	for {
		quote := bytes.IndexByte(data[at:], '"')
		if quote < 0 {
			return -1
		}
		at += quote + 1
		if at >= len(data) || data[at] != '"' {
			return at
		}
		at++
	}
}

// Complete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
func (h *Header) Complete(data []byte) int {
	done := 0
	for done < len(data) {
		end, whole := rowEnd(data[done:], h.delimiter, h.maxLineBytes)
		if !whole && (len(data)-done <= h.maxLineBytes || data[done+end-1] != '\n') {
			break // it may look different with more data
		}
		done += end
	}
	return done
}

const unclosedQuote = "has a quote that is opened and not closed"

// split cuts a row into its fields, which are parts of the row or of the scratch buffer.
func split(line []byte, delimiter byte, fields [][]byte, scratch []byte) (_ [][]byte, _ []byte, reason string) {
	at := 0
	for {
		if at < len(line) && line[at] == '"' {
			at++
			start, fieldStart, simple := at, len(scratch), true
			for {
				quote := bytes.IndexByte(line[at:], '"')
				if quote < 0 {
					return fields, scratch, unclosedQuote
				}
				at += quote
				if at+1 < len(line) && line[at+1] == '"' {
					scratch = append(scratch, line[start:at+1]...)
					at += 2
					start, simple = at, false
					continue
				}
				break
			}
			field := line[start:at]
			if !simple {
				scratch = append(scratch, field...)
				field = scratch[fieldStart:]
			}
			fields = append(fields, field)
			at++
			if at < len(line) && line[at] != delimiter {
				return fields, scratch, "has text after a closing quote"
			}
		} else {
			end := bytes.IndexByte(line[at:], delimiter)
			if end < 0 {
				end = len(line) - at
			}
			field := line[at : at+end]
			if bytes.IndexByte(field, '"') >= 0 {
				return fields, scratch, "has a quote inside a field that is not quoted"
			}
			fields = append(fields, field)
			at += end
		}
		if at >= len(line) {
			return fields, scratch, ""
		}
		at++
	}
}

// NewDecoder is called once for each goroutine.
func (h *Header) NewDecoder() *Decoder {
	return &Decoder{Header: h, assembler: event.NewAssembler(h.source), nullWords: event.NullWords(h.source)}
}

// Decoder reads the rows of CSV. It is used by one goroutine.
type Decoder struct {
	*Header
	assembler *event.Assembler
	nullWords map[string]bool // nil unless the source has any
	values    event.Values
	fields    [][]byte
	scratch   []byte
	text      []byte // of strings in cells
}

// Decode fills the block with the rows of the chunk.
func (d *Decoder) Decode(chunk []byte, b *event.Block) {
	valid := utf8.Valid(chunk)
	for len(chunk) > 0 {
		end, _ := rowEnd(chunk, d.delimiter, d.maxLineBytes)
		line := trimNewline(chunk[:end])
		chunk = chunk[end:]
		if !event.PlainBegin(line) {
			line = event.WithoutFiller(line)
		}
		if (len(skipped(line)) == 0 && len(line) <= d.maxLineBytes) || bytes.Equal(line, d.Line) {
			continue // the header is there again where files were put behind each other
		}
		b.RowsRead++
		if d.assembler.ByRow() {
			b.ObserveRow(line, d.maxLineBytes)
		}
		if failure := d.decodeRow(line, valid || utf8.Valid(line), b); failure == event.LeftOut {
			b.Skip()
		} else if failure != nil {
			if len(line) > d.maxLineBytes {
				line = line[:min(len(line), event.KeptOfLong)]
			}
			b.Refuse(failure.Field, failure.Reason, line)
		}
	}
}

func (d *Decoder) decodeRow(line []byte, valid bool, b *event.Block) *event.Fault {
	switch {
	case len(line) > d.maxLineBytes:
		return &event.Fault{Reason: event.TooLong(d.maxLineBytes)}
	case !valid:
		return &event.Fault{Reason: "is not valid UTF-8"}
	case loneCR(line):
		return &event.Fault{Reason: "holds a line end of CR alone: " + event.ConvertCR}
	}
	if _, more, several := bytes.Cut(line, []byte("\n")); several && d.swallows(more) {
		return &event.Fault{Reason: "holds other rows within quotes: a quote is opened and not closed, or not doubled"}
	}
	var reason string
	d.fields, d.scratch, reason = split(line, d.delimiter, d.fields[:0], d.scratch[:0])
	if reason == "" && len(d.fields) != len(d.columns) {
		reason = "has " + strconv.Itoa(len(d.fields)) + " fields, the header has " + strconv.Itoa(len(d.columns))
	}
	if reason != "" {
		return &event.Fault{Reason: reason}
	}
	made, failure := d.assemble()
	if failure == nil {
		b.Append(made)
	}
	return failure
}

// swallows tells that a line of a row of several would be an event by itself. A program that writes fields as they are
// may so begin one with a quote and end another with one, and the rows in between would be missing in silence.
func (d *Decoder) swallows(lines []byte) bool {
	for line := range bytes.Lines(lines) {
		if bytes.Count(line, []byte{d.delimiter}) != len(d.columns)-1 {
			continue
		}
		d.scratch = d.scratch[:0]
		for _, c := range trimNewline(line) {
			if c != '"' {
				d.scratch = append(d.scratch, c)
			}
		}
		d.fields = d.fields[:0]
		for field := range bytes.SplitSeq(d.scratch, []byte{d.delimiter}) {
			d.fields = append(d.fields, field)
		}
		if _, failure := d.assemble(); failure == nil || failure == event.LeftOut {
			return true
		}
	}
	return false
}

// assemble puts the row of the fields together.
func (d *Decoder) assemble() (*event.Row, *event.Fault) {
	d.values.Found = 0
	for i, field := range d.fields {
		for _, t := range d.columns[i] {
			if len(field) == 0 || d.nullWords != nil && d.nullWords[string(field)] {
				d.values.Set(t, event.Value{})
			} else {
				d.values.Set(t, event.Value{Kind: event.KindText, Bytes: field})
			}
		}
	}
	if len(d.cells) > 0 {
		if failure := d.lookIntoCells(); failure != nil {
			return nil, failure
		}
	}
	return d.assembler.Assemble(&d.values)
}

func trimNewline(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

func skipped(line []byte) []byte { return line[jsontext.SkipBlanks(line, 0):] }

// loneCR tells that a row of CSV holds a carriage return outside of quotes.
func loneCR(line []byte) bool {
	if bytes.IndexByte(line, '\r') < 0 {
		return false
	}
	quoted := false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\r' && !quoted:
			return true
		}
	}
	return false
}
