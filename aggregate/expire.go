package aggregate

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrExpired is returned for figures that need raw rows which were removed because they were old.
var ErrExpired = errors.New("raw rows expired")

// ErrSpread is returned where rows are to expire in a warehouse that is spread over shards.
var ErrSpread = fmt.Errorf("raw rows do not expire in a cluster yet: remove retention.events: %w", warehouse.ErrConfig)

const (
	// expiredAtOnce and expiredRowsAtOnce bound the loads whose rows are removed together, and their rows, where a load
	// has no more by itself.
	expiredAtOnce     = 100
	expiredRowsAtOnce = 5_000_000
)

// Expiry says which raw rows to remove.
type Expiry struct {
	// Before: only loads all of whose events are older. Required.
	Before time.Time
	// LoadedBefore: only loads that were committed before it. Zero: whenever.
	LoadedBefore time.Time
	// Catalog lays out time and has the accounting timezone. Required.
	Catalog *schemas.Catalog
	// Unsettled is closed time that is not billed to the end: rows of it stay.
	Unsettled []Unsettled
	// DryRun only tells what would be removed.
	DryRun bool
}

// Unsettled is a customer's time of which something is still to be billed, credited or priced.
type Unsettled struct {
	CustomerID string
	// Period is half-open; without a start it is all of the customer's time.
	Period schemas.Period
}

// holds tells whether an instant of a customer is in it.
func (u Unsettled) holds(customer string, at time.Time) bool {
	return u.CustomerID == customer && (u.Period.Start.IsZero() || u.Period.Contains(at))
}

// ExpiredLoad is a load whose raw rows were or would be removed, or one that is old enough and has to wait.
type ExpiredLoad struct {
	Seq uint64
	// Removed and Kept are rows. Kept ones are of days that a boundary divides, or replace others.
	Removed, Kept uint64
	// Sums of the removed rows by unit; nil of one that was begun before.
	Sums map[string]decimal.Decimal
	// Checksum is the sum of the hashes of the ids that were removed, modulo 2^64.
	Checksum uint64
	// Waits says why no row is removed; empty where rows are.
	Waits string
}

// Expired is what ExpireRows did.
type Expired struct {
	// RemovalID is empty where nothing was removed.
	RemovalID string
	// Loads lost rows, Waiting are old enough and keep their rows.
	Loads, Waiting []ExpiredLoad
}

// ExpireRows removes the raw rows of loads that are old, rolled up, and closed: of each row the customer's time is
// billed. Their sums by day stand for them from then on; days that a boundary of a period, price or grant divides
// keep their rows. What was begun before is finished (FinishExpiry). The caller holds the writers' lock.
func (a *Aggregator) ExpireRows(ctx context.Context, expiry Expiry) (Expired, error) {
	var done Expired
	if a.warehouse.Spread() {
		return done, ErrSpread
	}
	r, broken, old, err := a.expirable(ctx, expiry)
	if err != nil || len(old) == 0 {
		return done, err
	}
	ready, waiting, err := a.closedLoads(ctx, r, broken, expiry, old)
	if err != nil {
		return done, err
	}
	ready, kept, would, err := a.removable(ctx, r, ready)
	if err != nil {
		return done, err
	}
	done.Waiting = append(waiting, kept...)
	slices.SortFunc(done.Waiting, func(x, y ExpiredLoad) int { return cmp.Compare(x.Seq, y.Seq) })
	if expiry.DryRun {
		done.Loads = would
		return done, nil
	}
	for _, batch := range expiryBatches(ready) {
		if done.RemovalID == "" {
			done.RemovalID = "rm_" + strings.ToLower(rand.Text())
		}
		sums, err := a.expire(ctx, r, batch, done.RemovalID, expiry)
		if err != nil {
			return done, err
		}
		for _, sum := range sums {
			done.Loads = append(done.Loads, ExpiredLoad{
				Seq: sum.Seq, Removed: sum.Removed, Kept: sum.Kept, Sums: sum.Quantities, Checksum: sum.Checksum,
			})
		}
	}
	return done, nil
}

// expirable lays out time, and finds the loads that are old enough and rolled up for what prices depend on. broken are
// the customers whose time cannot be laid out.
func (a *Aggregator) expirable(
	ctx context.Context, expiry Expiry,
) (laidOut *rating, broken map[string]string, old []loadState, err error) {
	query := Query{AsOf: a.now().UTC(), Catalog: expiry.Catalog}
	loads, err := a.loadsToRollUp(ctx, expiry.Catalog, query.AsOf)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, load := range loads {
		if load.Expired == 0 && load.Events > load.Superseded+load.Replaced && load.OccurredTo.Before(expiry.Before) {
			old = append(old, load)
		}
	}
	if len(old) == 0 {
		return nil, nil, nil, nil
	}
	query.Known = new(Known)
	if *query.Known, err = a.known(ctx, Query{}); err != nil {
		return nil, nil, nil, err
	}
	r, layout, err := a.prepare(ctx, query, loads)
	if err != nil {
		return nil, nil, nil, err
	}
	return &r, layout.broken, old, a.survey(ctx, &r)
}

