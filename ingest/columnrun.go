package ingest

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/creditmill/creditmill/schemas"
)

// runRows is how many rows are looked at before they are stored: few enough to be in the cache still.
const runRows = 1 << 10

// columnRun is what is known of some rows of a slice, before they are stored column by column.
type columnRun struct {
	plain    [runRows]bool // the row may go straight into the block
	counted  [runRows]bool // it has a count of tokens
	occurred [runRows]int64
	tokens   [schemas.PoolCount][runRows]uint64
}

// look finds the rows that are plain: in which there is nothing to look at closer.
func (d *columnDecoder) look(vectors []vector, from, to int) {
	plain := d.run.plain[:to-from]
	for i := range plain {
		plain[i] = d.straight
	}
	if !d.straight {
		return
	}
	for _, t := range []target{targetEventID, targetCustomerID, targetModel} {
		if at := d.at[t]; at >= 0 {
			lookAtNames(plain, &vectors[at], from, &d.names[t])
		}
	}
	if at := d.at[targetProperties]; at >= 0 {
		for i := range plain {
			plain[i] = plain[i] && d.plainProperties(&vectors[at], from+i)
		}
	}
	d.lookAtTimes(plain, &vectors[d.at[targetOccurredAt]], from)
	d.lookAtCounts(plain, vectors, from)
}

// lookAtNames finds the values that are ids as they stand.
func lookAtNames(plain []bool, v *vector, from int, known *dictionaryNames) {
	switch {
	case v.kind != vectorText:
		clear(plain)
	case v.dictionary != nil:
		known.look(v.dictionary)
		if known.allPlain && len(v.null) == 0 {
			return
		}
		for i := range plain {
			plain[i] = plain[i] && !v.isNull(from+i) && known.plain[v.codes[from+i]]
		}
	default:
		if len(v.null) == 0 {
			plainNames(&v.text, from, plain)
			return
		}
		for i := range plain {
			plain[i] = plain[i] && !v.isNull(from+i) && isPlainName(v.text.at(from+i))
		}
	}
}

