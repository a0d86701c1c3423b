package ingest

import (
	"time"
	"unicode/utf8"

	"github.com/creditmill/creditmill/schemas"
)

// columnDecoder turns slices of batches into blocks. It is used by one goroutine.
//
// Rows of the plainest kind go straight from vectors to the block (columnrun.go). Any other row, one that may have to
// be refused above all, becomes values as those of the other formats do and goes through the one assembler: what is
// accepted and what is said of the rest cannot differ between formats.
type columnDecoder struct {
	columns      []wantedColumn
	tree         *rawNode
	assembler    *assembler
	maxLineBytes int
	straight     bool            // the source allows the short way
	at           [maxTargets]int // the column of a target, -1 if it has none
	run          columnRun
	names        [targetProperties]dictionaryNames // of the ids and models
	idsLater     bool                              // every row so far is plain, and the ids are taken at the end
	values       values
	scratch      []byte
	raw          []byte
}

func newColumnDecoder(source schemas.Source, columns []wantedColumn, maxLineBytes int) *columnDecoder {
	d := &columnDecoder{
		columns: columns, tree: newRawTree(columns), assembler: newAssembler(source), maxLineBytes: maxLineBytes,
	}
	d.straight = d.assembler.goesStraight()
	for t := range d.at {
		d.at[t] = -1
	}
	for i, column := range columns {
		for _, t := range column.targets {
			d.at[t] = i
		}
	}
	return d
}

// goesStraight tells that every field is one column's value as it is, so that the short way means the same.
func (a *assembler) goesStraight() bool {
	f := &a.source.Fields
	for _, tokens := range f.Tokens {
		if (tokens.Kind != schemas.FieldPath && tokens.Kind != schemas.FieldNone) || schemas.HasAll(tokens.Path) {
			return false
		}
	}
	plain := func(field *schemas.Field) bool {
		return (field.Kind == schemas.FieldPath || field.Kind == schemas.FieldConst) && field.Map == nil
	}
	return len(a.choices) == 0 && len(a.required)+len(a.skips) == 0 && len(a.inputUnless)+len(a.outputUnless) == 0 &&
		f.OccurredAt.Kind == schemas.FieldPath &&
		(f.EventID.Kind == schemas.FieldPath || f.EventID.Kind == schemas.FieldRow) &&
		plain(&f.CustomerID) && plain(&f.Model)
}

func (d *columnDecoder) decode(s columnSlice, b *block) {
	vectors := s.batch.vectors
	d.idsLater = d.takesIDs(s)
	for from := s.from; from < s.to; from += runRows {
		to := min(from+runRows, s.to)
		if d.assembler.byRow() {
			d.observeColumns(b, vectors, from, to)
		}
		d.look(vectors, from, to)
		for row := from; row < to; {
			n := 0
			for row+n < to && d.run.plain[row+n-from] {
				n++
			}
			if n > 0 {
				d.store(b, vectors, columnSlice{s.batch, row, row + n}, row-from)
				row += n
				continue
			}
			if d.idsLater {
				d.idsLater = false
				b.appendIDs(&vectors[d.at[targetEventID]], s.from, row)
			}
			d.closer(b, vectors, row)
			row++
		}
	}
	if d.idsLater {
		ids := &vectors[d.at[targetEventID]]
		b.ids.observeAll(&ids.text, s.from, s.to)
		b.eventID.trade(&ids.text)
	}
}

// takesIDs tells that the block may take the batch's ids as a whole, if all its rows turn out to be plain.
func (d *columnDecoder) takesIDs(s columnSlice) bool {
	if !d.straight || d.at[targetEventID] < 0 || s.to-s.from != s.batch.rows {
		return false
	}
	v := &s.batch.vectors[d.at[targetEventID]]
	return v.kind == vectorText && v.dictionary == nil && len(v.null) == 0
}

// closer takes a row the way of the other formats.
func (d *columnDecoder) closer(b *block, vectors []vector, row int) {
	b.rowsRead++
	event, failure := d.assemble(vectors, row)
	if failure == nil {
		b.append(event)
		return
	}
	if failure == leftOut {
		b.skip()
		return
	}
	d.raw = d.appendRaw(d.raw[:0], d.tree, vectors, row)
	raw := d.raw
	if failure.reason == tooLong(d.maxLineBytes) {
		raw = raw[:min(len(raw), keptOfLong)]
	}
	b.reject(failure.field, failure.reason, raw)
}

// assemble takes the way of every other format.
func (d *columnDecoder) assemble(vectors []vector, row int) (*row, *fault) {
	d.values.found = 0
	if most := len(d.columns) * scratchBytes; cap(d.scratch) < most {
		d.scratch = make([]byte, 0, most) // so that it does not move while values point into it
	}
	d.scratch = d.scratch[:0]
	size := 0
	valid := true
	for i, column := range d.columns {
		found := d.value(&vectors[i], row)
		size += len(found.bytes)
		valid = valid && utf8.Valid(found.bytes)
		for _, t := range column.targets {
			taken := found
			if t == targetProperties && found.kind == kindString {
				if taken.kind = kindText; len(found.bytes) == 0 {
					taken.kind = kindNull
				}
			}
			d.values.set(t, taken)
		}
	}
	switch {
	case size > d.maxLineBytes:
		return nil, &fault{"", tooLong(d.maxLineBytes)}
	case !valid:
		return nil, &fault{"", "is not valid UTF-8"}
	}
	return d.assembler.assemble(&d.values)
}

// value returns a row's value as the other formats give it.
func (d *columnDecoder) value(v *vector, row int) value {
	if v.isNull(row) {
		return value{}
	}
	switch v.kind {
	case vectorText:
		return value{kindString, v.at(row)}
	case vectorNumber:
		return value{kindNumber, v.at(row)}
	case vectorJSON:
		if v.at(row)[0] == '[' {
			return value{kindArray, v.at(row)}
		}
		return value{kindObject, v.at(row)}
	}
	start := len(d.scratch)
	layout := time.RFC3339Nano
	if v.local && d.assembler.source.Fields.OccurredAt.Location != nil {
		layout = "2006-01-02T15:04:05.999999999"
	}
	quoted := false
	d.scratch, quoted = v.append(d.scratch, row, layout)
	of := kindNumber
	switch {
	case v.kind == vectorTime:
		of = kindInstant
	case v.kind == vectorBool:
		of = kindBool
	case quoted:
		of = kindString
	}
	return value{of, d.scratch[start:]}
}
