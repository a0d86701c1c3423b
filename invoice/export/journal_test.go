package export

import (
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

const journalCatalog = `currency: usd
timezone: Europe/Berlin
features:
  - {id: tokens, models: [m]}
credit_systems:
  - id: credits
    costs:
      - {effective: 2020-01-01, per_token: {tokens: 1}}
products:
  - {id: free, default: true, credits: {system: credits, included: 1, every: month}}
  - id: pro
    price: {amount: "99.99", every: month}
    credits: {system: credits, included: 7, every: month, overage: {per_credit: "0.01"}}
  - {id: year, price: {amount: "1000", every: year}, credits: {system: credits, included: unlimited, every: month}}
  - id: often
    price: {amount: "5", every: month}
    credits: {system: credits, included: 7, every: year, hard_cap: true}
`

func parseJournalCatalog(t interface{ Fatal(args ...any) }) *schemas.Catalog {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(journalCatalog))
	if catalog == nil {
		t.Fatal(problems)
	}
	return catalog
}

// spanOf is a period of a product, of whose credits nothing was used.
func spanOf(catalog *schemas.Catalog, id string, start, end time.Time, seats uint64) allowance {
	product, _ := catalog.Product(id)
	return newAllowance("acme", subscription.Span{
		Period: schemas.Period{Start: start, End: end}, Product: product, Terms: product.At(start), Seats: seats,
	}, used{})
}

// drawnPeriod is an allowance with its usage day by day.
type drawnPeriod struct {
	allowance
	days map[time.Time]decimal.Decimal
}

func drawPeriods(t *rapid.T, catalog *schemas.Catalog, first Month) (drawn []drawnPeriod) {
	for range rapid.IntRange(1, 6).Draw(t, "customers") {
		product := rapid.SampledFrom([]string{"free", "pro", "year"}).Draw(t, "product")
		anchor := first.Start.AddDate(0, 0, rapid.IntRange(0, 45).Draw(t, "day"))
		for n := range rapid.IntRange(1, 3).Draw(t, "periods") {
			start, end := schemas.IntervalMonth.Start(&anchor, catalog.Timezone, n),
				schemas.IntervalMonth.Start(&anchor, catalog.Timezone, n+1)
			if rapid.Bool().Draw(t, "cut") {
				end = start.Add(end.Sub(start) / 3)
			}
			period := drawnPeriod{allowance: spanOf(catalog, product, start, end, 1), days: map[time.Time]decimal.Decimal{}}
			if product != "year" {
				granted := decimal.New(rapid.Int64Range(0, 1e6).Draw(t, "granted"), -2)
				period.granted = &granted
			}
			for day := start; day.Before(end); day = day.AddDate(0, 0, 5) {
				used := decimal.New(rapid.Int64Range(0, 1e5).Draw(t, "used"), -2)
				period.days[day] = used
			}
			drawn = append(drawn, period)
		}
	}
	return drawn
}

// in is what a month sees of the period, as journal_periods.sql has it.
func (p drawnPeriod) in(month Month) (allowance, bool) {
	seen := p.allowance
	for day, used := range p.days {
		if day.Before(month.Start) {
			seen.usedBefore = seen.usedBefore.Add(used)
		}
		if day.Before(month.End) {
			seen.usedTo = seen.usedTo.Add(used)
		}
	}
	return seen, seen.Start.Before(month.End) && seen.End.After(month.Start)
}

