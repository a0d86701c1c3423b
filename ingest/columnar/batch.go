package columnar

import "sync/atomic"

// Batch is a piece of a Parquet or Arrow file: the same rows of every column that was asked for and is there.
type Batch struct {
	Rows    int
	Vectors []Vector // by column, in the order of the names
	users   atomic.Int32
	free    chan *Batch // takes the batch back when nobody uses it any more
}

// Pool hands out batches: before new ones those that nobody uses any more.
type Pool struct {
	columns int
	free    chan *Batch
}

// NewPool makes a pool of batches with so many columns.
func NewPool(columns int) *Pool {
	return &Pool{columns: columns, free: make(chan *Batch, 4)}
}

// Take returns a batch for one user, with whatever is left in it.
func (p *Pool) Take() (batch *Batch) {
	select {
	case batch = <-p.free:
	default:
		batch = &Batch{Vectors: make([]Vector, p.columns), free: p.free}
	}
	batch.users.Store(1)
	return batch
}

// Release says that one user is done with the batch. After the last one its memory is used again.
func (b *Batch) Release() {
	if b.users.Add(-1) == 0 {
		select {
		case b.free <- b:
		default:
		}
	}
}

// Name is what a file of columns is searched for: a column with the text as its name, or else what lies at the
// path, down structs and into maps; without a path only the name counts.
type Name struct {
	Path []string
	Text string
}

// Search says which columns a reader looks for, knowing the names of the file's top-level columns.
type Search func(columns []string) ([]Name, error)

// These looks for columns that do not depend on the file.
func These(names ...Name) Search { return func([]string) ([]Name, error) { return names, nil } }

// Slice is the part of a batch that one job decodes.
type Slice struct {
	Batch    *Batch
	From, To int
}

// Reader reads a file that is made of columns.
type Reader interface {
	// Next returns the rows that follow; io.EOF after the last one.
	Next() (*Batch, error)
	// Close gives back what is open. It is called once.
	Close() error
}

// Split cuts a batch into parts of about so many bytes of text, and hands it to as many users.
func (b *Batch) Split(most int, visit func(Slice) error) error {
	parts := b.parts(most)
	b.users.Store(int32(len(parts)))
	if len(parts) == 0 {
		b.users.Store(1)
		b.Release()
	}
	for _, part := range parts {
		if err := visit(part); err != nil {
			return err
		}
	}
	return nil
}

func (b *Batch) parts(most int) (parts []Slice) {
	from, size, rows := 0, 0, b.Rows
	if b.mostText() < most {
		rows = 0 // nothing to cut
	}
	for row := range rows {
		for i := range b.Vectors {
			if v := &b.Vectors[i]; (v.Text.Len() > 0 || v.Dictionary != nil) && !v.IsNull(row) {
				size += len(v.At(row))
			}
		}
		if size >= most {
			parts = append(parts, Slice{b, from, row + 1})
			from, size = row+1, 0
		}
	}
	if from < b.Rows {
		parts = append(parts, Slice{b, from, b.Rows})
	}
	return parts
}

// mostText is no less than the bytes of all texts.
func (b *Batch) mostText() int {
	most := 0
	for i := range b.Vectors {
		v := &b.Vectors[i]
		if v.Dictionary != nil {
			most += len(v.Codes) * v.Dictionary.longest
			continue
		}
		most += len(v.Text.Wire)
	}
	return most
}
