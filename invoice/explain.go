package invoice

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrNoCharge is returned when a charge is neither frozen nor in the present plan.
var ErrNoCharge = errors.New("no such charge")

// basis is what a charge was or would be computed from.
type basis struct {
	asOf    time.Time
	catalog *schemas.Catalog
	loads   []uint64
}

// Explain walks a charge down to the files: a frozen one with the catalog, the cut-off and the loads of its plan, else
// one of the present plan. withRows adds the numbers of the rows. It only reads.
func (r *Runner) Explain(ctx context.Context, chargeID string, withRows bool) (Explanation, error) {
	rows, err := warehouse.Select[chargeRow](ctx, r.config.Warehouse, "invoice/explain_charge.sql",
		warehouse.Params{"charge_id": chargeID})
	if err != nil {
		return Explanation{}, fmt.Errorf("read charge %s: %w", chargeID, err)
	}
	if len(rows) == 0 {
		return r.explainPlanned(ctx, chargeID, withRows)
	}
	charge, err := rows[0].charge()
	if err != nil {
		return Explanation{}, err
	}
	from, err := r.basisOf(ctx, charge)
	if err != nil {
		return Explanation{}, err
	}
	explained := Explanation{
		Entry: Entry{Charge: charge.planned()}, Frozen: true, State: charge.State, StripeID: charge.StripeID,
		PlanSHA: charge.PlanSHA,
	}
	query := aggregate.Query{
		AsOf: from.asOf, Catalog: from.catalog, Loads: from.loads, EndedOnly: true, Customers: []string{charge.CustomerID},
	}
	balances, err := r.config.Aggregator.Replay(ctx, query)
	if err != nil {
		return Explanation{}, err
	}
	for i, balance := range balances {
		same := balance.CreditSystem == charge.CreditSystem && balance.Period.Start.Equal(charge.PeriodStart) &&
			balance.Period.End.Equal(charge.PeriodEnd)
		if same {
			explained.balance = &balances[i]
		}
	}
	explained.explainOverage()
	return r.explain(ctx, explained, from, charge.StripeAccount, charge.Livemode, charge.FrozenAt, withRows)
}

func (r *Runner) explainPlanned(ctx context.Context, chargeID string, withRows bool) (Explanation, error) {
	plan, err := r.Plan(ctx)
	if err != nil {
		return Explanation{}, err
	}
	entries := slices.Collect(plan.Entries())
	i := slices.IndexFunc(entries, func(entry Entry) bool { return entry.ID == chargeID })
	if i < 0 {
		return Explanation{}, fmt.Errorf("explain %s: %w: it is not frozen, and the plan as of %s does not have it; "+
			"ids are in `creditmill invoice preview --json`", chargeID, ErrNoCharge, plan.AsOf.Format(time.RFC3339))
	}
	from := basis{asOf: plan.AsOf, catalog: r.config.Catalog, loads: plan.loads}
	explained := Explanation{Entry: entries[i], PlanSHA: plan.SHA}
	return r.explain(ctx, explained, from, r.config.StripeAccount, r.config.Livemode, time.Time{}, withRows)
}

// basisOf reads what a frozen charge was computed from.
func (r *Runner) basisOf(ctx context.Context, charge FrozenCharge) (basis, error) {
	type row struct {
		AsOf       time.Time `ch:"as_of"`
		CatalogSHA string    `ch:"catalog_sha"`
		Loads      []uint64  `ch:"loads"`
		Catalog    string    `ch:"catalog"`
	}
	rows, err := warehouse.Select[row](ctx, r.config.Warehouse, "invoice/explain_plan.sql",
		warehouse.Params{"plan_sha": charge.PlanSHA, "run_id": charge.RunID})
	if err != nil {
		return basis{}, fmt.Errorf("read plan %s: %w", charge.PlanSHA, err)
	}
	if len(rows) == 0 {
		return basis{}, fmt.Errorf("explain charge %s: its plan %s is not in the warehouse: %w",
			charge.ID, charge.PlanSHA, ErrInvariant)
	}
	result := basis{asOf: rows[0].AsOf.UTC(), loads: rows[0].Loads, catalog: r.config.Catalog}
	if rows[0].CatalogSHA == r.config.Catalog.SHA256 {
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

func (r *Runner) explain(ctx context.Context, e Explanation, from basis, account string, livemode bool,
	before time.Time, withRows bool,
) (Explanation, error) {
	e.AsOf, e.CatalogSHA, e.Timezone = from.asOf.UTC(), from.catalog.SHA256, from.catalog.Timezone.String()
	rows, err := warehouse.Select[usage](ctx, r.config.Warehouse, "invoice/explain_usage.sql", warehouse.Params{
		"customer_id": e.CustomerID, "period_start": e.PeriodStart, "period_end": e.PeriodEnd, "timezone": e.Timezone,
		"price_changes": aggregate.PriceChanges(from.catalog, e.CustomerID), "loads": from.loads, "rows": withRows,
	})
	if err != nil {
		return Explanation{}, fmt.Errorf("read usage of charge %s: %w", e.ID, err)
	}
	e.Lines, e.Unrated, e.Before = []ExplainedLine{}, []UnratedUsage{}, []EarlierCharge{}
	if err := e.price(rows, from.catalog); err != nil {
		return Explanation{}, err
	}
	if err := r.explainLoads(ctx, &e); err != nil {
		return Explanation{}, err
	}
	if err := r.explainBefore(ctx, &e, account, livemode, before); err != nil {
		return Explanation{}, err
	}
	return e, e.checkAmount(from.catalog)
}

// explainLoads names the files of the loads that the lines come from.
func (r *Runner) explainLoads(ctx context.Context, e *Explanation) error {
	type row struct {
		Load   uint64 `ch:"load_seq"`
		File   string `ch:"file"`
		SHA256 string `ch:"sha256"`
		Source string `ch:"source_id"`
		Status string `ch:"load_status"`
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
			}
		}
	}
	rows, err := warehouse.Select[row](ctx, r.config.Warehouse, "invoice/explain_loads.sql",
		warehouse.Params{"loads": seqs})
	if err != nil {
		return fmt.Errorf("read loads of charge %s: %w", e.ID, err)
	}
	e.Loads = []ExplainedLoad{}
	for _, row := range rows {
		load := used[loadID(row.Load)]
		load.File, load.SHA256, load.Source, load.Status = row.File, row.SHA256, row.Source, row.Status
		e.Loads = append(e.Loads, *load)
	}
	return nil
}

