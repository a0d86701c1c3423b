package columnar

import (
	"encoding/binary"
	"slices"
)

// StringColumn is a String column in wire format: each value with its length before it.
type StringColumn struct {
	Wire []byte
	Rows int
}

// Append takes the value of the next row.
func (c *StringColumn) Append(value []byte) {
	c.Wire = binary.AppendUvarint(c.Wire, uint64(len(value)))
	c.Wire = append(c.Wire, value...)
	c.Rows++
}

// AppendSame takes one value for the next rows.
func (c *StringColumn) AppendSame(value []byte, rows int) {
	for range rows {
		c.Append(value)
	}
}

// AppendTexts takes texts as they are on the wire already.
func (c *StringColumn) AppendTexts(from *Texts, first, end int) {
	c.Wire = append(c.Wire, from.between(first, end)...)
	c.Rows += end - first
}

// Trade takes all texts and gives its own memory for theirs. The column must be empty.
func (c *StringColumn) Trade(from *Texts) {
	c.Rows += from.Len()
	c.Wire, from.Wire = from.Wire, c.Wire[:0]
	from.ends = from.ends[:0]
}

// AppendCodes takes texts of a dictionary.
func (c *StringColumn) AppendCodes(of *Dictionary, codes []uint32) {
	c.Rows += len(codes)
	if of.longest >= oneByteLengths {
		for _, code := range codes {
			c.Wire = append(c.Wire, of.Values.between(int(code), int(code)+1)...)
		}
		return
	}
	at := len(c.Wire)
	wire := slices.Grow(c.Wire, len(codes)*(1+of.longest)+copyStep)
	wire = wire[:cap(wire)]
	values := of.Values.Wire[:len(of.Values.Wire)+copyStep]
	for _, code := range codes {
		from, end := of.Values.start(int(code)), of.Values.ends[code]
		for ; from < end; from += copyStep {
			*(*[copyStep]byte)(wire[at:]) = [copyStep]byte(values[from:])
			at += copyStep
		}
		at -= from - end
	}
	c.Wire = wire[:at]
}

// AppendEmpty takes empty values for the next rows.
func (c *StringColumn) AppendEmpty(rows int) {
	c.Wire = append(c.Wire, make([]byte, rows)...)
	c.Rows += rows
}

// Reset empties the column and keeps its memory.
func (c *StringColumn) Reset() { c.Wire, c.Rows = c.Wire[:0], 0 }

// Strings reads the values back.
func (c *StringColumn) Strings() []string {
	values := make([]string, 0, c.Rows)
	for rest := c.Wire; len(rest) > 0; {
		size, width := binary.Uvarint(rest)
		end := width + int(size)
		values = append(values, string(rest[width:end]))
		rest = rest[end:]
	}
	return values
}
