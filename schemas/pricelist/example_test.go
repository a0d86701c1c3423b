package pricelist_test

import (
	"fmt"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas/pricelist"
)

// A price list becomes the costs of a catalog: with 20 % on top, a million tokens for $2.50 are 0.0003 credits of a
// cent each.
func ExampleNewBook() {
	list := `{"m": {"models": {"m": {"cost": {"input": 2.5, "output": 15}}}}}`
	entries, err := pricelist.Read(pricelist.ModelsDev, []byte(list))
	if err != nil {
		fmt.Println(err)
		return
	}
	book := pricelist.NewBook(entries, pricelist.Terms{
		Markup: decimal.RequireFromString("0.2"), Credit: decimal.RequireFromString("0.01"),
		Effective: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Bare: true,
	}, false)
	_, _ = os.Stdout.Write(book.YAML("ai-credits", "From models.dev.\n"))
	// Output:
	// # From models.dev.
	// features:
	//   - {id: m/m, models: [m, m/m]}
	// credit_systems:
	//   - id: ai-credits
	//     costs:
	//       - effective: 2026-11-01
	//         per_token:
	//           m/m: {input: 0.0003, cached_input: 0.0003, cache_write: 0.0003, output: 0.0018, reasoning: 0.0018}
}
