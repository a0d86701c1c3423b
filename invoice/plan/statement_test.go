package plan

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// TestEntries: what a charge is checked by, and the change against the period before, whether that is frozen
// (even too long ago to be listed), planned or was free of charge.
func TestEntries(t *testing.T) {
	catalog := seedCatalog(t)
	catalog.BillingFrom = nil
	month := func(customer, used, start, end string) aggregate.PeriodBalance {
		balance := proOctober(catalog, customer, "0", used, "0")
		balance.Period = schemas.Period{Start: utc(start + "T00:00:00Z"), End: utc(end + "T00:00:00Z")}
		return balance
	}
	august := seedInputs(t, month("acme", "18000", "2026-08-01", "2026-09-01"))
	august.Catalog = catalog
	in := seedInputs(t,
		month("acme", "18000", "2026-08-01", "2026-09-01"), month("acme", "14000", "2026-09-01", "2026-10-01"),
		month("acme", "15000", "2026-10-01", "2026-11-01"), month("beta", "10001", "2026-10-01", "2026-11-01"))
	in.Catalog = catalog
	in.Frozen = posted(mustPlan(t, august), StatePosted)
	entries := slices.Collect(mustPlan(t, in).Entries())
	got := []string{}
	for _, e := range entries {
		got = append(got, fmt.Sprintln(e.CustomerID, e.PeriodStart.Format(time.DateOnly), e.Granted, e.Used, e.Overage,
			e.Capped, e.PerCredit, e.AmountMinor, *e.PreviousMinor, *e.ChangeMinor, e.ChangePercent))
	}
	want := []string{
		"acme 2026-09-01 10000 14000 4000 0 0.01 4000 8000 -4000 -50.0%\n",
		"acme 2026-10-01 10000 15000 5000 0 0.01 5000 4000 1000 +25.0%\n",
		"beta 2026-10-01 10000 10001 1 0 0.01 1 0 1 \n",
	}
	if strings.Join(got, "") != strings.Join(want, "") {
		t.Errorf("\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
}

// TestEntryOfChangedPeriod: a closed charge shows what it was charged for, its adjustment the period as it is now;
// terms that cannot give the charge are not shown.
func TestEntryOfChangedPeriod(t *testing.T) {
	catalog := seedCatalog(t)
	first := mustPlan(t, seedInputs(t, proOctober(catalog, "acme", "0", "20000", "0")))
	in := seedInputs(t, proOctober(catalog, "acme", "0", "20500", "0"))
	in.Frozen = posted(first, StatePosted)
	entries := slices.Collect(mustPlan(t, in).Entries())
	if e := entries[0]; e.Used.String() != "20000" || e.Overage.String() != "10000" || *e.PreviousMinor != 0 {
		t.Errorf("%+v", e)
	}
	if e := entries[1]; e.Kind != KindAdjustment || e.Used.String() != "20500" || e.PreviousMinor != nil ||
		e.Overage.String() != "10500" || e.AmountMinor != 500 {
		t.Errorf("%+v", e)
	}
	in.Periods[0].Granted = number("30000")
	if e := slices.Collect(mustPlan(t, in).Entries())[0]; e.Granted != nil || e.Overage != nil {
		t.Errorf("a charge of 10000 billable credits shows %s granted", e.Granted)
	}
}

func TestPercent(t *testing.T) {
	tests := []struct {
		change, previous int64
		want             string
	}{
		{1, 3, "+33.3%"},
		{-1, 3, "-33.3%"},
		{1, 2000, "+0.1%"},
		{-1, 2000, "-0.1%"},
		{0, 5, "+0.0%"},
		{5, 0, ""},
		{5, -5, ""},
		{1 << 62, 1, "+461168601842738790400.0%"},
		{1, 1 << 62, "+0.0%"},
	}
	for _, test := range tests {
		if got := Percent(test.change, test.previous); got != test.want {
			t.Errorf("%d of %d: %s, want %s", test.change, test.previous, got, test.want)
		}
	}
}

// TestCSVCells: no cell of text is a formula, and both files add up to the plan.
func TestCSVCells(t *testing.T) {
	catalog := seedCatalog(t)
	periods := []aggregate.PeriodBalance{}
	for _, customer := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain, \"quoted\""} {
		periods = append(periods, proOctober(catalog, customer, "5000", "10000", "0.5"))
	}
	in := seedInputs(t, periods...)
	in.MaxChargeMinor = 1
	plan := mustPlan(t, in)
	var charges, lines bytes.Buffer
	if err := errors.Join(WriteCSV(&charges, plan), WriteLinesCSV(&lines, plan)); err != nil {
		t.Fatal(err)
	}
	chargeRows, lineRows := formulaFree(t, &charges), formulaFree(t, &lines)
	if len(chargeRows) != len(periods) || len(lineRows) != 3*len(periods) {
		t.Fatalf("%d charges and %d lines", len(chargeRows), len(lineRows))
	}
	sum := func(rows []map[string]string, column string) (total int64) {
		for _, row := range rows {
			minor, err := strconv.ParseInt(row[column], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			total += minor
		}
		return total
	}
	ofCharges, ofLines := sum(chargeRows, "amount_minor"), sum(lineRows, "feature_amount_minor")
	if ofCharges != plan.Totals()["usd"].HeldMinor || ofLines != ofCharges {
		t.Errorf("charges sum to %d, lines to %d, the plan to %+v", ofCharges, ofLines, plan.Totals())
	}
}

// formulaFree reads the rows of a CSV by column, and makes sure that no text of theirs is a formula.
func formulaFree(t *testing.T, text io.Reader) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var read []map[string]string
	numbers := "_minor _exact _credits residual granted used overage capped per_credit _tokens "
	for _, row := range rows[1:] {
		named := map[string]string{}
		for i, cell := range row {
			column := rows[0][i]
			named[column] = cell
			isNumber := false
			for _, suffix := range strings.Fields(numbers) {
				isNumber = isNumber || strings.HasSuffix(column, suffix)
			}
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") && !isNumber {
				t.Errorf("%s: %q is a formula", column, cell)
			}
		}
		read = append(read, named)
	}
	return read
}

// TestEntryOfTiers: ranges of prices stand in the place of a single one.
func TestEntryOfTiers(t *testing.T) {
	balance := proOctober(seedCatalog(t), "acme", "0", "20000", "0")
	credits := *balance.Terms.Credits
	overage := *credits.Overage
	overage.PerCredit = decimal.Zero
	overage.Tiers = []schemas.Tier{{UpTo: number("4000"), PerCredit: number("0.01")}, {PerCredit: number("0.008")}}
	credits.Overage, balance.Terms.Credits = &overage, &credits
	entry := slices.Collect(mustPlan(t, seedInputs(t, balance)).Entries())[0]
	if entry.PerCredit != nil || len(entry.Tiers) != 2 || entry.AmountMinor != 8800 || *entry.ChangeMinor != 8800 {
		t.Errorf("%+v", entry)
	}
}
