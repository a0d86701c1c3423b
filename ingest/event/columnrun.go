package event

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// runRows is how many rows are looked at before they are stored: few enough to be in the cache still.
const runRows = 1 << 10

// columnRun is what is known of some rows of a slice, before they are stored column by column.
type columnRun struct {
	plain    [runRows]bool // the row may go straight into the block
	counted  [runRows]bool // it has a quantity
	occurred [runRows]int64
	whole    [][]uint64 // whole quantities of each unit, runRows of each
	// dimensions are those of each row; nil where rows have none.
	dimensions [][]byte
}

// look finds the rows that are plain: in which there is nothing to look at closer.
func (d *ColumnDecoder) look(vectors []columnar.Vector, from, to int) {
	plain := d.run.plain[:to-from]
	for i := range plain {
		plain[i] = d.straight
	}
	if !d.straight {
		return
	}
	for _, t := range []Target{TargetEventID, TargetCustomerID, TargetModel} {
		if at := d.at[t]; at >= 0 {
			lookAtNames(plain, &vectors[at], from, &d.names[t])
		}
	}
	if at := d.at[TargetProperties]; at >= 0 {
		for i := range plain {
			plain[i] = plain[i] && d.plainProperties(&vectors[at], from+i)
		}
	}
	d.lookAtTimes(plain, &vectors[d.at[TargetOccurredAt]], from)
	if d.run.dimensions != nil {
		d.lookAtDimensions(plain, vectors, from)
	}
	d.lookAtCounts(plain, vectors, from)
}

// lookAtNames finds the values that are ids as they stand.
func lookAtNames(plain []bool, v *columnar.Vector, from int, known *dictionaryNames) {
	switch {
	case v.Kind != columnar.KindText:
		clear(plain)
	case v.Dictionary != nil:
		known.look(v.Dictionary)
		if known.allPlain && len(v.Null) == 0 {
			return
		}
		for i := range plain {
			plain[i] = plain[i] && !v.IsNull(from+i) && known.plain[v.Codes[from+i]]
		}
	default:
		if len(v.Null) == 0 {
			plainNames(&v.Text, from, plain)
			return
		}
		for i := range plain {
			plain[i] = plain[i] && !v.IsNull(from+i) && isPlainName(v.Text.At(from+i))
		}
	}
}

// plainNames tells which of some texts are names as they stand.
func plainNames(t *columnar.Texts, from int, plain []bool) {
	for i := range plain {
		plain[i] = plain[i] && isPlainName(t.At(from+i))
	}
}

// dictionaryNames is what is known of the texts of one dictionary, each of which is looked at once.
type dictionaryNames struct {
	id    uint64 // of the dictionary; 0 for none
	plain []bool // which of the texts are names as they stand
	// allPlain tells that all of them are.
	allPlain bool
}

// look goes on to a dictionary.
func (n *dictionaryNames) look(of *columnar.Dictionary) {
	if n.id == of.ID {
		return
	}
	n.id = of.ID
	n.plain = slices.Grow(n.plain[:0], of.Values.Len())[:of.Values.Len()]
	for i := range n.plain {
		n.plain[i] = true
	}
	plainNames(&of.Values, 0, n.plain)
	n.allPlain = !slices.Contains(n.plain, false)
}

func isPlainName(text []byte) bool {
	return len(text) <= maxNameBytes && schemas.IsPlainName(text)
}

// plainProperties tells that a value is a JSON object or list, or nothing.
func (d *ColumnDecoder) plainProperties(v *columnar.Vector, row int) bool {
	if v.IsNull(row) {
		return true
	}
	if v.Kind != columnar.KindText && v.Kind != columnar.KindJSON {
		return false
	}
	object := v.At(row)
	if len(object) == 0 {
		return true
	}
	return isContainer(object) && utf8.Valid(object) && len(object) <= d.maxLineBytes-maxOtherBytes
}

// maxOtherBytes is more than a plain row's ids, model and time can have together.
const maxOtherBytes = 4 * maxNameBytes

func (d *ColumnDecoder) lookAtTimes(plain []bool, v *columnar.Vector, from int) {
	field := &d.assembler.source.Fields.OccurredAt
	switch {
	case v.Kind == columnar.KindTime && (!v.Local || field.Location == nil):
		first, end := firstInstant/v.Tick, endInstant/v.Tick
		for i, ticks := range v.Number[from : from+len(plain)] {
			plain[i] = plain[i] && ticks >= first && ticks < end
			d.run.occurred[i] = ticks * v.Tick
		}
		if len(v.Null) > 0 {
			for i, null := range v.Null[from : from+len(plain)] {
				plain[i] = plain[i] && !null
			}
		}
	case v.Kind == columnar.KindText:
		for i := range plain {
			plain[i] = plain[i] && !v.IsNull(from+i) && utf8.Valid(v.At(from+i))
			if !plain[i] {
				continue
			}
			instant, reason := d.assembler.day.parse(Value{KindString, v.At(from + i)}, field.Layout, field.Location)
			d.run.occurred[i] = instant
			plain[i] = reason == "" && instant >= firstInstant && instant < endInstant
		}
	default:
		clear(plain)
	}
}

// lookAtDimensions finds the dimensions of rows.
func (d *ColumnDecoder) lookAtDimensions(plain []bool, vectors []columnar.Vector, from int) {
	for i := range plain {
		if !plain[i] {
			continue
		}
		d.values.Found, d.scratch = 0, d.scratch[:0]
		for _, t := range d.described {
			found := d.value(&vectors[d.at[t]], from+i)
			plain[i] = plain[i] && utf8.Valid(found.Bytes)
			d.values.Set(t, found)
		}
		if plain[i] = plain[i] && d.assembler.describe(&d.values) == nil; plain[i] {
			d.run.dimensions[i] = d.assembler.row.Dimensions
		}
	}
}