// explainBefore lists what was charged for an adjustment's period before it.
func (r *Runner) explainBefore(
	ctx context.Context, e *Explanation, account string, livemode bool, before time.Time,
) error {
	e.TotalMinor = e.AmountMinor
	if e.Kind != KindAdjustment {
		return nil
	}
	type row struct {
		ID       string    `ch:"charge_id"`
		Kind     string    `ch:"kind"`
		Charged  int64     `ch:"charged_minor"`
		FrozenAt time.Time `ch:"frozen_at"`
	}
	rows, err := warehouse.Select[row](ctx, r.config.Warehouse, "invoice/explain_period.sql", warehouse.Params{
		"customer_id": e.CustomerID, "credit_system": e.CreditSystem, "period_start": e.PeriodStart,
		"period_end": e.PeriodEnd, "stripe_account": account, "livemode": bit(livemode),
	})
	if err != nil {
		return fmt.Errorf("read charges of the period of charge %s: %w", e.ID, err)
	}
	for _, row := range rows {
		if row.ID != e.ID && (before.IsZero() || row.FrozenAt.Before(before)) {
			e.Before = append(e.Before, EarlierCharge{ID: row.ID, Kind: row.Kind, AmountMinor: row.Charged})
			e.TotalMinor += row.Charged
		}
	}
	return nil
}

// checkAmount does the sum once more, from the credits to the cent.
func (e *Explanation) checkAmount(catalog *schemas.Catalog) error {
	if err := e.check(catalog.Currency); err != nil {
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
	e.BillingUnits, e.Limit = terms.Credits.Overage.BillingUnits, terms.Credits.Overage.Limit
	if e.balance != nil {
		terms = e.balance.Terms
	}
	again := aggregate.PeriodBalance{CustomerID: e.CustomerID, Terms: terms, Billable: e.BillableCredits}
	if e.Kind == KindAdjustment {
		if e.balance == nil || e.Overage == nil {
			return nil
		}
		again.Billable = e.balance.Billable
	}
	sum, err := price(again, catalog.Currency)
	if err != nil {
		return err
	}
	if sum.minor != e.TotalMinor {
		return fmt.Errorf("charge %s: %s billable credits come to %d, not to %d: %w",
			e.ID, again.Billable, sum.minor, e.TotalMinor, ErrInvariant)
	}
	if e.PerCredit = nil; len(terms.Credits.Overage.Tiers) == 0 {
		e.PerCredit = &terms.Credits.Overage.PerCredit
	}
	e.Tiers = terms.Credits.Overage.Tiers
	if e.Overage == nil || e.Kind == KindAdjustment {
		return nil
	}
	covered := decimal.Max(decimal.Zero, e.Used.Sub(*e.Granted))
	if !covered.Equal(*e.Overage) || !e.Overage.Equal(e.Capped.Add(e.BillableCredits)) {
		return fmt.Errorf("charge %s: used %s of %s granted is not the overage %s: %w",
			e.ID, e.Used, e.Granted, e.Overage, ErrInvariant)
	}
	return nil
}

// loadID is the public id of a load.
func loadID(seq uint64) string { return "ld_" + strconv.FormatUint(seq, 10) }

func loadSeq(id string) uint64 {
	seq, err := strconv.ParseUint(strings.TrimPrefix(id, "ld_"), 10, 64)
	if err != nil {
		panic("invoice: load id " + id)
	}
	return seq
}
