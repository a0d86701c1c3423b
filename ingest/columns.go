package ingest

import "sync/atomic"

// vectorKind is what the values of a vector are.
type vectorKind uint8

const (
	vectorText   vectorKind = iota // text: strings and binaries
	vectorJSON                     // text: objects or arrays written as JSON
	vectorNumber                   // text: numbers as JSON writes them, of types that number cannot hold
	vectorInt                      // number
	vectorUint                     // number: the bits of an uint64
	vectorFloat                    // number: the bits of a float64
	vectorBool                     // number: 0 or 1
	vectorTime                     // number: ticks since 1970
	vectorDate                     // number: days since 1970
)

// vector is one column of a batch. Its bytes belong to the batch.
type vector struct {
	kind vectorKind
	null []bool // by row; empty where no value is null
	text texts
	// codes say which texts of the dictionary the values are; text is empty then. Without a dictionary they mean nothing.
	codes      []uint32
	dictionary *dictionary
	number     []int64
	tick       int64 // nanoseconds of a tick of vectorTime
	local      bool  // of vectorTime: the clock of a place and not UTC
}

// at returns a value of text, or of the dictionary.
func (v *vector) at(row int) []byte {
	if v.dictionary != nil {
		return v.dictionary.values.at(int(v.codes[row]))
	}
	return v.text.at(row)
}

func (v *vector) isNull(row int) bool { return len(v.null) > 0 && v.null[row] }

// columnBatch is a piece of a Parquet or Arrow file: the same rows of every column that the source looks for.
type columnBatch struct {
	rows    int
	vectors []vector // by wanted column
	users   atomic.Int32
	free    chan *columnBatch // takes the batch back when nobody uses it any more
}

// batchPool hands out batches: before new ones those that nobody uses any more.
type batchPool struct {
	columns int
	free    chan *columnBatch
}

func newBatchPool(columns int) *batchPool {
	return &batchPool{columns: columns, free: make(chan *columnBatch, 4)}
}

func (p *batchPool) take() *columnBatch {
	select {
	case batch := <-p.free:
		return batch
	default:
		return &columnBatch{vectors: make([]vector, p.columns), free: p.free}
	}
}

func (b *columnBatch) release() {
	if b.users.Add(-1) == 0 {
		select {
		case b.free <- b:
		default:
		}
	}
}

// columnName is what a file of columns is searched for: a column with the text as its name, or else what lies at the
// path, down structs and into maps.
type columnName struct {
	path []string
	text string
}

// columnSlice is the part of a batch that one job decodes.
type columnSlice struct {
	batch    *columnBatch
	from, to int
}

// columnReader reads a file that is made of columns.
type columnReader interface {
	// next returns the rows that follow; io.EOF after the last one.
	next() (*columnBatch, error)
	// close gives back what is open. It is called once.
	close() error
}

// slices cuts a batch into parts of about so many bytes of text, and hands it to as many users.
func (b *columnBatch) slices(most int, visit func(columnSlice) error) error {
	parts := b.parts(most)
	b.users.Store(int32(len(parts)))
	if len(parts) == 0 {
		b.users.Store(1)
		b.release()
	}
	for _, part := range parts {
		if err := visit(part); err != nil {
			return err
		}
	}
	return nil
}

func (b *columnBatch) parts(most int) (parts []columnSlice) {
	from, size, rows := 0, 0, b.rows
	if b.mostText() < most {
		rows = 0 // nothing to cut
	}
	for row := range rows {
		for i := range b.vectors {
			if v := &b.vectors[i]; (v.text.len() > 0 || v.dictionary != nil) && !v.isNull(row) {
				size += len(v.at(row))
			}
		}
		if size >= most {
			parts = append(parts, columnSlice{b, from, row + 1})
			from, size = row+1, 0
		}
	}
	if from < b.rows {
		parts = append(parts, columnSlice{b, from, b.rows})
	}
	return parts
}

// mostText is no less than the bytes of all texts.
func (b *columnBatch) mostText() int {
	most := 0
	for i := range b.vectors {
		v := &b.vectors[i]
		if v.dictionary != nil {
			most += len(v.codes) * v.dictionary.longest
			continue
		}
		most += len(v.text.wire)
	}
	return most
}
