package aggregate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

var priceNames = slices.Concat(
	[]string{"feature_id", "valid_to", "first_day", "end_day", "split_days"}, schemas.PoolNames[:])

// prices holds the stored prices, which views and lineage show, against what the catalog of the latest run resolves to:
// for the models that the run's loads name, and for those that prices are stored of.
func (v *verifier) prices(ctx context.Context, check *Check) error {
	run, err := v.latest(ctx)
	if err != nil {
		return err
	}
	if run == nil {
		check.Note = "nothing is aggregated yet"
		return nil
	}
	catalog, err := run.parseCatalog(check)
	if catalog == nil {
		return err
	}
	stored, err := warehouse.Select[priceRow](ctx, v.warehouse, "aggregate/verify_prices.sql",
		warehouse.Params{"catalog_sha": run.CatalogSHA})
	if err != nil {
		return fmt.Errorf("read prices: %w", err)
	}
	models, err := v.rolledModels(ctx, run, catalog.Timezone)
	if err != nil {
		return err
	}
	for _, row := range stored {
		if !slices.ContainsFunc(models, func(m modelUse) bool { return m.Model == row.Model }) {
			models = append(models, modelUse{Model: row.Model})
		}
	}
	known, resolved := newCuts(catalog.Timezone), []figureRow{}
	for _, price := range pricebook.New(catalog).Listed(names(models)) {
		resolved = append(resolved, rowOf(price, known).figureRow())
	}
	slices.SortFunc(resolved, func(x, y figureRow) int { return slices.Compare(x.key, y.key) })
	found := make([]figureRow, len(stored))
	for i, row := range stored {
		found[i] = row.figureRow()
	}
	return compare(check, "price", priceNames, each(found), each(resolved), func([]string) bool { return false })
}

// rolledModels are the models that the run's loads name, by their rollup.
func (v *verifier) rolledModels(ctx context.Context, run *storedRun, loc *time.Location) ([]modelUse, error) {
	r := rating{query: Query{AsOf: run.AsOf}}
	for _, load := range run.loads {
		load.Rolled = 1
		r.loads = append(r.loads, load)
	}
	counted, _, err := r.loadTables()
	if err != nil {
		return nil, err
	}
	params := subscription.Only(nil)
	params["timezone"], params["any_unrolled"], params["by_pool"] = loc.String(), false, false
	params["counted"] = counted
	params["totals_seq"] = r.totals.Seq // none: what is verified is what they are made from
	models, err := warehouse.Select[modelUse](ctx, v.warehouse, "aggregate/models.sql", params)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	return models, nil
}

func (r priceRow) figureRow() figureRow {
	days := []string{}
	for _, day := range r.SplitDays {
		days = append(days, day.Format(time.DateOnly))
	}
	figures := []string{
		r.FeatureID, r.ValidTo.UTC().Format(keyTime), r.FirstDay.Format(time.DateOnly), r.EndDay.Format(time.DateOnly),
		strings.Join(days, " "),
	}
	for _, cost := range r.costs() {
		figures = append(figures, costText(cost))
	}
	return figureRow{
		key:     []string{r.Model, r.CustomerID, r.CreditSystem, r.ValidFrom.UTC().Format(keyTime)},
		figures: figures,
	}
}

func costText(cost *decimal.Decimal) string {
	if cost == nil {
		return "none"
	}
	return cost.String()
}

// each makes rows a sequence.
func each(rows []figureRow) func() (figureRow, bool, error) {
	next := 0
	return func() (figureRow, bool, error) {
		if next == len(rows) {
			return figureRow{}, false, nil
		}
		next++
		return rows[next-1], true, nil
	}
}