// closedLoads are those of the loads of which no row is needed any more, and the others, with what is in the way.
func (a *Aggregator) closedLoads(
	ctx context.Context, r *rating, broken map[string]string, expiry Expiry, old []loadState,
) (ready []loadState, waiting []ExpiredLoad, err error) {
	settled := settledTime(r.query.Known.Closed, r.query.Catalog.Timezone, broken, expiry.Unsettled)
	closed, err := closedTable(settled)
	if err != nil {
		return nil, nil, err
	}
	alone, _, err := rowByRow(r.books, r.uses, r.stale)
	if err != nil {
		return nil, nil, err
	}
	found, err := warehouse.Select[openLoad](ctx, a.warehouse, "expiry/open_usage.sql",
		warehouse.Params{"loads": seqsOf(old), "closed": closed, "alone": alone})
	if err != nil {
		return nil, nil, fmt.Errorf("look for usage of open periods: %w", err)
	}
	open := make(map[uint64]string, len(found))
	for _, load := range found {
		open[load.Seq] = load.reason(broken, expiry.Unsettled)
	}
	for _, load := range old {
		reason := open[load.Seq]
		if load.Rolled == 0 {
			reason = "it is not rolled up for the prices of today: run creditmill aggregate"
		}
		if reason == "" && !expiry.LoadedBefore.IsZero() && !load.Committed.Before(expiry.LoadedBefore) {
			reason = "it was loaded on " + load.Committed.UTC().Format(time.DateOnly) + ", and may still be withdrawn"
		}
		if reason == "" {
			ready = append(ready, load)
			continue
		}
		waiting = append(waiting, ExpiredLoad{
			Seq: load.Seq, Kept: load.Events - load.Superseded - load.Replaced, Waits: reason,
		})
	}
	return ready, waiting, nil
}

func seqsOf(loads []loadState) []uint64 {
	seqs := make([]uint64, len(loads))
	for i, load := range loads {
		seqs[i] = load.Seq
	}
	return seqs
}

// openLoad is a load with rows that are still needed.
type openLoad struct {
	Seq       uint64    `ch:"load_seq"`
	Rows      uint64    `ch:"open_rows"`
	First     time.Time `ch:"first_open"`
	Customer  string    `ch:"first_customer"`
	AloneRows uint64    `ch:"alone_rows"`
}

// reason says why, of the first of the rows.
func (l openLoad) reason(broken map[string]string, unsettled []Unsettled) string {
	first := fmt.Sprintf("%d rows are of periods that are not billed, the first of %s", l.Rows,
		l.First.UTC().Format(time.RFC3339))
	switch {
	case l.AloneRows > 0:
		return fmt.Sprintf("%d rows are of models that are priced in part", l.AloneRows)
	case broken[l.Customer] != "":
		return first + " of customer " + l.Customer + ", whose periods cannot be laid out: " + broken[l.Customer]
	case slices.ContainsFunc(unsettled, func(u Unsettled) bool { return u.holds(l.Customer, l.First) }):
		return first + " of customer " + l.Customer + ", of which something is still to be billed or priced: see " +
			"creditmill invoice preview"
	}
	return first
}

// stretch is a part of a customer's time.
type stretch struct {
	customer string
	schemas.Period
}

// settledTime are the stretches of closed time whose terms can be read and count days in the timezone, those that meet
// as one, without what is unsettled and without customers whose time cannot be laid out: of these it is not known
// which days their periods divide.
func settledTime(
	closed []subscription.Closed, loc *time.Location, broken map[string]string, unsettled []Unsettled,
) []stretch {
	var settled []stretch
	for _, c := range closed {
		if c.Catalog != nil && c.Catalog.Timezone.String() == loc.String() && broken[c.CustomerID] == "" {
			settled = append(settled, stretch{c.CustomerID, c.Period})
		}
	}
	slices.SortFunc(settled, func(x, y stretch) int {
		return cmp.Or(cmp.Compare(x.customer, y.customer), x.Start.Compare(y.Start))
	})
	joined := settled[:0]
	for _, s := range settled {
		if last := len(joined) - 1; last >= 0 && joined[last].customer == s.customer && !s.Start.After(joined[last].End) {
			joined[last].End = schemas.Later(joined[last].End, s.End)
			continue
		}
		joined = append(joined, s)
	}
	return without(joined, unsettled)
}

