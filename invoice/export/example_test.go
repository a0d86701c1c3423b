package export_test

import (
	"fmt"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/export"
)

// A text that a spreadsheet would run as a formula is written as text; null is empty, and decimals are exact.
func ExampleNewCSV() {
	out := export.NewCSV(os.Stdout, []export.Column{
		{Name: "customer", Kind: export.Text},
		{Name: "credits", Kind: export.Decimal},
		{Name: "ends_at", Kind: export.Instant},
	})
	ends := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range [][]any{
		{"acme", decimal.RequireFromString("0.000000001"), ends},
		{"=cmd()", decimal.NewFromInt(2), nil},
	} {
		if err := out.Row(row); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := out.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// customer,credits,ends_at
	// acme,0.000000001,2026-11-01T00:00:00Z
	// '=cmd(),2,
}

// A month begins and ends at midnight by the clock of the catalog's timezone.
func ExampleParseMonth() {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		fmt.Println(err)
		return
	}
	month, err := export.ParseMonth("2026-11", newYork)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(month.Start.UTC().Format(time.RFC3339), month.End.UTC().Format(time.RFC3339))
	_, err = export.ParseMonth("2026-13", newYork)
	fmt.Println(err)
	// Output:
	// 2026-11-01T04:00:00Z 2026-12-01T05:00:00Z
	// want a month such as 2026-10, not "2026-13"
}
