package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"

	"github.com/creditmill/creditmill/schemas"
	"github.com/jedib0t/go-pretty/v6/text"
)

// longTable is a table in the house style for very many rows: it keeps their text close together, and is written line
// by line. Tables of parts of the rows may be made side by side and joined. Cells stay on
// their line: see visibleTable.
type longTable struct {
	headers []string
	right   []bool
	widths  []int
	length  int
	// rows holds for each cell its width, its length in bytes, and its text. Joined ones follow in parts.
	rows  []byte
	parts [][]byte
}

// newLongTable takes the headers with two spaces between them; those that begin with > are of columns to the right.
func newLongTable(headers string) *longTable {
	t := &longTable{headers: strings.Split(headers, "  ")}
	for i, header := range t.headers {
		name, right := strings.CutPrefix(header, ">")
		t.headers[i], t.right = name, append(t.right, right)
		t.widths = append(t.widths, widthOf(name))
	}
	return t
}

// add adds a row, which has a cell for each header.
func (t *longTable) add(cells ...string) {
	for i, cell := range cells {
		cell = schemas.Visible(cell)
		width := widthOf(cell)
		t.widths[i] = max(t.widths[i], width)
		t.rows = binary.AppendUvarint(t.rows, uint64(width))
		t.rows = binary.AppendUvarint(t.rows, uint64(len(cell)))
		t.rows = append(t.rows, cell...)
	}
	t.length++
}

// join takes the rows of another table of these headers, which is not used any more.
func (t *longTable) join(other *longTable) {
	for i, width := range other.widths {
		t.widths[i] = max(t.widths[i], width)
	}
	t.parts = append(t.parts, bytes.Clone(other.rows))
	t.length += other.length
}

// render writes the table; errors are those of w, which keeps them.
func (t *longTable) render(w io.Writer) {
	var line []byte
	total := 0
	for i, header := range t.headers {
		line = t.pad(line, i, []byte(header), widthOf(header))
		total += t.widths[i] + len(gap)
	}
	write := func() {
		line = append(bytes.TrimRight(line, " "), '\n')
		_, _ = w.Write(line)
		line = line[:0]
	}
	write()
	line = append(line, strings.Repeat("─", total)...)
	write()
	for _, rows := range append([][]byte{t.rows}, t.parts...) {
		for len(rows) > 0 {
			for i := range t.headers {
				width, n := binary.Uvarint(rows)
				size, m := binary.Uvarint(rows[n:])
				rows = rows[n+m:]
				line = t.pad(line, i, rows[:size], int(width))
				rows = rows[size:]
			}
			write()
		}
	}
}

const gap = "  "

// pad adds a cell to a line, filled up to its column's width.
func (t *longTable) pad(line []byte, column int, cell []byte, width int) []byte {
	if !t.right[column] {
		line = append(line, cell...)
	}
	for range t.widths[column] - width {
		line = append(line, ' ')
	}
	if t.right[column] {
		line = append(line, cell...)
	}
	return append(line, gap...)
}

// widthOf is how many columns of a terminal a text takes.
func widthOf(cell string) int {
	for i := range len(cell) {
		if cell[i] >= 0x80 {
			return text.StringWidthWithoutEscSequences(cell)
		}
	}
	return len(cell)
}
