package event

import (
	"maps"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// RowsPerBlock bounds the rows of a block: a file of tiny rows that are all refused would else fill the memory with
// rejects.
const RowsPerBlock = 1 << 18

// KeptOfLong is how many bytes of a row that is too long are kept with its reject; other rows are kept whole.
const KeptOfLong = 64 << 10

// TooLong says why such a row is refused.
func TooLong(most int) string {
	return "is longer than " + strconv.Itoa(most) + " bytes"
}

// Sum128 is a sum of token counts: UInt128 in the warehouse.
type Sum128 struct{ high, low uint64 }

func (s *Sum128) add(high, low uint64) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.high += high + carry
}

// addAll adds some counts, at most runRows.
func (s *Sum128) addAll(counts []uint64) {
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

// Big is the sum as an integer of any size.
func (s Sum128) Big() *big.Int {
	sum := new(big.Int).SetUint64(s.high)
	return sum.Add(sum.Lsh(sum, 64), new(big.Int).SetUint64(s.low))
}

// UnitSum is the sum of a unit: Whole, and Nanos of 10^-9.
type UnitSum struct {
	Unit         string
	Whole, Nanos Sum128
}

// Amount is the sum as one number.
func (s UnitSum) Amount() decimal.Decimal {
	return decimal.NewFromBigInt(s.Whole.Big(), 0).Add(decimal.NewFromBigInt(s.Nanos.Big(), -9))
}

// Tally is what is known of some rows: of a block, and added up of a load. It is counted while decoding and compared
// with what the engine holds before the load commits.
type Tally struct {
	RowsRead uint64 // every row, good or bad
	surplus  uint64 // how many rows there are beyond the lines, where rows are elements of a line
	Valid    uint64 // rows that became events, duplicates included
	Skipped  uint64 // rows that the source leaves out on purpose
	// Units are sums over the valid rows; of a block, in the order of its columns, once it is placed.
	Units []UnitSum
	// OccurredFrom and occurredTo are the earliest and latest times, inclusive; set where valid > 0.
	OccurredFrom, OccurredTo int64
	IDs                      IDRuns
	// Combinations are those of the dimensions of valid rows; nil while no row has any.
	Combinations Combinations
}

// Add joins the tally of the rows that follow.
func (t *Tally) Add(next *Tally) {
	t.RowsRead += next.RowsRead
	t.surplus += next.surplus
	t.Skipped += next.Skipped
	for _, sum := range next.Units {
		i := slices.IndexFunc(t.Units, func(known UnitSum) bool { return known.Unit == sum.Unit })
		if i < 0 {
			i = len(t.Units)
			t.Units = append(t.Units, UnitSum{Unit: sum.Unit})
		}
		t.Units[i].Whole.add(sum.Whole.high, sum.Whole.low)
		t.Units[i].Nanos.add(sum.Nanos.high, sum.Nanos.low)
	}
	t.IDs.add(&next.IDs)
	if t.Combinations == nil && next.Combinations != nil {
		t.Combinations = Combinations{}
	}
	maps.Copy(t.Combinations, next.Combinations)
	if next.Valid == 0 {
		return
	}
	if t.Valid == 0 {
		t.OccurredFrom, t.OccurredTo = next.OccurredFrom, next.OccurredTo
	}
	t.OccurredFrom, t.OccurredTo = min(t.OccurredFrom, next.OccurredFrom), max(t.OccurredTo, next.OccurredTo)
	t.Valid += next.Valid
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
	// Object and ObjectRow are the object of object storage that the row is of, and its place there; set where rejects are
	// listed, of loads that are made of objects.
	Object    string `ch:"object"`
	ObjectRow uint64 `ch:"object_row"`
}

// Block is a batch of rows of one load, its columns in the wire format of the warehouse. Row numbers count from 1
// within the block until place gives them their place in the file.
type Block struct {
	Tally
	Rejects []Reject
	Skips   []uint64 // numbers of rows that are left out
	sums    []rowSum // of every row read, where ids are made of them
	// sumNumbers are the numbers of these rows, of text.
	sumNumbers []uint64

	inElements bool   // rows are elements of the line under way
	element    uint64 // the last of them

	RowNumber []uint64
	EventID   columnar.StringColumn
	Occurred  []int64
	Customer  columnar.StringColumn
	Model     columnar.DictionaryColumn
	Feature   columnar.DictionaryColumn
	// Dimensions are as rows have them; empty for none.
	Dimensions columnar.DictionaryColumn
	// Quantities are by unit, in the order of the tally's Units.
	Quantities []QuantityColumn
	used       []uint64              // memory of UsedUnits
	Detail     columnar.StringColumn // properties
}

// Reset empties the block and keeps its memory.
func (b *Block) Reset() {
	b.Tally = Tally{IDs: IDRuns{runs: b.IDs.runs[:0]}, Units: b.Units[:0]}
	b.Quantities = b.Quantities[:0]
	b.Rejects, b.sums, b.sumNumbers = b.Rejects[:0], b.sums[:0], b.sumNumbers[:0]
	b.Skips = b.Skips[:0]
	b.RowNumber, b.Occurred = b.RowNumber[:0], b.Occurred[:0]
	b.Customer.Reset()
	b.Model.Reset()
	b.Feature.Reset()
	b.Dimensions.Reset()
	b.EventID.Reset()
	b.Detail.Reset()
}

// take makes columns for the units that the source looks for, which come before all others.
func (b *Block) take(units []string) {
	for _, unit := range units[min(len(b.Quantities), len(units)):] {
		b.unit(unit)
	}
}

// unit is the place of a unit, which may be new.
func (b *Block) unit(name string) int {
	for i := range b.Units {
		if b.Units[i].Unit == name {
			return i
		}
	}
	b.Units = append(b.Units, UnitSum{Unit: name})
	place := len(b.Quantities)
	b.Quantities = slices.Grow(b.Quantities, 1)[:place+1] // with the memory that it had, if it had any
	column := &b.Quantities[place]
	column.Whole, column.Nanos = column.Whole[:0], column.Nanos[:0]
	return place
}

// complete gives every column as many rows as there are, and adds the quantities up.
func (b *Block) complete() {
	rows := len(b.RowNumber)
	b.Feature.PadTo(rows)
	if b.Combinations = nil; len(b.Dimensions.Keys) > 0 {
		b.Combinations = Combinations{}
		for _, combination := range b.Dimensions.Used() {
			b.Combinations[combination] = struct{}{}
		}
	}
	for i := range b.Quantities {
		column, sum := &b.Quantities[i], &b.Units[i]
		column.pad(rows)
		sum.Whole, sum.Nanos = Sum128{}, Sum128{}
		for part := range slices.Chunk(column.Whole, runRows) {
			sum.Whole.addAll(part)
		}
		for _, nanos := range column.Nanos {
			sum.Nanos.add(0, uint64(nanos))
		}
	}
}

// Append takes a valid row; the row's bytes are copied.
func (b *Block) Append(r *Row) {
	b.Customer.Append(r.CustomerID)
	b.Model.Append(r.Model)
	if len(r.Feature) > 0 {
		b.Feature.PadTo(len(b.RowNumber))
		b.Feature.Append(r.Feature)
	}
	if len(r.Dimensions) > 0 {
		b.Dimensions.PadTo(len(b.RowNumber))
		b.Dimensions.Append(r.Dimensions)
	}
	b.RowNumber = append(b.RowNumber, b.number())
	b.Occurred = append(b.Occurred, r.OccurredAt)
	if len(b.Quantities) < len(r.Units) {
		b.take(r.Units)
	}
	row := len(b.RowNumber) - 1
	for i, quantity := range r.Quantities {
		if quantity != (Quantity{}) { // else the column is padded when it comes to it
			b.Quantities[i].append(row, quantity)
		}
	}
	for _, more := range r.More {
		b.Quantities[b.unit(more.Unit)].append(row, more.Quantity)
	}
	b.Detail.Append(r.Properties)
	if b.Valid == 0 {
		b.OccurredFrom, b.OccurredTo = r.OccurredAt, r.OccurredAt
	}
	b.OccurredFrom, b.OccurredTo = min(b.OccurredFrom, r.OccurredAt), max(b.OccurredTo, r.OccurredAt)
	b.Valid++
	if r.EventID != nil { // else it is made of the rows before it, which place knows
		b.appendID(r.EventID)
	}
}

func (b *Block) appendID(id []byte) {
	b.EventID.Append(id)
	b.IDs.observe(id)
}

// appendIDs takes the ids of some rows of a vector, none of them null.
func (b *Block) appendIDs(v *columnar.Vector, from, to int) {
	if v.Dictionary != nil {
		for row := from; row < to; row++ {
			b.appendID(v.At(row))
		}
		return
	}
	b.EventID.AppendTexts(&v.Text, from, to)
	b.IDs.observeAll(&v.Text, from, to)
}

// Refuse keeps the row under way as a reject.
func (b *Block) Refuse(field, reason string, raw []byte) {
	b.Rejects = append(b.Rejects, Reject{
		RowNumber: b.number(), Field: field, Reason: reason, Raw: string(raw),
	})
}

// Skip leaves the row under way out.
func (b *Block) Skip() {
	b.Skipped++
	b.Skips = append(b.Skips, b.number())
}

// Place gives the rows their load and their place in the file, whose lines before this block were linesBefore. The
// chain makes ids where the rows have none.
func (b *Block) Place(loadSeq, linesBefore uint64, chain *RowChain) {
	b.complete()
	next := 0 // of the rows that became events
	for row, sum := range b.sums {
		id := chain.next(sum)
		number := uint64(row) + 1
		if len(b.sumNumbers) > 0 {
			number = b.sumNumbers[row]
		}
		if next < len(b.RowNumber) && b.RowNumber[next] == number {
			b.appendID(id)
			next++
		}
	}
	for i := range b.RowNumber {
		b.RowNumber[i] = moved(b.RowNumber[i], linesBefore)
	}
	for i := range b.Skips {
		b.Skips[i] = moved(b.Skips[i], linesBefore)
	}
	for i := range b.Rejects {
		b.Rejects[i].LoadSeq = loadSeq
		b.Rejects[i].RowNumber = moved(b.Rejects[i].RowNumber, linesBefore)
	}
}

// Events reads the block's columns back.
func (b *Block) Events() []schemas.Event {
	b.complete()
	events := make([]schemas.Event, len(b.RowNumber))
	ids, details, customers := b.EventID.Strings(), b.Detail.Strings(), b.Customer.Strings()
	for i := range events {
		event := &events[i]
		event.EventID, event.Properties = ids[i], details[i]
		event.OccurredAt = time.Unix(0, b.Occurred[i]).UTC()
		event.CustomerID, event.Model, event.Feature = customers[i], b.Model.At(i), b.Feature.At(i)
		if i < len(b.Dimensions.Keys) {
			event.Dimensions = schemas.ParseDimensions(b.Dimensions.At(i))
		}
		for unit := range b.Quantities {
			if quantity := b.quantity(unit, i); quantity != (Quantity{}) {
				event.Units.Add(b.Units[unit].Unit, quantity.decimal())
			}
		}
	}
	return events
}