// plainNames tells which of some texts are names as they stand.
func plainNames(t *texts, from int, plain []bool) {
	for i := range plain {
		plain[i] = plain[i] && isPlainName(t.at(from+i))
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
func (n *dictionaryNames) look(of *dictionary) {
	if n.id == of.id {
		return
	}
	n.id = of.id
	n.plain = slices.Grow(n.plain[:0], of.values.len())[:of.values.len()]
	for i := range n.plain {
		n.plain[i] = true
	}
	plainNames(&of.values, 0, n.plain)
	n.allPlain = !slices.Contains(n.plain, false)
}

func isPlainName(text []byte) bool {
	return len(text) <= maxNameBytes && schemas.IsPlainName(text)
}

// plainProperties tells that a value is a JSON object or list, or nothing.
func (d *columnDecoder) plainProperties(v *vector, row int) bool {
	if v.isNull(row) {
		return true
	}
	if v.kind != vectorText && v.kind != vectorJSON {
		return false
	}
	object := v.at(row)
	if len(object) == 0 {
		return true
	}
	return isContainer(object) && utf8.Valid(object) && len(object) <= d.maxLineBytes-maxOtherBytes
}

// maxOtherBytes is more than a plain row's ids, model and time can have together.
const maxOtherBytes = 4 * maxNameBytes

func (d *columnDecoder) lookAtTimes(plain []bool, v *vector, from int) {
	field := &d.assembler.source.Fields.OccurredAt
	switch {
	case v.kind == vectorTime && (!v.local || field.Location == nil):
		first, end := firstInstant/v.tick, endInstant/v.tick
		for i, ticks := range v.number[from : from+len(plain)] {
			plain[i] = plain[i] && ticks >= first && ticks < end
			d.run.occurred[i] = ticks * v.tick
		}
		if len(v.null) > 0 {
			for i, null := range v.null[from : from+len(plain)] {
				plain[i] = plain[i] && !null
			}
		}
	case v.kind == vectorText:
		for i := range plain {
			if plain[i] = plain[i] && !v.isNull(from+i) && utf8.Valid(v.at(from+i)); !plain[i] {
				continue
			}
			instant, reason := d.assembler.day.parse(value{kindString, v.at(from + i)}, field.Layout, field.Location)
			d.run.occurred[i] = instant
			plain[i] = reason == "" && instant >= firstInstant && instant < endInstant
		}
	default:
		clear(plain)
	}
}

func (d *columnDecoder) lookAtCounts(plain []bool, vectors []vector, from int) {
	counted := d.run.counted[:len(plain)]
	clear(counted)
	allCounted := false // by a column without nulls
	for pool := range d.run.tokens {
		counts := d.run.tokens[pool][:len(plain)]
		at := d.at[targetTokens+target(pool)]
		if at < 0 {
			clear(counts)
			continue
		}
		v := &vectors[at]
		if v.kind != vectorInt && v.kind != vectorUint && v.kind != vectorFloat {
			clear(plain)
			return
		}
		numbers := v.number[from : from+len(plain)]
		if len(v.null) == 0 && v.kind != vectorFloat {
			lookAtIntegers(plain, numbers, counts)
			allCounted = true
			continue
		}
		for i, number := range numbers {
			switch {
			case v.isNull(from + i):
				number = 0
			case v.kind == vectorFloat:
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
	a := d.assembler
	if len(a.source.InputIncludes)+len(a.source.OutputIncludes) == 0 {
		return
	}
	for i := range plain {
		for pool := range a.row.tokens {
			a.row.tokens[pool] = d.run.tokens[pool][i]
		}
		plain[i] = plain[i] && a.subtract(schemas.PoolInput, a.source.InputIncludes) == nil &&
			a.subtract(schemas.PoolOutput, a.source.OutputIncludes) == nil
		for pool, count := range a.row.tokens {
			d.run.tokens[pool][i] = count
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

// store appends plain rows to the block; at is where they are in the run.
func (d *columnDecoder) store(b *block, vectors []vector, rows columnSlice, at int) {
	n := rows.to - rows.from
	numbered := len(b.rowNumber)
	b.rowNumber = slices.Grow(b.rowNumber, n)[:numbered+n]
	for i := range n {
		b.rowNumber[numbered+i] = b.rowsRead + uint64(i) + 1
	}
	b.rowsRead += uint64(n)
	storeNames := func(to nameColumn, t target, constant []byte) {
		column := d.at[t]
		switch {
		case column < 0:
			to.appendSame(constant, n)
		case vectors[column].dictionary != nil:
			to.appendCodes(vectors[column].dictionary, vectors[column].codes[rows.from:rows.to])
		default:
			to.appendTexts(&vectors[column].text, rows.from, rows.to)
		}
	}
	storeNames(&b.customer, targetCustomerID, d.assembler.row.customerID)
	storeNames(&b.model, targetModel, d.assembler.row.model)
	occurred := d.run.occurred[at : at+n]
	b.occurred = append(b.occurred, occurred...)
	first, last := slices.Min(occurred), slices.Max(occurred)
	if b.valid == 0 {
		b.occurredFrom, b.occurredTo = first, last
	}
	b.occurredFrom, b.occurredTo = min(b.occurredFrom, first), max(b.occurredTo, last)
	for pool := range b.tokens {
		counts := d.run.tokens[pool][at : at+n]
		b.tokens[pool] = append(b.tokens[pool], counts...)
		b.tally.tokens[pool].addAll(counts)
	}
	b.valid += uint64(n)
	if column := d.at[targetProperties]; column >= 0 {
		for row := rows.from; row < rows.to; row++ {
			b.detail.append(vectors[column].propertiesAt(row))
		}
	} else {
		b.detail.appendEmpty(n)
	}
	// Else ids are made of the rows before, which place knows.
	if column := d.at[targetEventID]; column >= 0 && !d.idsLater {
		b.appendIDs(&vectors[column], rows.from, rows.to)
	}
}

// propertiesAt returns a value of text; nil if it is null.
func (v *vector) propertiesAt(row int) []byte {
	if v.isNull(row) {
		return nil
	}
	return v.at(row)
}
