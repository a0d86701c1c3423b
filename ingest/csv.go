package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/creditmill/creditmill/schemas"
)

// csvHeader says which columns of a CSV file go where.
type csvHeader struct {
	delimiter    byte
	columns      [][]target // by column
	line         []byte     // as it stands in the file
	maxLineBytes int
}

// readCSVHeader reads the header at the beginning of the file and returns the bytes it takes. A needed column that is
// missing or there twice refuses the file.
func readCSVHeader(source schemas.Source, file string, data []byte, maxLineBytes int) (*csvHeader, int, error) {
	delimiter, taken, err := csvDelimiter(source, file, data)
	if err != nil {
		return nil, 0, err
	}
	header := &csvHeader{delimiter: delimiter, maxLineBytes: maxLineBytes}
	var names [][]byte
	for {
		if taken == len(data) {
			return nil, 0, fmt.Errorf("read CSV header: the file is empty; its first row must name the columns")
		}
		end, _ := csvRowEnd(data[taken:], header.delimiter, maxLineBytes)
		line := trimNewline(data[taken : taken+end])
		taken += end
		if len(skipped(line)) == 0 {
			continue
		}
		if loneCR(line) {
			return nil, 0, errors.New(onlyCR)
		}
		header.line = bytes.Clone(line)
		var reason string
		if names, _, reason = splitCSV(line, header.delimiter, nil, nil); reason != "" {
			return nil, 0, fmt.Errorf("read CSV header: it %s", reason)
		}
		break
	}
	header.columns = make([][]target, len(names))
	byName := make(map[string]int, len(names))
	for i, column := range names {
		text := strings.TrimSpace(string(column))
		if _, taken := byName[text]; taken {
			i = twice
		}
		byName[text] = i
	}
	if err := header.assign(source, byName); err != nil {
		return nil, 0, fmt.Errorf("%w%s", err, otherDelimiter(source, header.delimiter, names))
	}
	return header, taken, nil
}

// twice stands for the place of a column whose name the header has more than once.
const twice = -1

// assign points the columns at the fields. Every declared column is needed, of alternatives one. Of the canonical
// source, whose token columns are the program's and not the user's words, one token column is enough.
func (h *csvHeader) assign(source schemas.Source, byName map[string]int) error {
	mapping, err := newMapping(source)
	if err != nil {
		return err
	}
	there := map[int]bool{}
	for _, wanted := range mapping.wanted {
		if column, ok := byName[wanted.text]; ok {
			if column == twice {
				return fmt.Errorf("read CSV header: column %q is repeated", wanted.text)
			}
			h.columns[column] = append(h.columns[column], wanted.target)
			there[wanted.need] = true
		}
	}
	if err := mapping.complete(source, there); err != nil {
		return fmt.Errorf("read CSV header: %w", err)
	}
	return nil
}

// column is the name of the field's canonical column; of what is no field itself it is empty.
func (t target) column() string {
	if t >= targetHash {
		return ""
	}
	return t.String()
}

func (t target) isTokens() bool { return t >= targetTokens && t < targetHash }

// csvRowEnd returns the length of the row at the beginning of the data with its line break, and whether it was seen
// to its end. A quoted field may hold line breaks; when its closing quote does not come within maxLineBytes or the
// data, the row ends at its first line break, so that a stray quote costs one row and not the rest of the file.
func csvRowEnd(data []byte, delimiter byte, maxLineBytes int) (end int, whole bool) {
	first := bytes.IndexByte(data, '\n') + 1
	if whole = first > 0; !whole {
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
			if at++; data[at-1] == '\n' {
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
		if at += quote + 1; at >= len(data) || data[at] != '"' {
			return at
		}
		at++
	}
}

// csvComplete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
func (h *csvHeader) csvComplete(data []byte) int {
	done := 0
	for done < len(data) {
		end, whole := csvRowEnd(data[done:], h.delimiter, h.maxLineBytes)
		if !whole && (len(data)-done <= h.maxLineBytes || data[done+end-1] != '\n') {
			break // it may look different with more data
		}
		done += end
	}
	return done
}

const unclosedQuote = "has a quote that is opened and not closed"

// splitCSV cuts a row into its fields, which are parts of the row or of the scratch buffer.
func splitCSV(line []byte, delimiter byte, fields [][]byte, scratch []byte) (_ [][]byte, _ []byte, reason string) {
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
			if at++; at < len(line) && line[at] != delimiter {
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

// csvDecoder reads the rows of CSV. It is used by one goroutine.
type csvDecoder struct {
	*csvHeader
	assembler *assembler
	values    values
	fields    [][]byte
	scratch   []byte
}

func (d *csvDecoder) decode(chunk []byte, b *block) {
	valid := utf8.Valid(chunk)
	for len(chunk) > 0 {
		end, _ := csvRowEnd(chunk, d.delimiter, d.maxLineBytes)
		line := trimNewline(chunk[:end])
		chunk = chunk[end:]
		if !plainBegin(line) {
			line = withoutFiller(line)
		}
		if (len(skipped(line)) == 0 && len(line) <= d.maxLineBytes) || bytes.Equal(line, d.line) {
			continue // the header is there again where files were put behind each other
		}
		b.rowsRead++
		if d.assembler.byRow() {
			b.observeRow(line, d.maxLineBytes)
		}
		if failure := d.decodeRow(line, valid || utf8.Valid(line), b); failure == leftOut {
			b.skip()
		} else if failure != nil {
			if len(line) > d.maxLineBytes {
				line = line[:min(len(line), keptOfLong)]
			}
			b.reject(failure.field, failure.reason, line)
		}
	}
}

func (d *csvDecoder) decodeRow(line []byte, valid bool, b *block) *fault {
	switch {
	case len(line) > d.maxLineBytes:
		return &fault{"", tooLong(d.maxLineBytes)}
	case !valid:
		return &fault{"", "is not valid UTF-8"}
	case loneCR(line):
		return &fault{"", "holds a line end of CR alone: " + convertCR}
	}
	if _, more, several := bytes.Cut(line, []byte("\n")); several && d.swallows(more) {
		return &fault{"", "holds other rows within quotes: a quote is opened and not closed, or not doubled"}
	}
	var reason string
	d.fields, d.scratch, reason = splitCSV(line, d.delimiter, d.fields[:0], d.scratch[:0])
	if reason == "" && len(d.fields) != len(d.columns) {
		reason = "has " + strconv.Itoa(len(d.fields)) + " fields, the header has " + strconv.Itoa(len(d.columns))
	}
	if reason != "" {
		return &fault{"", reason}
	}
	event, failure := d.assemble()
	if failure == nil {
		b.append(event)
	}
	return failure
}

// swallows tells that a line of a row of several would be an event by itself. A program that writes fields as they are
// may so begin one with a quote and end another with one, and the rows in between would be missing in silence.
func (d *csvDecoder) swallows(lines []byte) bool {
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
		if _, failure := d.assemble(); failure == nil || failure == leftOut {
			return true
		}
	}
	return false
}

// assemble puts the row of the fields together.
func (d *csvDecoder) assemble() (*row, *fault) {
	d.values.found = 0
	for i, field := range d.fields {
		for _, t := range d.columns[i] {
			if len(field) == 0 {
				d.values.set(t, value{})
			} else {
				d.values.set(t, value{kindText, field})
			}
		}
	}
	return d.assembler.assemble(&d.values)
}

func trimNewline(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

func skipped(line []byte) []byte { return line[skipBlanks(line, 0):] }
