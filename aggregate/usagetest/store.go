// Package usagetest lets tests write usage into a warehouse by hand, so that nothing in them depends on how it is
// loaded. It never knows what is computed from the usage.
package usagetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// Store is a warehouse that a test writes loads to.
type Store struct {
	*warehouse.Warehouse
	T testing.TB
	// Loads is how many there are.
	Loads uint64
	// replaced are rows of replaced_events of the load that comes next.
	replaced uint64
	// unitList is that of the load under way, where all its rows have the same and none names a feature.
	unitList string
}

// New returns a store in a database of the test's own.
func New(t testing.TB) *Store { return &Store{Warehouse: warehousetest.New(t), T: t} }

// Event is what a test says of one; SupersededBy makes it a row of duplicate_events, and ReplacedBy are later loads
// that take its place, in order.
type Event struct {
	At       time.Time
	Customer string
	Model    string
	Feature  string    // instead of a model
	Tokens   [5]uint64 // in the order of schemas.ColumnUnits
	More     schemas.Amounts
	// Reversed has the row list its units the other way round.
	Reversed bool
	// Others is how many further units the row lists, without there being any.
	Others int
	// Dimensions are those of the row.
	Dimensions   schemas.Dimensions
	SupersededBy []uint64
	ReplacedBy   []uint64
}

// Use is an event of input tokens alone.
func Use(customer, at, model string, input uint64) Event {
	return Event{At: Instant(at), Customer: customer, Model: model, Tokens: [5]uint64{input}}
}

// Amounts are all that the event counts.
func (e Event) Amounts() schemas.Amounts {
	amounts := slices.Clone(e.More)
	for i, unit := range schemas.ColumnUnits() {
		if e.Tokens[i] > 0 {
			amounts.Add(unit, decimal.NewFromUint64(e.Tokens[i]))
		}
	}
	return amounts
}

// usage is the event's feature, list of units and quantities, as a row holds them. It lists the units of tokens
// that have columns even where there are none.
func (e Event) usage() []any {
	amounts := e.Amounts()
	for _, unit := range schemas.ColumnUnits() {
		amounts.Add(unit, decimal.Zero)
	}
	for number := range e.Others {
		amounts.Add(fmt.Sprint("other", number), decimal.Zero)
	}
	if e.Reversed {
		slices.Reverse(amounts)
	}
	var units []string
	var quantities []uint64
	for _, amount := range amounts {
		whole := amount.Quantity.Floor()
		units, quantities = append(units, amount.Unit), append(quantities, whole.BigInt().Uint64())
		if rest := amount.Quantity.Sub(whole); rest.IsPositive() {
			units = append(units, amount.Unit+schemas.NanoSuffix)
			quantities = append(quantities, rest.Shift(9).BigInt().Uint64())
		}
	}
	list := strings.Join(units, ",")
	if len(e.Dimensions) > 0 {
		list += "?" + schemas.FormatDimensions(e.Dimensions)
	}
	return []any{e.Feature, list, quantities}
}

// Load commits the events as one load and returns its number.
func (s *Store) Load(events ...Event) uint64 {
	s.T.Helper()
	s.Loads++
	ctx := context.Background()
	usage, err := s.Conn().PrepareBatch(ctx, "INSERT INTO usage_events (load_seq, row_number, source, event_id, "+
		"occurred_at, customer_id, model, feature, units, quantities)")
	s.Must(err)
	defer usage.Close()
	duplicates, err := s.Conn().PrepareBatch(ctx, "INSERT INTO duplicate_events (load_seq, row_number, source, event_id, "+
		"occurred_at, customer_id, model, feature, units, quantities, superseded_by)")
	s.Must(err)
	defer duplicates.Close()
	var from, to time.Time
	var superseded uint64
	lists := map[[2]string]bool{} // of features and units
	for i, e := range events {
		if from.IsZero() || e.At.Before(from) {
			from = e.At
		}
		if e.At.After(to) {
			to = e.At
		}
		row := []any{s.Loads, uint64(i + 1), "test", e.Customer + e.At.String(), e.At, e.Customer, e.Model}
		row = append(row, e.usage()...)
		if e.SupersededBy == nil {
			lists[[2]string{e.Feature, e.usage()[1].(string)}] = true //nolint:forcetypeassert // it is
			s.Must(usage.Append(row...))
		} else {
			superseded++
			s.Must(duplicates.Append(append(row, e.SupersededBy)...))
		}
	}
	s.Must(usage.Send())
	s.Must(duplicates.Send())
	for list := range lists {
		if len(lists) == 1 && list[0] == "" {
			s.unitList = list[1]
		}
	}
	s.SetStatus(s.Loads, 1, "committed", uint64(len(events))-superseded, superseded, from, to)
	s.replaced, s.unitList = 0, ""
	return s.Loads
}

// Replaces has the load that comes next take the place of those events of an earlier load that say so.
func (s *Store) Replaces(load uint64, events ...Event) {
	s.T.Helper()
	batch, err := s.Conn().PrepareBatch(context.Background(), "INSERT INTO replaced_events (load_seq, row_number, "+
		"replaced_load_seq, replaced_row_number, superseded_by, source, event_id, occurred_at, customer_id, model, "+
		"feature, units, quantities)")
	s.Must(err)
	defer batch.Close()
	for i, e := range events {
		place := slices.Index(e.ReplacedBy, s.Loads+1)
		if place < 0 {
			continue
		}
		row := []any{
			s.Loads + 1, uint64(1), load, uint64(i + 1), slices.Concat(e.SupersededBy, e.ReplacedBy[:place]), "test",
			e.Customer + e.At.String(), e.At, e.Customer, e.Model,
		}
		s.Must(batch.Append(append(row, e.usage()...)...))
		s.replaced++
	}
	s.Must(batch.Send())
}

// Withdraw takes a load back.
func (s *Store) Withdraw(load uint64) {
	s.T.Helper()
	s.SetStatus(load, 2, "withdrawn", 0, 0, time.Unix(0, 0), time.Unix(0, 0))
}

// SetStatus writes a revision of a load.
func (s *Store) SetStatus(load uint64, revision uint32, status string, rows, duplicates uint64, from, to time.Time) {
	s.T.Helper()
	batch, err := s.Conn().PrepareBatch(context.Background(), "INSERT INTO loads (load_seq, revision, status, "+
		"rows_loaded, rows_duplicate, rows_masked, unit_list, occurred_from, occurred_to)")
	s.Must(err)
	defer batch.Close()
	s.Must(batch.Append(load, revision, status, rows, duplicates, s.replaced, s.unitList, from, to))
	s.Must(batch.Send())
}

// Must ends the test on an error.
func (s *Store) Must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// Instant reads a time of RFC 3339.
func Instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at.UTC()
}

// MustCatalog reads a catalog.
func MustCatalog(t testing.TB, text string) *schemas.Catalog {
	t.Helper()
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if catalog == nil {
		t.Fatal(problems)
	}
	return catalog
}
