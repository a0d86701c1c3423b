package ingest

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// jsonDecoder reads the rows of JSON Lines. It is used by one goroutine.
type jsonDecoder struct {
	keyReader
	keys         *keyNode
	assembler    *assembler
	maxLineBytes int
	rows         *elementReader // nil where each line is a row
	parts        lineParts
}

// decode fills the block with the rows of the chunk, whose last line may lack its newline.
func (d *jsonDecoder) decode(chunk []byte, b *block) {
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
		start := skipBlanks(line, 0)
		if start < len(line) && line[start] != '{' {
			line = withoutFiller(line)
			start = skipBlanks(line, 0)
		}
		if start < len(line) && line[start]-'0' <= 9 {
			whole := false
			if line, whole = d.parts.unwrap(line[start:]); !whole {
				continue
			}
			start = skipBlanks(line, 0)
		}
		if start == len(line) && start <= d.maxLineBytes {
			continue
		}
		d.decodeLine(line, start, valid || utf8.Valid(line), b)
	}
	d.parts.rest(func(part []byte) {
		b.rowsRead++
		d.observe(part, b)
		b.reject("", "is the beginning of a line, and the rest of it is missing", part)
	})
}

// decodeLine takes the rows of a line: mostly one. Objects without a line break between them are rows too.
func (d *jsonDecoder) decodeLine(line []byte, start int, valid bool, b *block) {
	for {
		next := 0
		if d.rows != nil && valid && len(line) <= d.maxLineBytes && line[start] == '{' {
			next = d.nextObject(line, start)
			d.rows.decode(line[:next], start, b)
		} else {
			b.rowsRead++
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
func (d *jsonDecoder) observe(row []byte, b *block) {
	if d.assembler.byRow() {
		b.observeRow(row, d.maxLineBytes)
	}
}

// decodeRow takes the row at the beginning of a line and returns where the next one begins: mostly at the line's end.
func (d *jsonDecoder) decodeRow(line []byte, start int, valid bool, b *block) int {
	switch {
	case len(line) > d.maxLineBytes:
		if next := d.nextObject(line, start); next < len(line) {
			return d.decodeRow(line[:next], start, valid, b)
		}
		b.reject("", tooLong(d.maxLineBytes), line[:min(len(line), keptOfLong)])
		return len(line)
	case !valid:
		b.reject("", "is not valid UTF-8", line)
		return len(line)
	case line[start] != '{':
		reason := "want a JSON object"
		if _, failure := skipValue(line, start); failure == "" {
			reason += ", found " + kindOf(line[start]).String()
		}
		b.reject("", reason, line)
		return len(line)
	}
	d.values.found, d.seen, d.scratch = 0, 0, d.scratch[:0]
	end, failure := d.object(line, start, d.keys)
	if failure == nil {
		if next := another(line, end); next > 0 {
			end = next
		} else {
			failure, end = atEndOfRow(line, end), len(line)
		}
	}
	if failure == nil {
		var event *row
		if event, failure = d.assembler.assemble(&d.values); failure == nil {
			b.append(event)
			return end
		}
	}
	next := d.nextObject(line, start)
	if failure == leftOut {
		b.skip()
		return next
	}
	b.reject(failure.field, failure.reason, line[:next])
	return next
}

// nextObject returns where another object begins behind the one at the position; the line's end if none does.
func (d *jsonDecoder) nextObject(line []byte, start int) int {
	end, reason := skipValue(line[:min(len(line), d.maxLineBytes)], start)
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
	at := skipBlanks(line, end)
	if at == len(line) || line[at] != '{' || bytes.IndexByte(line[end:at], '\r') >= 0 {
		return 0
	}
	return at
}

// atEndOfRow checks that nothing comes after the object of a row but blanks, and zero bytes, as a crash leaves them.
func atEndOfRow(line []byte, end int) *fault {
	at := skipBlanks(line, end)
	switch {
	case len(bytes.TrimRight(line[at:], "\x00")) == 0:
		return nil
	case bytes.IndexByte(line[end:at], '\r') >= 0:
		return &fault{"", "holds another row after a line end of CR alone: " + convertCR}
	}
	return &fault{"", notJSON(line, at)}
}

// jsonComplete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
func jsonComplete(data []byte) int {
	lines := bytes.LastIndexByte(data, '\n') + 1
	if lines > 0 {
		return wholeParts(data[:lines])
	}
	cut, at := 0, skipBlanks(data, 0) // before an object behind which another begins
	for range rowsPerChunk {
		if at == len(data) || data[at] != '{' {
			break
		}
		cut = at
		end, reason := skipValue(data, at)
		if reason != "" {
			break
		}
		at = skipBlanks(data, end)
	}
	return cut
}

// keptOfLong is how many bytes of a row that is too long are kept with its reject; other rows are kept whole.
const keptOfLong = 64 << 10

func tooLong(most int) string {
	return "is longer than " + strconv.Itoa(most) + " bytes"
}