func (d *ColumnDecoder) lookAtCounts(plain []bool, vectors []columnar.Vector, from int) {
	counted := d.run.counted[:len(plain)]
	clear(counted)
	allCounted := false // by a column without nulls
	for unit := range d.run.whole {
		counts := d.run.whole[unit][:len(plain)]
		at := d.at[TargetUnits+Target(unit)]
		if at < 0 {
			clear(counts)
			continue
		}
		v := &vectors[at]
		if v.Kind != columnar.KindInt && v.Kind != columnar.KindUint && v.Kind != columnar.KindFloat {
			clear(plain)
			return
		}
		numbers := v.Number[from : from+len(plain)]
		if len(v.Null) == 0 && v.Kind != columnar.KindFloat {
			lookAtIntegers(plain, numbers, counts)
			allCounted = true
			continue
		}
		for i, number := range numbers {
			switch {
			case v.IsNull(from + i):
				number = 0
			case v.Kind == columnar.KindFloat:
				var whole bool
				number, whole = wholeFloat(number)
				plain[i] = plain[i] && whole
				counted[i] = true
			default:
				plain[i] = plain[i] && number >= 0
				counted[i] = true
			}
			counts[i] = uint64(number)
		}
	}
	if !allCounted {
		for i := range plain {
			plain[i] = plain[i] && counted[i]
		}
	}
	for i := range d.assembler.holds {
		d.subtractAll(plain, &d.assembler.holds[i])
	}
}

// subtractAll takes out of a count what it includes, where there is enough.
func (d *ColumnDecoder) subtractAll(plain []bool, of *holds) {
	for _, unit := range of.included {
		from, included := d.run.whole[of.unit][:len(plain)], d.run.whole[unit][:len(plain)]
		for i := range plain {
			if plain[i] = plain[i] && included[i] <= from[i]; plain[i] {
				from[i] -= included[i]
			}
		}
	}
}

// lookAtIntegers takes integers of which none is missing.
func lookAtIntegers(plain []bool, numbers []int64, counts []uint64) {
	sign := int64(0)
	for i, number := range numbers {
		counts[i] = uint64(number)
		sign |= number
	}
	if sign >= 0 {
		return
	}
	for i, number := range numbers {
		plain[i] = plain[i] && number >= 0
	}
}

// wholeFloat returns the count that a float is, or false where it is none that a float holds exactly.
func wholeFloat(stored int64) (int64, bool) {
	const exact = 1 << 53
	number := math.Float64frombits(uint64(stored))
	if !(number >= 0 && number < exact) || number != math.Trunc(number) {
		return 0, false
	}
	return int64(number), true
}

// nameColumn is a column of texts, whichever way it goes over the wire.
type nameColumn interface {
	Append(value []byte)
	AppendSame(value []byte, rows int)
	AppendTexts(from *columnar.Texts, first, end int)
	AppendCodes(of *columnar.Dictionary, codes []uint32)
}

// store appends plain rows to the block; at is where they are in the run.
func (d *ColumnDecoder) store(b *Block, vectors []columnar.Vector, rows columnar.Slice, at int) {
	n := rows.To - rows.From
	numbered := len(b.RowNumber)
	b.RowNumber = slices.Grow(b.RowNumber, n)[:numbered+n]
	for i := range n {
		b.RowNumber[numbered+i] = b.RowsRead + uint64(i) + 1
	}
	b.RowsRead += uint64(n)
	storeNames := func(to nameColumn, t Target, constant []byte) {
		column := d.at[t]
		switch {
		case column < 0:
			to.AppendSame(constant, n)
		case vectors[column].Dictionary != nil:
			to.AppendCodes(vectors[column].Dictionary, vectors[column].Codes[rows.From:rows.To])
		default:
			to.AppendTexts(&vectors[column].Text, rows.From, rows.To)
		}
	}
	storeNames(&b.Customer, TargetCustomerID, d.assembler.row.CustomerID)
	storeNames(&b.Model, TargetModel, d.assembler.row.Model)
	if d.run.dimensions != nil {
		b.Dimensions.PadTo(numbered)
		for _, dimensions := range d.run.dimensions[at : at+n] {
			b.Dimensions.Append(dimensions)
		}
	}
	occurred := d.run.occurred[at : at+n]
	b.Occurred = append(b.Occurred, occurred...)
	first, last := slices.Min(occurred), slices.Max(occurred)
	if b.Valid == 0 {
		b.OccurredFrom, b.OccurredTo = first, last
	}
	b.OccurredFrom, b.OccurredTo = min(b.OccurredFrom, first), max(b.OccurredTo, last)
	b.take(d.assembler.units)
	for unit, whole := range d.run.whole {
		if d.at[TargetUnits+Target(unit)] >= 0 {
			column := &b.Quantities[unit]
			column.pad(numbered)
			column.Whole = append(column.Whole, whole[at:at+n]...)
		}
	}
	b.Valid += uint64(n)
	if column := d.at[TargetProperties]; column >= 0 {
		for row := rows.From; row < rows.To; row++ {
			b.Detail.Append(textAt(&vectors[column], row))
		}
	} else {
		b.Detail.AppendEmpty(n)
	}
	// Else ids are made of the rows before, which place knows.
	if column := d.at[TargetEventID]; column >= 0 && !d.idsLater {
		b.appendIDs(&vectors[column], rows.From, rows.To)
	}
}

// textAt returns a value of text; nil if it is null.
func textAt(v *columnar.Vector, row int) []byte {
	if v.IsNull(row) {
		return nil
	}
	return v.At(row)
}
