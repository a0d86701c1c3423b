package plan

import (
	"encoding/json"

	"github.com/creditmill/creditmill/schemas"
)

// taxOf is how a product's overage is taxed, by the catalog of today: a closed period keeps its prices, and tax follows
// the law.
func (in Inputs) taxOf(product string) *schemas.Tax {
	found, _ := in.Catalog.Product(product)
	return found.Tax
}

// untaxable says why an invoice with automatic tax refuses a charge, as far as the charge itself tells; empty if it
// takes it. taxed: it would be on a subscription with automatic tax of its own. Stripe's parameter
// automatic_tax[enabled] says: "incompatible invoice items (invoice items with manually specified tax rates, negative
// amounts, or tax_behavior=unspecified) cannot be added to automatic tax invoices".
func (in Inputs) untaxable(charge Charge, taxed bool) string {
	if reason := NegativeUnderTax(charge); reason != "" && (taxed || in.AutomaticTax) {
		return reason
	}
	if in.AutomaticTax && charge.Tax == nil && charge.Product != "" {
		return "invoice.automatic_tax needs to know how " + charge.Product + " is taxed: give the product " +
			"`tax: {behavior: exclusive}` or `inclusive` in the catalog"
	}
	return ""
}

// NegativeUnderTax is the reason of a credit that would be on an invoice with automatic tax; empty for other charges.
func NegativeUnderTax(charge Charge) string {
	if charge.AmountMinor >= 0 {
		return ""
	}
	return "Stripe puts no negative amount on an invoice with automatic tax: make a credit note on the invoice that has " +
		"the period's charge, which corrects the tax, too, then run `creditmill invoice resolve " + charge.ID +
		" --reason …`"
}

// TaxText says for people what tax does to a charge's amount; empty where the catalog says nothing of it.
func (c Charge) TaxText() string {
	switch {
	case c.Tax == nil:
		return ""
	case c.Tax.Behavior == schemas.TaxInclusive:
		return "tax included"
	}
	return "plus tax"
}

// FrozenTax is how a charge is taxed by its frozen request; nil where that says nothing of it, as all before tax was
// known do not.
func FrozenTax(request []byte) *schemas.Tax {
	var frozen struct {
		Item struct {
			Code     string              `json:"tax_code"`
			Behavior schemas.TaxBehavior `json:"tax_behavior"`
		} `json:"item"`
	}
	if err := json.Unmarshal(request, &frozen); err != nil || frozen.Item.Behavior == "" {
		return nil
	}
	return &schemas.Tax{Code: frozen.Item.Code, Behavior: frozen.Item.Behavior}
}