// TestJournalBalances: each month's debits are its credits, a month begins with what was deferred at the end of the one
// before, what was deferred is used or lapses to the minor unit once all periods have ended, and revenue from
// overage is what was charged.
func TestJournalBalances(t *testing.T) {
	catalog := parseJournalCatalog(t)
	first, err := ParseMonth("2026-01", catalog.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		periods := drawPeriods(t, catalog, first)
		sums := map[string]int64{}
		var before, charged int64
		for n := range 8 {
			month, err := ParseMonth(first.Start.AddDate(0, n, 0).Format("2006-01"), catalog.Timezone)
			if err != nil {
				t.Fatal(err)
			}
			var allowances []allowance
			for _, period := range periods {
				if seen, is := period.in(month); is {
					allowances = append(allowances, seen)
				}
			}
			charges := []chargesOf{
				{"acme", "pro", "usd", statePosted, 1, rapid.Int64Range(-1e6, 1e6).Draw(t, "posted")},
				{"acme", "pro", "usd", stateOpen, 1, rapid.Int64Range(0, 1e6).Draw(t, "open")},
			}
			charged += charges[0].TotalMinor + charges[1].TotalMinor
			journal, err := journalOf(catalog, month, allowances, charges, nil)
			if err != nil {
				t.Fatal(err)
			}
			if journal.DebitMinor != journal.CreditMinor || journal.DeferredStartMinor != before {
				t.Fatalf("%s: debits %d, credits %d; deferred at its start %d, want %d", month.Name, journal.DebitMinor,
					journal.CreditMinor, journal.DeferredStartMinor, before)
			}
			before = journal.DeferredEndMinor
			revenue := int64(0)
			for _, minor := range journal.revenue {
				revenue += minor
			}
			for _, entry := range journal.Entries {
				if slices.Contains([]string{RevenueUsed, RevenueBreakage, RevenueOverage}, entry.Account) {
					revenue -= entry.CreditMinor - entry.DebitMinor
				}
			}
			if revenue != 0 {
				t.Fatalf("%s: revenue of customers is %d more than the journal's", month.Name, revenue)
			}
			for _, entry := range journal.Entries {
				if entry.DebitMinor < 0 || entry.CreditMinor < 0 || (entry.DebitMinor > 0) == (entry.CreditMinor > 0) {
					t.Fatalf("%s: %+v", month.Name, entry)
				}
				sums[entry.Account] += entry.CreditMinor - entry.DebitMinor
			}
		}
		if before != 0 || sums[Deferred] != 0 {
			t.Errorf("%d is deferred when all has ended", before)
		}
		if sums[RevenueOverage] != charged {
			t.Errorf("revenue from overage is %d, %d was charged", sums[RevenueOverage], charged)
		}
		if all := -sums[Receivable] - sums[Unbilled]; all != sums[RevenueUsed]+sums[RevenueBreakage]+charged {
			t.Errorf("customers owe %d for revenue of %v", all, sums)
		}
	})
}

func at(text string) time.Time {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return when
}

// TestJournalByHand: figures that anybody can follow.
func TestJournalByHand(t *testing.T) {
	catalog := parseJournalCatalog(t)
	month, err := ParseMonth("2026-10", catalog.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	ten, middle := decimal.NewFromInt(10), at("2026-10-14T22:00:00Z")
	first := spanOf(catalog, "pro", at("2026-09-14T22:00:00Z"), middle, 1)
	first.granted, first.usedBefore, first.usedTo = &ten, decimal.NewFromInt(3), decimal.NewFromInt(5)
	second := spanOf(catalog, "pro", middle, at("2026-11-14T23:00:00Z"), 2)
	second.granted, second.usedTo = &ten, decimal.NewFromInt(4)
	unused := spanOf(catalog, "pro", month.Start, month.End, 1)
	trial := unused
	trial.Trial = true
	journal, err := journalOf(catalog, month, []allowance{
		first, second, unused, trial, spanOf(catalog, "free", month.Start, month.End, 1),
		spanOf(catalog, "often", month.Start, at("2027-09-30T22:00:00Z"), 1),
	}, []chargesOf{
		{"acme", "pro", "usd", statePosted, 2, 700},
		{"acme", "pro", "usd", "rejected", 3, 900},
		{"acme", "pro", "eur", statePosted, 1, 5},
	}, []LeftOut{{"more", "it is an add-on", 1}, {"more", "it is an add-on", 1}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{eventBreakage, "pro", Deferred, 14998, 0}, // 9999 - 5000 and 9999
		{eventBreakage, "pro", RevenueBreakage, 0, 14998},
		{eventDeferred, "pro", Receivable, 29997, 0},
		{eventDeferred, "pro", Deferred, 0, 29997},
		{eventOverage, "pro", Receivable, 700, 0},
		{eventOverage, "pro", RevenueOverage, 0, 700},
		{eventUsed, "pro", Deferred, 9999, 0}, // 5000 - 3000 and 7999
		{eventUsed, "pro", RevenueUsed, 0, 9999},
	}
	if !slices.Equal(journal.Entries, want) {
		t.Errorf("entries are %+v", journal.Entries)
	}
	if journal.DeferredStartMinor != 6999 || journal.DeferredEndMinor != 11999 {
		t.Errorf("deferred from %d to %d", journal.DeferredStartMinor, journal.DeferredEndMinor)
	}
	left := []LeftOut{
		{"more", "it is an add-on", 2},
		{"often", "its price is due more often than its credits are renewed", 1},
		{"pro", "charged in eur", 1},
		{"pro", "charges in state rejected", 3},
	}
	if !slices.Equal(journal.LeftOut, left) {
		t.Errorf("left out is %+v", journal.LeftOut)
	}
}
