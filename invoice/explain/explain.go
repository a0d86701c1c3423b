// Package explain walks a charge down to the rows of the files that it comes from, adding all of it up again from the
// raw events (Explainer.Explain), and finds the charges that a name means (Explainer.Find).
//
// It knows the ledger, the plan and usage. It never knows Stripe, and only reads.
package explain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrNoCharge is returned when a charge is neither frozen nor in the present plan.
var ErrNoCharge = errors.New("no such charge")

// Explainer knows where a charge comes from: the ledger, the raw events, and for one that is not frozen the present
// plan.
type Explainer struct {
	Warehouse  *warehouse.Warehouse
	Aggregator *aggregate.Aggregator
	Catalog    *schemas.Catalog
	// Account is that of charges that are not frozen yet.
	Account ledger.Account
	// Plan makes the present plan.
	Plan func(context.Context) (plan.Plan, error)
}

func (x Explainer) ledger() ledger.Ledger { return ledger.Ledger{Warehouse: x.Warehouse} }

// basis is what a charge was or would be computed from.
type basis struct {
	asOf    time.Time
	catalog *schemas.Catalog
	loads   []uint64
	// known is what a frozen charge's balance was computed with; nil where it was not kept.
	known *aggregate.Known
}

// Explain walks a charge down to the files: a frozen one with the catalog, the cut-off and the loads of its plan, else
// one of the present plan. withRows adds the numbers of the rows. It only reads.
func (x Explainer) Explain(ctx context.Context, chargeID string, withRows bool) (Explanation, error) {
	charge, found, err := x.ledger().Charge(ctx, chargeID)
	if err != nil {
		return Explanation{}, err
	}
	if !found {
		return x.explainPlanned(ctx, chargeID, withRows)
	}
	from, err := x.basisOf(ctx, charge)
	if err != nil {
		return Explanation{}, err
	}
	account := ledger.Account{ID: charge.StripeAccount, Livemode: charge.Livemode}
	frozen, err := x.ledger().OfPeriod(ctx, charge.Charge, account)
	if err != nil {
		return Explanation{}, err
	}
	parts := []plan.Charge{}
	for _, other := range frozen {
		if other.Kind == charge.Kind && other.PlanSHA == charge.PlanSHA && other.RunID == charge.RunID {
			parts = append(parts, other.Planned())
		}
	}
	explained := Explanation{
		Entry: plan.NewEntry(plan.Join(charge.Planned(), parts)), Parts: plan.PartsOf(parts), Frozen: true,
		State:    charge.State,
		StripeID: charge.StripeID, PlanSHA: charge.PlanSHA,
	}
	// Withdrawn loads count here as they did then, so all of it is read from the raw events.
	balances, err := x.Aggregator.Replay(ctx, aggregate.Query{
		AsOf: from.asOf, Catalog: from.catalog, Loads: from.loads, Raw: true,
		EndedOnly: charge.Kind != plan.KindThreshold,
		Customers: []string{charge.CustomerID}, Known: from.known,
	})
	if err != nil {
		return Explanation{}, err
	}
	for i, balance := range balances {
		same := balance.CreditSystem == charge.CreditSystem && balance.Period.Start.Equal(charge.PeriodStart) &&
			balance.Period.End.Equal(charge.PeriodEnd)
		if same {
			explained.Balance = &balances[i]
		}
	}
	from.catalog = plan.CatalogOf(explained.Balance, from.catalog)
	explained.CountWithin(frozen, charge)
	explained.ExplainOverage()
	before := slices.DeleteFunc(frozen, func(other plan.FrozenCharge) bool {
		return !other.FrozenAt.Before(charge.FrozenAt) || other.Void != nil && other.Void.At.Before(charge.FrozenAt)
	})
	for i := range before { // as it was then
		before[i].Void = nil
	}
	return x.explain(ctx, explained, from, before, withRows)
}

func (x Explainer) explainPlanned(ctx context.Context, chargeID string, withRows bool) (Explanation, error) {
	planned, err := x.Plan(ctx)
	if err != nil {
		return Explanation{}, err
	}
	entries := slices.Collect(planned.Entries())
	i := slices.IndexFunc(entries, func(entry plan.Entry) bool { return entry.ID == chargeID })
	if i < 0 {
		return Explanation{}, fmt.Errorf("explain %s: %w: it is not frozen, and the plan as of %s does not have it; "+
			"ids are in `creditmill invoice preview --json`", chargeID, ErrNoCharge, planned.AsOf.Format(time.RFC3339))
	}
	from := basis{
		asOf: planned.AsOf, catalog: plan.CatalogOf(entries[i].Balance, x.Catalog), loads: planned.Loads,
	}
	before, err := x.ledger().OfPeriod(ctx, entries[i].Charge,
		x.Account)
	if err != nil {
		return Explanation{}, err
	}
	parts := []plan.Charge{}
	for _, charge := range planned.Charges {
		_, frozen := planned.Frozen[charge.ID]
		if !frozen && charge.Key() == entries[i].Key() && charge.Kind == entries[i].Kind {
			parts = append(parts, charge)
		}
	}
	explained := Explanation{Entry: entries[i], Parts: plan.PartsOf(parts), PlanSHA: planned.SHA}
	explained.Charge = plan.Join(explained.Charge, parts)
	explained.ExplainOverage()
	return x.explain(ctx, explained, from, before, withRows)
}

