package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// filter is what the reader of the invoices asked for: it is the page's address, so that a link shows the same.
type filter struct {
	Q, Product, Period, Hold, Status, Min, Max, Sort, AsOf string
	Down, Lines, All                                       bool
	Page                                                   int
	least, most                                            *decimal.Decimal
}

// statuses are those of charges, as the filter offers them.
var statuses = []string{"ready", "held", "posted"}

// sortOrders are the columns that can be sorted by.
var sortOrders = map[string]func(a, b *charge) int{
	"customer": func(a, b *charge) int { return cmp.Compare(a.CustomerID, b.CustomerID) },
	"used":     func(a, b *charge) int { return a.Used.Cmp(b.Used) },
	"overage":  func(a, b *charge) int { return known(a.Overage).Cmp(known(b.Overage)) },
	"amount":   func(a, b *charge) int { return cmp.Compare(a.AmountMinor, b.AmountMinor) },
	"change":   func(a, b *charge) int { return cmp.Compare(changed(a), changed(b)) },
}

// known is a figure for an order: one that is not known comes before all others.
func known(figure *decimal.Decimal) decimal.Decimal {
	if figure == nil {
		return decimal.New(-1, 30)
	}
	return *figure
}

func changed(c *charge) int64 {
	if c.ChangeMinor == nil {
		return 0
	}
	return *c.ChangeMinor
}

// readFilter reads an address. An amount that is none is refused; what is unknown elsewhere finds nothing.
func readFilter(given url.Values) (filter, error) {
	f := filter{
		Q: given.Get("q"), Product: given.Get("product"), Period: given.Get("period"), Hold: given.Get("hold"),
		Status: given.Get("status"), Min: strings.TrimSpace(given.Get("min")), Max: strings.TrimSpace(given.Get("max")),
		Sort: given.Get("sort"), AsOf: given.Get("as_of"), Down: given.Get("dir") == "desc",
		Lines: given.Get("lines") == "all", All: given.Get("all") == "1",
	}
	if page, err := strconv.Atoi(given.Get("page")); err == nil && page > 1 {
		f.Page = page - 1
	}
	var err error
	for _, bound := range []struct {
		text string
		to   **decimal.Decimal
	}{{f.Min, &f.least}, {f.Max, &f.most}} {
		if bound.text == "" {
			continue
		}
		amount, wrong := money.Parse(bound.text)
		if wrong != nil {
			err = fmt.Errorf("read amount %q: want one like 12.50", bound.text)
			continue
		}
		*bound.to = &amount
	}
	return f, err
}

// pick returns the charges that are asked for, in the order that is asked for.
func (f filter) pick(charges []charge) []*charge {
	words := strings.Fields(strings.ToLower(f.Q))
	picked := make([]*charge, 0, len(charges))
	for i := range charges {
		if c := &charges[i]; f.takes(c, words) {
			picked = append(picked, c)
		}
	}
	if order, is := sortOrders[f.Sort]; is {
		slices.SortStableFunc(picked, func(a, b *charge) int {
			if f.Down {
				return order(b, a)
			}
			return order(a, b)
		})
	}
	return picked
}

func (f filter) takes(c *charge, words []string) bool {
	for _, word := range words {
		if !strings.Contains(c.needle, word) {
			return false
		}
	}
	if f.Product != "" && c.Product != f.Product || f.Period != "" && c.Period != f.Period ||
		f.Status != "" && c.Status != f.Status || f.Hold != "" && !slices.Contains(c.HoldCodes, holdCode(f.Hold)) {
		return false
	}
	if f.least == nil && f.most == nil {
		return true
	}
	amount := money.Displayed(c.Currency).FromMinor(c.AmountMinor)
	return (f.least == nil || !amount.LessThan(*f.least)) && (f.most == nil || !amount.GreaterThan(*f.most))
}

// link is the address of the same filter on a path, with some of it set otherwise.
func (f filter) link(path string, pairs ...string) string {
	values := map[string]string{
		"q": f.Q, "product": f.Product, "period": f.Period, "hold": f.Hold, "status": f.Status, "min": f.Min, "max": f.Max,
		"sort": f.Sort, "as_of": f.AsOf,
	}
	if f.Down {
		values["dir"] = "desc"
	}
	if f.Lines {
		values["lines"] = "all"
	}
	return addressWith(path, values, pairs)
}

// Narrow tells whether anything is left out.
func (f filter) Narrow() bool {
	return f.Q+f.Product+f.Period+f.Hold+f.Status+f.Min+f.Max != ""
}
