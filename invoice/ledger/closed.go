package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

type closingRow struct {
	CustomerID  string     `ch:"customer_id"`
	StartsAt    time.Time  `ch:"starts_at"`
	EndsAt      time.Time  `ch:"ends_at"`
	Product     string     `ch:"product"`
	Anchor      *time.Time `ch:"anchor"`
	Trial       uint8      `ch:"trial"`
	Seats       uint64     `ch:"seats"`
	CatalogSHA  string     `ch:"catalog_sha"`
	Grants      []string   `ch:"grants"`
	WindowStart *time.Time `ch:"window_start"`
	WindowEnd   *time.Time `ch:"window_end"`
	RebillID    string     `ch:"rebill_id"`
	ChargeID    string     `ch:"charge_id"`
	PlanSHA     string     `ch:"plan_sha"`
	RunID       string     `ch:"run_id"`
	ClosedAt    time.Time  `ch:"closed_at"`
}

// closing is the row with the catalog that it names, or what stands in the way of reading that.
func (r closingRow) closing(catalog keptCatalog) plan.Closing {
	c := plan.Closing{
		Closed: subscription.Closed{
			CustomerID: r.CustomerID, Period: schemas.Period{Start: r.StartsAt.UTC(), End: r.EndsAt.UTC()},
			Product: r.Product, Trial: r.Trial == 1, Seats: r.Seats, Catalog: catalog.catalog, Grants: r.Grants,
		},
		ChargeID: r.ChargeID, RebillID: r.RebillID, PlanSHA: r.PlanSHA, RunID: r.RunID, ClosedAt: r.ClosedAt.UTC(),
	}
	if catalog.catalog == nil {
		c.Unreadable = catalog.unreadable(r)
	}
	if r.Anchor != nil {
		anchor := r.Anchor.UTC()
		c.Anchor = &anchor
	}
	if r.WindowStart != nil && r.WindowEnd != nil {
		c.Window = schemas.Period{Start: r.WindowStart.UTC(), End: r.WindowEnd.UTC()}
	}
	return c
}

// ClosedTime is the time of customers, or for nil of all, that was billed for an account and mode, as it holds.
func ClosedTime(
	ctx context.Context, w *warehouse.Warehouse, account Account, customers []string,
) ([]subscription.Closed, error) {
	all, err := Ledger{Warehouse: w}.closingsOf(ctx, account, customers, nil)
	if err != nil {
		return nil, err
	}
	closed, _ := all.Effective()
	return closed, nil
}

// Closings reads what was closed for an account and mode. present is the catalog of today, which need not be read.
func (l Ledger) Closings(ctx context.Context, account Account, present *schemas.Catalog) (plan.Closings, error) {
	return l.closingsOf(ctx, account, nil, present)
}

// closingsOf reads what was closed of some customers, or for nil of all.
func (l Ledger) closingsOf(
	ctx context.Context, account Account, customers []string, present *schemas.Catalog,
) (plan.Closings, error) {
	of := warehouse.Params{
		"stripe_account": account.ID, "livemode": bit(account.Livemode), "everyone": customers == nil,
		"customers": append([]string{}, customers...),
	}
	rows, err := warehouse.Select[closingRow](ctx, l.Warehouse, "invoice/closed_periods.sql", of)
	if err != nil {
		return plan.Closings{}, fmt.Errorf("read closed periods: %w", err)
	}
	if len(rows) == 0 {
		return plan.Closings{}, nil
	}
	catalogs, err := l.closedCatalogs(ctx, present)
	if err != nil {
		return plan.Closings{}, err
	}
	var all plan.Closings
	for _, row := range rows {
		all.Stretches = append(all.Stretches, row.closing(catalogs[row.CatalogSHA]))
	}
	type rebillRow struct {
		ID          string    `ch:"rebill_id"`
		CustomerID  string    `ch:"customer_id"`
		PeriodStart time.Time `ch:"period_start"`
		PeriodEnd   time.Time `ch:"period_end"`
		Reason      string    `ch:"reason"`
		By          string    `ch:"requested_by"`
		At          time.Time `ch:"requested_at"`
		Undone      uint8     `ch:"undone"`
	}
	rebills, err := warehouse.Select[rebillRow](ctx, l.Warehouse, "invoice/rebills.sql", of)
	if err != nil {
		return plan.Closings{}, fmt.Errorf("read rebills: %w", err)
	}
	for _, row := range rebills {
		all.Rebills = append(all.Rebills, plan.Rebill{
			ID: row.ID, CustomerID: row.CustomerID, Reason: row.Reason, By: row.By, At: row.At.UTC(), Undone: row.Undone == 1,
			Period: schemas.Period{Start: row.PeriodStart.UTC(), End: row.PeriodEnd.UTC()},
		})
	}
	return all, nil
}

