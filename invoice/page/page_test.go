package page

import (
	"bytes"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/invoice/plan"
)

// TestPage: the page loads nothing, and no text of the data leaves its element.
func TestPage(t *testing.T) {
	catalog := invoicetest.SeedCatalog(t)
	name := `</script><img src=x onerror=alert(1)>`
	planned, err := plan.Build(plan.Inputs{
		AsOf: invoicetest.UTC("2026-11-02T00:00:00Z"), Catalog: catalog, StripeAccount: "acct_1",
		Periods: []aggregate.PeriodBalance{invoicetest.ProOctober(catalog, name, "0", "20000", "0")},
	})
	if err != nil {
		t.Fatal(err)
	}
	days := func(yield func(plan.ChargeDays, error) bool) {
		used := []aggregate.DaySpend{{Day: invoicetest.UTC("2026-10-05T00:00:00Z"), Credits: invoicetest.Number("20000")}}
		yield(plan.ChargeDays{Charge: planned.Charges[0], Days: used}, nil)
	}
	var page bytes.Buffer
	if err := (Page{Plan: planned, Days: days, Timezone: time.UTC}).Write(&page); err != nil {
		t.Fatal(err)
	}
	text := html.UnescapeString(page.String())
	if strings.Contains(page.String(), "<img") || strings.Count(page.String(), "</script>") != 2 {
		t.Error("a name is taken for markup")
	}
	for _, address := range []string{"https://", "src=", "@import", "url("} {
		if strings.Contains(pageHTML+pageCSS+pageJS, address) {
			t.Errorf("the page holds %q: it may load something", address)
		}
	}
	for _, want := range []string{
		planned.SHA, `data-total="held">$100.00<`, `[[20731,"20000"]]`, "2 November 2026", sourceHash(pageJS),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the page", want)
		}
	}
}
