package money_test

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// The shares of an amount are whole cents and add up to it.
func ExampleAllocate() {
	currency, err := money.LookupCurrency("usd")
	if err != nil {
		fmt.Println(err)
		return
	}
	total, err := currency.Round(decimal.RequireFromString("100"))
	if err != nil {
		fmt.Println(err)
		return
	}
	shares, err := money.Allocate(total, []decimal.Decimal{
		decimal.NewFromInt(1), decimal.NewFromInt(1), decimal.NewFromInt(1),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, share := range shares {
		fmt.Println(currency.Format(share))
	}
	// Output:
	// $33.34
	// $33.33
	// $33.33
}