// without takes what is unsettled out of stretches of time.
func without(settled []stretch, unsettled []Unsettled) []stretch {
	byCustomer := map[string][]Unsettled{}
	for _, u := range unsettled {
		byCustomer[u.CustomerID] = append(byCustomer[u.CustomerID], u)
	}
	var left []stretch
	for _, s := range settled {
		rest := []stretch{s}
		for _, u := range byCustomer[s.customer] {
			var next []stretch
			for _, part := range rest {
				next = append(next, part.without(u.Period)...)
			}
			rest = next
		}
		left = append(left, rest...)
	}
	slices.SortFunc(left, func(x, y stretch) int {
		return cmp.Or(cmp.Compare(x.customer, y.customer), x.Start.Compare(y.Start))
	})
	return left
}

// without is what is left of a stretch: before a period and after it. Nothing is, for one without a start.
func (s stretch) without(period schemas.Period) []stretch {
	if period.Start.IsZero() {
		return nil
	}
	var left []stretch
	if before := schemas.Earlier(s.End, period.Start); s.Start.Before(before) {
		left = append(left, stretch{s.customer, schemas.Period{Start: s.Start, End: before}})
	}
	if after := schemas.Later(s.Start, period.End); !period.End.IsZero() && after.Before(s.End) {
		left = append(left, stretch{s.customer, schemas.Period{Start: after, End: s.End}})
	}
	return left
}

func closedTable(settled []stretch) (*ext.Table, error) {
	table, err := ext.NewTable("closed", ext.Column("customer_id", "String"),
		ext.Column("starts_at", "DateTime64(9, 'UTC')"), ext.Column("ends_at", "DateTime64(9, 'UTC')"))
	if err != nil {
		return nil, fmt.Errorf("set up closed time: %w", err)
	}
	for _, s := range settled {
		if err := table.Append(s.customer, s.Start, s.End); err != nil {
			return nil, fmt.Errorf("set up closed time: %w", err)
		}
	}
	return table, nil
}

// expiryBatches parts loads so that not too many rows are removed at once.
func expiryBatches(loads []loadState) (batches [][]uint64) {
	var batch []uint64
	var rows uint64
	for _, load := range loads {
		if len(batch) == expiredAtOnce || len(batch) > 0 && rows+load.Events > expiredRowsAtOnce {
			batches, batch, rows = append(batches, batch), nil, 0
		}
		batch, rows = append(batch, load.Seq), rows+load.Events
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// CheckRows is an error that wraps ErrExpired where raw rows of a customer in a period were removed, so that
// other boundaries than those it was billed by cannot be rated.
func (a *Aggregator) CheckRows(ctx context.Context, customer string, period schemas.Period) error {
	var days uint64
	err := a.warehouse.QueryRow(ctx, "expiry/days_of_customer.sql", warehouse.Params{
		"customer_id": customer, "from": period.Start.UTC().AddDate(0, 0, -1).Format(time.DateOnly),
		"to": period.End.UTC().AddDate(0, 0, 1).Format(time.DateOnly),
	}, &days)
	if err != nil {
		return fmt.Errorf("look for rows of customer %s: %w", customer, err)
	}
	if days > 0 {
		return fmt.Errorf("%w: those of customer %s from %s to %s", ErrExpired, customer,
			period.Start.UTC().Format(time.RFC3339), period.End.UTC().Format(time.RFC3339))
	}
	return nil
}

// checkExpired is an error that wraps ErrExpired where the prices of some time depend on more than the sums tell that
// stand for raw rows.
func (a *Aggregator) checkExpired(ctx context.Context, r rating, counted, unfit, alone *ext.Table) error {
	type usedBySums struct {
		Model   string    `ch:"model"`
		Feature string    `ch:"feature"`
		Units   string    `ch:"units"`
		Present []uint32  `ch:"present"`
		Epoch   uint32    `ch:"epoch"`
		System  string    `ch:"product_system"`
		Seq     uint64    `ch:"load_seq"`
		Day     time.Time `ch:"from_day"`
	}
	params := r.params()
	params["counted"], params["unfit"], params["alone"] = counted, unfit, alone
	params["slices"], params["split_days"] = r.sliceTable, r.splitDays
	uses, err := warehouse.Select[usedBySums](ctx, a.warehouse, "aggregate/expired_uses.sql", params)
	if err != nil {
		return fmt.Errorf("look for what expired rows used: %w", err)
	}
	for _, sum := range uses {
		use := usedList{Model: sum.Model, Feature: sum.Feature, Units: sum.Units, Present: sum.Present}
		if r.books.NeedsRows(int(sum.Epoch), use.used(), sum.System, use.present()) {
			return fmt.Errorf("%w: of load %s, from %s on, only sums by day are left, and the price of %s depends on more: "+
				"on an event's context or hour, or on whether it has a unit without a price; let such a price begin later",
				ErrExpired, schemas.LoadID(sum.Seq), sum.Day.Format(time.DateOnly), use.what())
		}
	}
	return nil
}
