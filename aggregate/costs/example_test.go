package costs_test

import (
	"fmt"

	"github.com/creditmill/creditmill/aggregate/costs"
)

// A file of one's own names its columns; a line has an amount, or what was counted, or both.
func ExampleParse() {
	lines, err := costs.Parse("csv", []byte("provider,day,model,currency,amount,input_tokens\n"+
		"azure,2026-10-01,gpt-5,eur,1.50,700\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range lines {
		fmt.Println(line.Kind, line.Provider, line.Day.Format("2006-01-02"), line.Model, line.Amount, line.Currency,
			line.InputTokens)
	}
	_, err = costs.Parse("csv", []byte("provider,day,amount\nazure,2026-10-01,1.50\n"))
	fmt.Println(err)
	// Output:
	// cost azure 2026-10-01 gpt-5 1.5 eur 0
	// usage azure 2026-10-01 gpt-5 0  700
	// not a report: line 2: currency: want a code such as usd, not ""
}
