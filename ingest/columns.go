package ingest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/creditmill/creditmill/schemas"
)

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
	free    chan *columnBatch // takes the batch back when no job uses it any more; nil where it is not used again
}

func (b *columnBatch) release() {
	if b.users.Add(-1) == 0 && b.free != nil {
		select {
		case b.free <- b:
		default:
		}
	}
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

// slices cuts a batch into parts of about chunkBytes of text, and hands it to as many users.
func (b *columnBatch) slices(visit func(columnSlice) error) error {
	parts := b.parts()
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

func (b *columnBatch) parts() (parts []columnSlice) {
	from, size, rows := 0, 0, b.rows
	if b.mostText() < chunkBytes {
		rows = 0 // nothing to cut
	}
	for row := range rows {
		for i := range b.vectors {
			if v := &b.vectors[i]; (v.text.len() > 0 || v.dictionary != nil) && !v.isNull(row) {
				size += len(v.at(row))
			}
		}
		if size >= chunkBytes {
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

// wantedColumn is a column that a source looks for, and the values it gives.
type wantedColumn struct {
	path    []string
	text    string
	targets []target
	needs   []int // by target, see wanted
}

// wantedColumns lists what a source looks for, each path once.
func (m *mapping) wantedColumns() []wantedColumn {
	var columns []wantedColumn
	for _, w := range m.wanted {
		at := slices.IndexFunc(columns, func(c wantedColumn) bool { return slices.Equal(c.path, w.path) })
		if at < 0 {
			at = len(columns)
			columns = append(columns, wantedColumn{path: w.path, text: w.text})
		}
		columns[at].targets = append(columns[at].targets, w.target)
		columns[at].needs = append(columns[at].needs, w.need)
	}
	return columns
}

// presentColumns returns the wanted columns that find finds; a needed one that is missing refuses the file, by the
// rule of CSV headers.
func presentColumns(source schemas.Source, find func(path []string, text string) (bool, error),
) ([]wantedColumn, error) {
	mapping, err := newMapping(source)
	if err != nil {
		return nil, err
	}
	there := map[int]bool{}
	var present []wantedColumn
	for _, column := range mapping.wantedColumns() {
		ok, err := find(column.path, column.text)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", column.text, err)
		}
		if !ok {
			continue
		}
		present = append(present, column)
		for _, need := range column.needs {
			there[need] = true
		}
	}
	return present, mapping.complete(source, there)
}

// complete returns an error if a column is missing, knowing which of them are there. Of alternatives one is enough,
// and of the canonical source, whose token columns are the program's and not the user's words, one token column.
func (m *mapping) complete(source schemas.Source, there map[int]bool) error {
	tokens := false
	var absent []string
	last := 0
	for _, wanted := range m.wanted {
		tokens = tokens || (wanted.target.isTokens() && there[wanted.need])
		optional := source.Canonical && (wanted.target.isTokens() || wanted.target == targetProperties) &&
			wanted.text == wanted.target.column() // not one that the user named
		switch {
		case there[wanted.need] || optional:
		case wanted.need == last:
			absent[len(absent)-1] += " or " + wanted.text
		default:
			absent = append(absent, wanted.text)
		}
		last = wanted.need
	}
	if source.Canonical && !tokens {
		absent = append(absent, schemas.PoolColumns[schemas.PoolInput]+" (or another column of tokens)")
	}
	if len(absent) > 0 {
		return fmt.Errorf("column %s is missing; source %s needs it", strings.Join(absent, ", "), source.ID)
	}
	return nil
}