// basisOf reads what a frozen charge was computed from.
func (x Explainer) basisOf(ctx context.Context, charge plan.FrozenCharge) (basis, error) {
	type row struct {
		AsOf       time.Time `ch:"as_of"`
		CatalogSHA string    `ch:"catalog_sha"`
		Loads      []uint64  `ch:"loads"`
		Catalog    string    `ch:"catalog"`
		Inputs     string    `ch:"inputs"`
	}
	rows, err := warehouse.Select[row](ctx, x.Warehouse, "invoice/explain_plan.sql",
		warehouse.Params{"plan_sha": charge.PlanSHA, "run_id": charge.RunID})
	if err != nil {
		return basis{}, fmt.Errorf("read plan %s: %w", charge.PlanSHA, err)
	}
	if len(rows) == 0 {
		return basis{}, fmt.Errorf("explain charge %s: its plan %s is not in the warehouse: %w",
			charge.ID, charge.PlanSHA, plan.ErrInvariant)
	}
	result := basis{asOf: rows[0].AsOf.UTC(), loads: rows[0].Loads, catalog: x.Catalog}
	if rows[0].Inputs != "" {
		kept, err := plan.ReadInputs(rows[0].Inputs)
		if err != nil {
			return basis{}, fmt.Errorf("explain charge %s: plan %s: %w", charge.ID, charge.PlanSHA, err)
		}
		result.known = kept.Of(charge.CustomerID)
		account := ledger.Account{ID: charge.StripeAccount, Livemode: charge.Livemode}
		all, err := x.ledger().Closings(ctx, account, x.Catalog)
		if err != nil {
			return basis{}, err
		}
		result.known.Closed, _ = kept.ClosedOf(all, charge.CustomerID)
	}
	if rows[0].CatalogSHA == x.Catalog.SHA256 {
		return result, nil
	}
	if rows[0].Catalog == "" {
		return basis{}, fmt.Errorf("explain charge %s: it was priced by the catalog %s, which is not in the warehouse; "+
			"name that version with --catalog", charge.ID, rows[0].CatalogSHA)
	}
	catalog, problems := schemas.ParseCatalog("catalog of plan "+charge.PlanSHA, []byte(rows[0].Catalog))
	if catalog == nil {
		return basis{}, fmt.Errorf("explain charge %s: %w", charge.ID, problems.Err())
	}
	result.catalog = catalog
	return result, nil
}

// explain adds the charge up again. before are the frozen charges that came before it.
func (x Explainer) explain(
	ctx context.Context, e Explanation, from basis, before []plan.FrozenCharge, withRows bool,
) (Explanation, error) {
	e.AsOf, e.CatalogSHA, e.Timezone = from.asOf.UTC(), from.catalog.SHA256, from.catalog.Timezone.String()
	book := pricebook.New(from.catalog)
	until := e.PeriodEnd
	if e.Kind == plan.KindThreshold && from.asOf.Before(until) {
		until = from.asOf
	}
	params, err := aggregate.ParamsOfTests(ctx, x.Warehouse, pricebook.Books{book}, from.loads, e.PeriodStart, until)
	if err != nil {
		return Explanation{}, err
	}
	maps.Copy(params, warehouse.Params{
		"customer_id": e.CustomerID, "period_start": e.PeriodStart, "period_end": until, "timezone": e.Timezone,
		"price_changes": book.Changes(e.CustomerID), "loads": from.loads, "rows": withRows,
	})
	rows, err := warehouse.Select[usage](ctx, x.Warehouse, "invoice/explain_usage.sql", params)
	if err != nil {
		return Explanation{}, fmt.Errorf("read usage of charge %s: %w", e.ID, err)
	}
	e.Lines, e.Unrated, e.Before, e.TotalMinor = []ExplainedLine{}, []UnratedUsage{}, []plan.EarlierCharge{}, e.AmountMinor
	for _, charge := range before {
		if charge.Void == nil && (e.Kind == plan.KindAdjustment || charge.Kind == plan.KindThreshold) {
			earlier := plan.EarlierCharge{
				ID: charge.ID, Kind: charge.Kind, AmountMinor: charge.ChargedMinor(), Currency: charge.Currency,
			}
			e.Before, e.TotalMinor = append(e.Before, earlier), e.TotalMinor+earlier.AmountMinor
		}
	}
	if err := e.price(rows, book); err != nil {
		return Explanation{}, err
	}
	if err := x.explainLoads(ctx, &e); err != nil {
		return Explanation{}, err
	}
	return e, e.checkAmount(from.catalog)
}