// keptCatalog is one that time was closed by. Without the catalog, problem says why its text is of no use; empty if the
// warehouse does not have it.
type keptCatalog struct {
	catalog *schemas.Catalog
	problem string
}

// unreadable says what that means for a closed stretch, and the ways out.
func (k keptCatalog) unreadable(r closingRow) string {
	what := "is not in the warehouse: restore its table catalogs"
	if k.problem != "" {
		what = "cannot be read by this version of creditmill (" + k.problem + "): use the version that closed it"
	}
	return fmt.Sprintf("the catalog %s, by which %s to %s was billed, %s, or have it billed by today's catalog with "+
		"`creditmill invoice rebill %s %s --reason …`", r.CatalogSHA, r.StartsAt.UTC().Format(time.RFC3339),
		r.EndsAt.UTC().Format(time.RFC3339), what, r.CustomerID, r.StartsAt.UTC().Format(time.RFC3339))
}

// closedCatalogs are those that closed time keeps, by their hash.
func (l Ledger) closedCatalogs(ctx context.Context, present *schemas.Catalog) (map[string]keptCatalog, error) {
	type row struct {
		SHA  string `ch:"catalog_sha"`
		Text string `ch:"text"`
	}
	rows, err := warehouse.Select[row](ctx, l.Warehouse, "invoice/closed_catalogs.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read catalogs of closed periods: %w", err)
	}
	catalogs := map[string]keptCatalog{}
	for _, row := range rows {
		if present != nil && row.SHA == present.SHA256 {
			catalogs[row.SHA] = keptCatalog{catalog: present}
			continue
		}
		catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(row.Text))
		kept := keptCatalog{catalog: catalog}
		if wrong := problems.Errors(); catalog == nil && len(wrong) > 0 {
			kept.problem = wrong[0].Error()
		}
		catalogs[row.SHA] = kept
	}
	return catalogs, nil
}

// close writes closed stretches down, ahead of the charges of their periods: a stretch whose charge was not frozen then
// is not closed.
func (l Ledger) close(ctx context.Context, account Account, stretches []plan.Closing) error {
	if len(stretches) == 0 {
		return nil
	}
	batch, err := l.Warehouse.Conn().PrepareBatch(l.Warehouse.Marked(ctx), statement("invoice/close_periods.sql"))
	if err != nil {
		return fmt.Errorf("close periods: %w", err)
	}
	defer batch.Close()
	for _, c := range stretches {
		var windowStart, windowEnd *time.Time
		if !c.Window.End.IsZero() {
			windowStart, windowEnd = &c.Window.Start, &c.Window.End
		}
		err := batch.Append(account.ID, bit(account.Livemode), c.CustomerID, c.Start, c.End, c.Product, c.Anchor,
			bit(c.Trial), c.Seats, c.Catalog.SHA256, c.Grants, windowStart, windowEnd, c.RebillID, c.ChargeID, c.PlanSHA,
			c.RunID, c.ClosedAt)
		if err != nil {
			return fmt.Errorf("close a period of customer %s: %w", c.CustomerID, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("close periods: %w", err)
	}
	return nil
}
