package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// rowSum stands for the content of a row, and for nothing of how it is stored.
type rowSum [16]byte

// RowChain makes the ids of {row: true}. An id stands for the rows from the first to its own, good and bad: a log that
// was compressed, that has grown or that was renamed gives its rows the ids they had; a row that says the same in
// another log, or again in this one, is another event. All ids of a log begin with those digits that stand for its
// first row, so the smallest and largest ids of other logs tell that none of its rows is there.
type RowChain struct {
	sum [sha256.Size]byte
	id  []byte
}

const rowChainPrefix = 16

// NewRowChain begins after the header of a CSV file; there is none in other formats.
func NewRowChain(header []byte) *RowChain { return &RowChain{sum: sha256.Sum256(header)} }

// next takes the next row and returns its id, which is good until the call after.
func (c *RowChain) next(row rowSum) []byte {
	var both [sha256.Size + len(row)]byte
	copy(both[:], c.sum[:])
	copy(both[sha256.Size:], row[:])
	c.sum = sha256.Sum256(both[:])
	if c.id == nil {
		c.id = append(hex.AppendEncode(nil, c.sum[:rowChainPrefix/2]), '-')
	}
	c.id = hex.AppendEncode(c.id[:rowChainPrefix+1], c.sum[:16])
	return c.id
}

// ByRow tells that ids are made of rows.
func (a *Assembler) ByRow() bool { return a.source.Fields.EventID.Kind == schemas.FieldRow }

// ObserveRow keeps what stands for a line. Of one that is too long only the beginning may be there.
func (b *Block) ObserveRow(line []byte, maxLineBytes int) {
	b.observeSum(sha256.Sum256(trimBlanks(line[:min(len(line), maxLineBytes)])))
	b.sumNumbers = append(b.sumNumbers, b.number())
}

func (b *Block) observeSum(sum [sha256.Size]byte) {
	b.sums = append(b.sums, rowSum(sum[:len(rowSum{})]))
}

// observeColumns keeps what stands for rows of columns: the values that the source looks for, as they would be in text.
func (d *ColumnDecoder) observeColumns(b *Block, vectors []columnar.Vector, from, to int) {
	for row := from; row < to; row++ {
		d.raw = d.raw[:0]
		for i := range d.columns {
			d.scratch = d.scratch[:0]
			found := d.value(&vectors[i], row)
			d.raw = append(d.raw, byte(found.Kind))
			d.raw = binary.AppendUvarint(d.raw, uint64(len(found.Bytes)))
			d.raw = append(d.raw, found.Bytes...)
		}
		b.observeSum(sha256.Sum256(d.raw))
	}
}