// explainLoads names the files of the loads that the lines come from.
func (x Explainer) explainLoads(ctx context.Context, e *Explanation) error {
	type row struct {
		Load    uint64     `ch:"load_seq"`
		File    string     `ch:"file"`
		SHA256  string     `ch:"sha256"`
		Source  string     `ch:"source_id"`
		Status  string     `ch:"load_status"`
		Expired *time.Time `ch:"expired_at"`
	}
	used := map[string]*ExplainedLoad{}
	seqs := []uint64{}
	for _, line := range e.Lines {
		for _, day := range line.Days {
			for _, part := range day.Loads {
				load := used[part.LoadID]
				if load == nil {
					load = &ExplainedLoad{LoadID: part.LoadID, Tokens: new(big.Int)}
					used[part.LoadID] = load
					seqs = append(seqs, loadSeq(part.LoadID))
				}
				load.Events += part.Events
				load.Tokens.Add(load.Tokens, part.Tokens)
				load.Units.AddAll(part.Units)
			}
		}
	}
	rows, err := warehouse.Select[row](ctx, x.Warehouse, "invoice/explain_loads.sql",
		warehouse.Params{"loads": seqs})
	if err != nil {
		return fmt.Errorf("read loads of charge %s: %w", e.ID, err)
	}
	e.Loads = []ExplainedLoad{}
	for _, row := range rows {
		load := used[schemas.LoadID(row.Load)]
		load.File, load.SHA256, load.Source, load.Status = row.File, row.SHA256, row.Source, row.Status
		load.ExpiredAt = row.Expired
		e.Loads = append(e.Loads, *load)
	}
	return nil
}

// checkAmount does the sum once more, from the credits to the cent.
func (e *Explanation) checkAmount(catalog *schemas.Catalog) error {
	if err := e.Check(catalog.Currency); err != nil {
		return err
	}
	product, ok := catalog.Product(e.Product)
	if !ok {
		return fmt.Errorf("explain charge %s: the catalog has no product %q", e.ID, e.Product)
	}
	terms := catalog.Terms(e.CustomerID, product, e.PeriodStart)
	if terms.Credits == nil || terms.Credits.Overage == nil {
		return nil
	}
	if e.Balance != nil && e.Balance.Terms.Credits != nil && e.Balance.Terms.Credits.Overage != nil {
		terms = e.Balance.Terms // for all seats
	}
	e.BillingUnits, e.Limit = terms.Credits.Overage.BillingUnits, terms.Credits.Overage.Limit
	again := aggregate.PeriodBalance{CustomerID: e.CustomerID, Terms: terms, Billable: e.BillableCredits}
	if e.Kind != plan.KindOverage {
		if e.Balance == nil || e.Overage == nil {
			return nil
		}
		again.Billable = e.Balance.Billable
	}
	sum, err := plan.Price(again, catalog.Currency)
	if err != nil {
		return err
	}
	if e.Kind == plan.KindThreshold {
		return e.checkThreshold(sum, *terms.Credits.Overage, catalog.Currency)
	}
	if e.OtherCurrency() {
		e.TotalMinor = sum.Minor
	}
	if sum.Minor != e.TotalMinor {
		return fmt.Errorf("charge %s: %s billable credits come to %d, not to %d: %w",
			e.ID, again.Billable, sum.Minor, e.TotalMinor, plan.ErrInvariant)
	}
	e.PricedBy(*terms.Credits.Overage)
	if e.Overage == nil || e.Kind == plan.KindAdjustment {
		return nil
	}
	covered := decimal.Max(decimal.Zero, e.Used.Sub(*e.Granted))
	if !covered.Equal(*e.Overage) || !e.Overage.Equal(e.Capped.Add(e.BillableCredits)) {
		return fmt.Errorf("charge %s: used %s of %s granted is not the overage %s: %w",
			e.ID, e.Used, e.Granted, e.Overage, plan.ErrInvariant)
	}
	return nil
}

// checkThreshold does the sum of a charge within its period again: of the total so far, the multiples of charge_every
// that it has passed, less what was charged before.
func (e *Explanation) checkThreshold(now plan.Total, overage schemas.Overage, currency money.Currency) error {
	before := e.TotalMinor - e.AmountMinor
	due, err := now.DueWithin(overage.ChargeEvery, before, currency)
	if err != nil {
		return err
	}
	if due != e.AmountMinor {
		return fmt.Errorf("charge %s: the multiples of %s in %d, less %d, are %d, not %d: %w",
			e.ID, overage.ChargeEvery, now.Minor, before, due, e.AmountMinor, plan.ErrInvariant)
	}
	e.TotalMinor, e.ChargeEvery = now.Minor, overage.ChargeEvery
	e.PricedBy(overage)
	return nil
}

func loadSeq(id string) uint64 {
	seq, err := schemas.ParseLoadID(id)
	if err != nil {
		panic("invoice: load id " + id)
	}
	return seq
}
