package page_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/page"
	"github.com/creditmill/creditmill/invoice/plan"
)

// A plan becomes one file that loads nothing, whatever its customers are called.
func ExamplePage_Write() {
	asOf := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	planned := plan.Plan{SHA: "c844341b5edf3717", AsOf: asOf, Charges: []plan.Charge{{
		ID: "oc_1", CustomerID: "<b>acme</b>", Kind: plan.KindOverage, Currency: "usd", AmountMinor: 10000,
		PeriodStart: asOf.AddDate(0, -1, 0), PeriodEnd: asOf, Status: plan.StatusReady,
	}}}
	var file strings.Builder
	if err := (page.Page{Plan: planned, Timezone: time.UTC}).Write(&file); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.HasPrefix(file.String(), "<!doctype html>"), strings.Contains(file.String(), "$100.00"))
	fmt.Println(strings.Contains(file.String(), "<b>acme"), strings.Contains(file.String(), "https://"))
	// Output:
	// true true
	// false false
}
