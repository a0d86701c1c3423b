package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

var priceNames = []string{"feature_id", "valid_to", "first_day", "end_day", "split_days", "costs"}

// prices holds the stored prices, which views and lineage show, against what the catalog of the latest run resolves to:
// for the models that the run's loads name, and for those that prices are stored of.
func (v *verifier) prices(ctx context.Context, check *findings.Check) error {
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
	stored, err := warehouse.Select[aggregate.PriceRow](ctx, v.warehouse, "verify/prices.sql",
		warehouse.Params{"catalog_sha": run.CatalogSHA})
	if err != nil {
		return fmt.Errorf("read prices: %w", err)
	}
	used, err := v.rolledUp(ctx, run, catalog.Timezone)
	if err != nil {
		return err
	}
	for _, row := range stored {
		of := pricebook.Used{Model: row.Model, Feature: row.Feature, Under: row.Circumstances}
		if !slices.Contains(used, of) {
			used = append(used, of)
		}
	}
	resolved := []figureRow{}
	for _, price := range aggregate.PriceRows(catalog, used) {
		resolved = append(resolved, priceFigures(price))
	}
	slices.SortFunc(resolved, func(x, y figureRow) int { return slices.Compare(x.key, y.key) })
	found := make([]figureRow, len(stored))
	for i, row := range stored {
		found[i] = priceFigures(row)
	}
	return compare(check, "price", priceNames, each(found), each(resolved), func([]string) bool { return false })
}

// rolledUp are the models and features that the run's loads name, by their rollup.
func (v *verifier) rolledUp(ctx context.Context, run *storedRun, loc *time.Location) ([]pricebook.Used, error) {
	type row struct {
		Model   string `ch:"used_model"`
		Feature string `ch:"used_feature"`
		Under   string `ch:"circumstances"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/models.sql",
		warehouse.Params{"timezone": loc.String(), "loads": run.seqs()})
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	used := make([]pricebook.Used, len(rows))
	for i, row := range rows {
		used[i] = pricebook.Used{Model: row.Model, Feature: row.Feature, Under: row.Under}
	}
	return used, nil
}

func priceFigures(r aggregate.PriceRow) figureRow {
	days := []string{}
	for _, day := range r.SplitDays {
		days = append(days, day.Format(time.DateOnly))
	}
	figures := []string{
		r.FeatureID, r.ValidTo.UTC().Format(keyTime), r.FirstDay.Format(time.DateOnly), r.EndDay.Format(time.DateOnly),
		strings.Join(days, " "),
	}
	costs := []string{}
	for _, amount := range schemas.AmountsOf(r.Costs) {
		costs = append(costs, amount.Unit+" "+amount.Quantity.String())
	}
	figures = append(figures, strings.Join(costs, " "))
	key := []string{r.Model + r.Feature, r.CustomerID, r.CreditSystem, r.ValidFrom.UTC().Format(keyTime)}
	if r.Feature != "" || r.Circumstances != "" { // a model may have its name
		key = append(key, r.Feature)
	}
	if r.Circumstances != "" {
		key = append(key, r.Circumstances)
	}
	return figureRow{key: key, figures: figures}
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
