package ingest

import (
	"math/bits"

	"github.com/creditmill/creditmill/schemas"
)

// sum128 is a sum of token counts: UInt128 in the warehouse.
type sum128 struct{ high, low uint64 }

func (s *sum128) add(high, low uint64) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.high += high + carry
}

// addAll adds some counts, at most runRows.
func (s *sum128) addAll(counts []uint64) {
	const small = 1 << 64 / runRows // so many of at most that do not overflow
	var sum, bits uint64
	for _, count := range counts {
		sum += count
		bits |= count
	}
	if bits < small {
		s.add(0, sum)
		return
	}
	for _, count := range counts {
		s.add(0, count)
	}
}

// tally is what is known of some rows: of a block, and added up of a load. It is counted while decoding and compared
// with what the engine holds before the load commits.
type tally struct {
	rowsRead uint64 // every row, good or bad
	surplus  uint64 // how many rows there are beyond the lines, where rows are elements of a line
	valid    uint64 // rows that became events, duplicates included
	skipped  uint64 // rows that the source leaves out on purpose
	tokens   [schemas.PoolCount]sum128
	// occurredFrom and occurredTo are the earliest and latest times, inclusive; set where valid > 0.
	occurredFrom, occurredTo int64
	ids                      idRuns
}

// add joins the tally of the rows that follow.
func (t *tally) add(next *tally) {
	t.rowsRead += next.rowsRead
	t.surplus += next.surplus
	t.skipped += next.skipped
	for i := range t.tokens {
		t.tokens[i].add(next.tokens[i].high, next.tokens[i].low)
	}
	t.ids.add(&next.ids)
	if next.valid == 0 {
		return
	}
	if t.valid == 0 {
		t.occurredFrom, t.occurredTo = next.occurredFrom, next.occurredTo
	}
	t.occurredFrom, t.occurredTo = min(t.occurredFrom, next.occurredFrom), max(t.occurredTo, next.occurredTo)
	t.valid += next.valid
}

// Reject is a row that could not become an event.
type Reject struct {
	// LoadSeq is the number of the load.
	LoadSeq uint64 `ch:"load_seq"`
	// RowNumber is the row's place in its file, from 1.
	RowNumber uint64 `ch:"row_number"`
	// Field is the field at fault; empty when the row as a whole is.
	Field string `ch:"field"`
	// Reason says what is wrong with it.
	Reason string `ch:"reason"`
	// Raw is the row as it stood in the file, or its beginning where it was too long.
	Raw string `ch:"raw"`
}

// block is a batch of rows of one load in the shape of schemas.EventSchema, its columns in the wire format of the
// warehouse. Row numbers count from 1 within the block until place gives them their place in the file.
type block struct {
	tally
	rejects []Reject
	skips   []uint64 // numbers of rows that are left out
	sums    []rowSum // of every row read, where ids are made of them
	// sumNumbers are the numbers of these rows, of text.
	sumNumbers []uint64

	inElements bool   // rows are elements of the line under way
	element    uint64 // the last of them

	rowNumber []uint64
	eventID   stringColumn
	occurred  []int64
	customer  stringColumn
	model     dictionaryColumn
	tokens    [schemas.PoolCount][]uint64
	detail    stringColumn // properties
}

func (b *block) reset() {
	b.tally = tally{ids: idRuns{runs: b.ids.runs[:0]}}
	b.rejects, b.sums, b.sumNumbers = b.rejects[:0], b.sums[:0], b.sumNumbers[:0]
	b.skips = b.skips[:0]
	b.rowNumber, b.occurred = b.rowNumber[:0], b.occurred[:0]
	b.customer.reset()
	b.model.reset()
	b.eventID.reset()
	b.detail.reset()
	for i := range b.tokens {
		b.tokens[i] = b.tokens[i][:0]
	}
}

// append takes a valid row; the row's bytes are copied.
func (b *block) append(r *row) {
	b.customer.append(r.customerID)
	b.model.append(r.model)
	b.rowNumber = append(b.rowNumber, b.number())
	b.occurred = append(b.occurred, r.occurredAt)
	for i, count := range r.tokens {
		b.tokens[i] = append(b.tokens[i], count)
		b.tally.tokens[i].add(0, count)
	}
	b.detail.append(r.properties)
	if b.valid == 0 {
		b.occurredFrom, b.occurredTo = r.occurredAt, r.occurredAt
	}
	b.occurredFrom, b.occurredTo = min(b.occurredFrom, r.occurredAt), max(b.occurredTo, r.occurredAt)
	b.valid++
	if r.eventID != nil { // else it is made of the rows before it, which place knows
		b.appendID(r.eventID)
	}
}

func (b *block) appendID(id []byte) {
	b.eventID.append(id)
	b.ids.observe(id)
}

// appendIDs takes the ids of some rows of a vector, none of them null.
func (b *block) appendIDs(v *vector, from, to int) {
	if v.dictionary != nil {
		for row := from; row < to; row++ {
			b.appendID(v.at(row))
		}
		return
	}
	b.eventID.appendTexts(&v.text, from, to)
	b.ids.observeAll(&v.text, from, to)
}

func (b *block) reject(field, reason string, raw []byte) {
	b.rejects = append(b.rejects, Reject{
		RowNumber: b.number(), Field: field, Reason: reason, Raw: string(raw),
	})
}

// skip leaves the row under way out.
func (b *block) skip() {
	b.skipped++
	b.skips = append(b.skips, b.number())
}

// place gives the rows their load and their place in the file, whose lines before this block were linesBefore. The
// chain makes ids where the rows have none.
func (b *block) place(loadSeq, linesBefore uint64, chain *rowChain) {
	next := 0 // of the rows that became events
	for row, sum := range b.sums {
		id := chain.next(sum)
		number := uint64(row) + 1
		if len(b.sumNumbers) > 0 {
			number = b.sumNumbers[row]
		}
		if next < len(b.rowNumber) && b.rowNumber[next] == number {
			b.appendID(id)
			next++
		}
	}
	for i := range b.rowNumber {
		b.rowNumber[i] = moved(b.rowNumber[i], linesBefore)
	}
	for i := range b.skips {
		b.skips[i] = moved(b.skips[i], linesBefore)
	}
	for i := range b.rejects {
		b.rejects[i].LoadSeq = loadSeq
		b.rejects[i].RowNumber = moved(b.rejects[i].RowNumber, linesBefore)
	}
}
