package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/creditmill/creditmill/invoice/reprice"
	"github.com/creditmill/creditmill/schemas"
)

// repriceResult is the JSON of whatif, and of check --against under the key against.
type repriceResult struct {
	Catalog   string          `json:"catalog"`
	Other     string          `json:"other"`
	From      *time.Time      `json:"from,omitempty"`
	AsOf      time.Time       `json:"as_of"`
	Currency  string          `json:"currency"`
	Customers []reprice.Row   `json:"customers"`
	Totals    []reprice.Total `json:"totals"`
	// Problems are the customers that are left out.
	Problems []customerProblem `json:"problems"`
}

// reprice replays the usage under the present catalog and the other one.
func (a *app) reprice(ctx context.Context, query reprice.Query) (reprice.Repricing, error) {
	worker, err := a.aggregator(ctx)
	if err != nil {
		return reprice.Repricing{}, err
	}
	return reprice.Reprice(ctx, worker, query)
}

func newRepriceResult(present, other string, repricing reprice.Repricing) *repriceResult {
	result := &repriceResult{
		Catalog: present, Other: other, AsOf: repricing.AsOf, Currency: repricing.Currency.Code,
		Customers: repricing.Rows, Totals: repricing.Totals,
		Problems: customerProblems(repricing.Problems),
	}
	if !repricing.From.IsZero() {
		result.From = &repricing.From
	}
	if result.Customers == nil {
		result.Customers = []reprice.Row{}
	}
	if result.Totals == nil {
		result.Totals = []reprice.Total{}
	}
	return result
}

// readOther reads the catalog that the present one is compared with.
func readOther(name string) (*schemas.Catalog, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("read catalog: %w", err)
	}
	parsed, err := parseCatalog(name, content)
	if err != nil {
		return nil, &usageError{err: err}
	}
	return parsed, nil
}

// shownCustomers is how many customers a table lists: those whose amount changes most.
const shownCustomers = 20

// writeRepricing writes one span for people: the customers that change, then the totals.
func writeRepricing(w io.Writer, repricing reprice.Repricing, span string) error {
	var changed []reprice.Row
	for _, row := range repricing.Rows {
		if row.Span == span && row.Changed() {
			changed = append(changed, row)
		}
	}
	slices.SortStableFunc(changed, func(a, b reprice.Row) int {
		return int(max(-1, min(1, magnitude(b.ChangeMinor)-magnitude(a.ChangeMinor))))
	})
	t := newTable(w, "customer", "credits", "used", "after", "billable", "after", "amount", "after", "change", "")
	var right []table.ColumnConfig
	for number := 3; number <= 9; number++ {
		right = append(right, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	format := repricing.Currency.Format
	add := func(customer, system string, before, after reprice.Figures, change int64, note string) {
		t.AppendRow(table.Row{
			customer, system, before.Used, after.Used, before.Billable, after.Billable,
			format(before.AmountMinor), format(after.AmountMinor), format(change), note,
		})
	}
	for _, row := range changed[:min(len(changed), shownCustomers)] {
		add(row.CustomerID, row.CreditSystem, row.Before, row.After, row.ChangeMinor, noteOf(row))
	}
	for _, total := range repricing.Totals {
		if total.Span == span {
			add("total", total.CreditSystem, total.Before, total.After, total.ChangeMinor, "")
		}
	}
	if t.Length() == 0 {
		_, err := fmt.Fprintln(w, "no usage")
		return err
	}
	t.Render()
	if more := len(changed) - shownCustomers; more > 0 {
		fmt.Fprintf(w, "and %s more; --json lists all\n", counted(more, "customer"))
	}
	for _, total := range repricing.Totals {
		if total.Span == span {
			if _, err := fmt.Fprintln(w, countsOf(total)); err != nil {
				return err
			}
		}
	}
	return nil
}

func countsOf(total reprice.Total) string {
	line := fmt.Sprintf("%s: %d of %s changed", total.CreditSystem, total.Changed,
		counted(total.Customers, "customer"))
	if total.Above+total.Below > 0 {
		line += fmt.Sprintf("; newly above the allowance: %d, back within it: %d", total.Above, total.Below)
	}
	return line
}

func noteOf(row reprice.Row) string {
	switch {
	case row.After.UnratedEvents > row.Before.UnratedEvents:
		return counted(row.After.UnratedEvents-row.Before.UnratedEvents, "unrated event") + " more"
	case row.Crosses == reprice.CrossesAbove:
		return "now above its allowance"
	case row.Crosses == reprice.CrossesBelow:
		return "now within its allowance"
	case row.Before.UnratedEvents > row.After.UnratedEvents:
		return counted(row.Before.UnratedEvents-row.After.UnratedEvents, "unrated event") + " fewer"
	}
	return ""
}

func magnitude(amount int64) int64 { return max(amount, -amount) }
