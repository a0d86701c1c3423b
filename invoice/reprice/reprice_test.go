package reprice

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/schemas"
)

// TestRepricedSpans: which period of the other catalog stands beside which of the present one, where they divide time
// differently.
func TestRepricedSpans(t *testing.T) {
	catalog := invoicetest.SeedCatalog(t)
	product, _ := catalog.Product("pro")
	used := func(customer, start, end, credits string) aggregate.PeriodBalance {
		b := aggregate.PeriodBalance{
			CustomerID: customer, Product: "pro", CreditSystem: "ai-credits", Used: invoicetest.Number(credits),
			Period: schemas.Period{Start: invoicetest.UTC(start)}, Terms: product.At(invoicetest.UTC(start)),
		}
		if end != "" {
			b.Period.End = invoicetest.UTC(end)
		}
		return b
	}
	const october, november, december = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
	const september = "2026-09-01T00:00:00Z"
	tests := []struct {
		name          string
		before, after []aggregate.PeriodBalance
		want          string
	}{
		{
			"the same periods",
			[]aggregate.PeriodBalance{
				used("a", september, october, "1"), used("a", october, november, "2"), used("a", november, december, "3"),
			},
			[]aggregate.PeriodBalance{
				used("a", september, october, "4"), used("a", october, november, "5"), used("a", november, december, "6"),
			},
			"a closed 2 5, a open 3 6",
		},
		{
			"weeks instead of months",
			[]aggregate.PeriodBalance{used("a", october, november, "9"), used("a", november, december, "3")},
			[]aggregate.PeriodBalance{
				used("a", "2026-09-21T00:00:00Z", "2026-09-28T00:00:00Z", "100"),
				used("a", "2026-09-28T00:00:00Z", "2026-10-05T00:00:00Z", "4"),
				used("a", "2026-10-19T00:00:00Z", "2026-10-26T00:00:00Z", "5"),
				used("a", "2026-10-31T00:00:00Z", "2026-11-07T00:00:00Z", "2"),
				used("a", "2026-11-07T00:00:00Z", "2026-11-14T00:00:00Z", "1"),
			},
			"a closed 9 9, a open 3 3",
		},
		{
			"one period for ever instead of months",
			[]aggregate.PeriodBalance{used("a", october, november, "9"), used("a", november, december, "3")},
			[]aggregate.PeriodBalance{used("a", september, "", "12")},
			"a closed 9 0, a open 3 12",
		},
		{
			"nothing used in the last period",
			[]aggregate.PeriodBalance{used("a", september, october, "9"), used("a", november, december, "3")},
			[]aggregate.PeriodBalance{used("a", september, october, "8"), used("a", november, december, "2")},
			"a open 3 2",
		},
		{
			"no credits at present",
			nil,
			[]aggregate.PeriodBalance{used("a", october, november, "8"), used("a", november, december, "2")},
			"a closed 0 8, a open 0 2",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			query := Query{Before: catalog, After: catalog, AsOf: invoicetest.UTC("2026-11-10T00:00:00Z"), Latest: true}
			result := compare(query, test.before, test.after, nil)
			var got []string
			for _, row := range result.Rows {
				got = append(got, strings.Join([]string{
					row.CustomerID, row.Span, row.Before.Used.String(), row.After.Used.String(),
				}, " "))
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("%s, want %s", text, test.want)
			}
		})
	}
}

// TestRepricedBeforeBilling: a period before billing_from is shown and costs nothing.
func TestRepricedBeforeBilling(t *testing.T) {
	catalog := invoicetest.SeedCatalog(t)
	october := invoicetest.ProOctober(catalog, "acme", "0", "20000", "0")
	september := october
	september.Period = schemas.Period{
		Start: invoicetest.UTC("2026-09-01T00:00:00Z"), End: invoicetest.UTC("2026-10-01T00:00:00Z"),
	}
	query := Query{Before: catalog, After: catalog, AsOf: invoicetest.UTC("2026-11-10T00:00:00Z")}
	result := compare(query, []aggregate.PeriodBalance{september, october}, []aggregate.PeriodBalance{september}, nil)
	row := result.Rows[0]
	if row.Before.AmountMinor != 10000 || !row.Before.Billable.Equal(invoicetest.Number("20000")) ||
		row.After.AmountMinor != 0 ||
		row.After.PeriodsOver != 1 || row.ChangeMinor != -10000 || row.Crosses != "" {
		t.Errorf("%+v", row)
	}
}
