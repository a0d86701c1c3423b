package event

import (
	"time"
	"unicode/utf8"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// ColumnDecoder turns slices of batches into blocks. It is used by one goroutine.
//
// Rows of the plainest kind go straight from vectors to the block (columnrun.go). Any other row, one that may have to
// be refused above all, becomes values as those of the other formats do and goes through the one assembler: what is
// accepted and what is said of the rest cannot differ between formats.
type ColumnDecoder struct {
	columns      []WantedColumn
	tree         *rawNode
	assembler    *Assembler
	maxLineBytes int
	straight     bool            // the source allows the short way
	at           [maxTargets]int // the column of a target, -1 if it has none
	described    []Target        // that dimensions are found by
	run          columnRun
	names        [TargetProperties]dictionaryNames // of the ids and models
	idsLater     bool                              // every row so far is plain, and the ids are taken at the end
	nullWords    map[string]bool                   // nil unless the source has any
	values       Values
	scratch      []byte
	raw          []byte
}

// NewColumnDecoder makes a decoder of batches whose vectors are those of the columns.
func NewColumnDecoder(columns *Columns, maxLineBytes int) *ColumnDecoder {
	d := &ColumnDecoder{
		columns: columns.List, tree: newRawTree(columns.List), assembler: NewAssembler(columns.source),
		maxLineBytes: maxLineBytes,
	}
	for t := range d.at {
		d.at[t] = -1
	}
	for i, column := range columns.List {
		for _, t := range column.targets {
			d.at[t] = i
		}
	}
	d.nullWords = NullWords(columns.source)
	d.straight = d.assembler.goesStraight() && d.at[TargetFeature] < 0 && d.at[TargetAllUnits] < 0
	for t := range d.at {
		if d.at[t] >= 0 && (Target(t) == TargetAllDimensions || d.assembler.describes(Target(t))) {
			d.described = append(d.described, Target(t))
		}
	}
	if len(d.described) > 0 || len(d.assembler.dimensions) > 0 {
		d.run.dimensions = make([][]byte, runRows)
	}
	d.run.whole = make([][]uint64, len(d.assembler.units))
	for unit := range d.run.whole {
		d.run.whole[unit] = make([]uint64, runRows)
	}
	return d
}

// goesStraight tells that every field is one column's value as it is, so that the short way means the same.
func (a *Assembler) goesStraight() bool {
	f := &a.source.Fields
	for _, unit := range f.Units {
		if unit.Kind != schemas.FieldPath || schemas.HasAll(unit.Path) {
			return false
		}
	}
	plain := func(field *schemas.Field) bool {
		return (field.Kind == schemas.FieldPath || field.Kind == schemas.FieldConst) && field.Map == nil
	}
	for _, h := range a.holds {
		if len(h.unless) > 0 {
			return false
		}
	}
	return len(a.choices) == 0 && len(a.required)+len(a.skips) == 0 &&
		f.OccurredAt.Kind == schemas.FieldPath && f.OccurredAt.After == nil && len(a.source.NullWords) == 0 &&
		(f.EventID.Kind == schemas.FieldPath || f.EventID.Kind == schemas.FieldRow) &&
		plain(&f.CustomerID) && plain(&f.Model) && f.Feature.Kind != schemas.FieldConst
}

// Decode fills the block with the rows of the slice.
func (d *ColumnDecoder) Decode(s columnar.Slice, b *Block) {
	vectors := s.Batch.Vectors
	d.idsLater = d.takesIDs(s)
	for from := s.From; from < s.To; from += runRows {
		to := min(from+runRows, s.To)
		if d.assembler.ByRow() {
			d.observeColumns(b, vectors, from, to)
		}
		d.look(vectors, from, to)
		for row := from; row < to; {
			n := 0
			for row+n < to && d.run.plain[row+n-from] {
				n++
			}
			if n > 0 {
				d.store(b, vectors, columnar.Slice{Batch: s.Batch, From: row, To: row + n}, row-from)
				row += n
				continue
			}
			if d.idsLater {
				d.idsLater = false
				b.appendIDs(&vectors[d.at[TargetEventID]], s.From, row)
			}
			d.closer(b, vectors, row)
			row++
		}
	}
	if d.idsLater {
		ids := &vectors[d.at[TargetEventID]]
		b.IDs.observeAll(&ids.Text, s.From, s.To)
		b.EventID.Trade(&ids.Text)
	}
}

// takesIDs tells that the block may take the batch's ids as a whole, if all its rows turn out to be plain.
func (d *ColumnDecoder) takesIDs(s columnar.Slice) bool {
	if !d.straight || d.at[TargetEventID] < 0 || s.To-s.From != s.Batch.Rows {
		return false
	}
	v := &s.Batch.Vectors[d.at[TargetEventID]]
	return v.Kind == columnar.KindText && v.Dictionary == nil && len(v.Null) == 0
}

// closer takes a row the way of the other formats.
func (d *ColumnDecoder) closer(b *Block, vectors []columnar.Vector, row int) {
	b.RowsRead++
	event, failure := d.assemble(vectors, row)
	if failure == nil {
		b.Append(event)
		return
	}
	if failure == LeftOut {
		b.Skip()
		return
	}
	d.raw = d.appendRaw(d.raw[:0], d.tree, vectors, row)
	raw := d.raw
	if failure.Reason == TooLong(d.maxLineBytes) {
		raw = raw[:min(len(raw), KeptOfLong)]
	}
	b.Refuse(failure.Field, failure.Reason, raw)
}

// assemble takes the way of every other format.
func (d *ColumnDecoder) assemble(vectors []columnar.Vector, row int) (*Row, *Fault) {
	d.values.Found = 0
	if most := len(d.columns) * columnar.MaxPlainBytes; cap(d.scratch) < most {
		d.scratch = make([]byte, 0, most) // so that it does not move while values point into it
	}
	d.scratch = d.scratch[:0]
	size := 0
	valid := true
	for i, column := range d.columns {
		found := d.value(&vectors[i], row)
		size += len(found.Bytes)
		valid = valid && utf8.Valid(found.Bytes)
		for _, t := range column.targets {
			taken := found
			if t == TargetProperties && found.Kind == KindString {
				taken.Kind = KindText
				if len(found.Bytes) == 0 {
					taken.Kind = KindNull
				}
			}
			d.values.Set(t, taken)
		}
	}
	switch {
	case size > d.maxLineBytes:
		return nil, &Fault{"", TooLong(d.maxLineBytes)}
	case !valid:
		return nil, &Fault{"", "is not valid UTF-8"}
	}
	return d.assembler.Assemble(&d.values)
}

// value returns a row's value as the other formats give it.
func (d *ColumnDecoder) value(v *columnar.Vector, row int) Value {
	if v.IsNull(row) {
		return Value{}
	}
	switch v.Kind {
	case columnar.KindText:
		if d.nullWords != nil && d.nullWords[string(v.At(row))] {
			return Value{}
		}
		return Value{KindString, v.At(row)}
	case columnar.KindNumber:
		return Value{KindNumber, v.At(row)}
	case columnar.KindJSON:
		if v.At(row)[0] == '[' {
			return Value{KindArray, v.At(row)}
		}
		return Value{KindObject, v.At(row)}
	}
	start := len(d.scratch)
	layout := time.RFC3339Nano
	if v.Local && d.assembler.source.Fields.OccurredAt.Location != nil {
		layout = "2006-01-02T15:04:05.999999999"
	}
	quoted := false
	d.scratch, quoted = v.AppendPlain(d.scratch, row, layout)
	of := KindNumber
	switch {
	case v.Kind == columnar.KindTime:
		of = KindInstant
	case v.Kind == columnar.KindBool:
		of = KindBool
	case quoted:
		of = KindString
	}
	return Value{of, d.scratch[start:]}
}
