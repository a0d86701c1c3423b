package schemas

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// Catalog is the price book: what is metered, what it costs in credits, and what is sold. It is read-only once parsed.
type Catalog struct {
	// SHA256 is the lower-case hexadecimal hash of Text; it names the catalog in runs and plans.
	SHA256 string
	// Text is the file as it was read.
	Text []byte
	// Currency of every price in it.
	Currency money.Currency
	// Timezone is where days, calendar periods and bare dates begin; never nil.
	Timezone *time.Location
	// BillingFrom: periods that begin before it are shown and never charged. Nil if every period is charged.
	BillingFrom *time.Time
	// Features, CreditSystems and Products stand in the order of the file; ids are unique in each.
	Features      []Feature
	CreditSystems []CreditSystem
	Products      []Product
	// Overrides are what single customers have instead, in the order of the file.
	Overrides []Override

	matcher    modelMatcher
	byCustomer map[string][]Override
}

// Feature is what is metered.
type Feature struct {
	ID string
	// Models are names and `*` patterns; a log row's model selects the feature. A row may also name the feature itself.
	Models []string
}

// CreditSystem is one kind of credits and what each unit costs in them.
type CreditSystem struct {
	ID, Name string
	// Costs are sorted by Effective, which is never the same twice.
	Costs []CostVersion
}

// CostVersion is a price list, complete in itself, in force from Effective until the next one.
type CostVersion struct {
	Effective time.Time
	// ByFeature are the costs by feature id, those of per_token and per_unit together. A feature that is missing is
	// unrated.
	ByFeature map[string]UnitCosts
}

// UnitCosts are what a feature's units cost, in credits.
type UnitCosts struct {
	// ByUnit are credits per unit as they are declared.
	ByUnit map[string]decimal.Decimal
	// Inherit says that reasoning costs what output does where it has no price of its own.
	Inherit bool
	// When are costs under conditions, from the top; see Under, which leaves none.
	When []CostEntry
	// Entries say of costs that Under made which entry of When they come from, by unit; base costs are not in it.
	Entries map[string]string
}

// Of is what a unit costs; false if it has no price: its usage is unrated. A unit of tokens without a price of its own
// may cost what another does.
func (c UnitCosts) Of(unit string) (decimal.Decimal, bool) {
	if cost, ok := c.ByUnit[unit]; ok {
		return cost, true
	}
	parent, falls := parentUnits[unit]
	if !falls || unit == UnitReasoning && !c.Inherit {
		return decimal.Zero, false
	}
	cost, ok := c.ByUnit[parent]
	return cost, ok
}

// with are the costs with a customer's own laid over them: the own base costs instead of the base costs, the own
// entries of When before the others.
func (c UnitCosts) with(own UnitCosts) UnitCosts {
	merged := maps.Clone(c.ByUnit)
	maps.Copy(merged, own.ByUnit)
	return UnitCosts{ByUnit: merged, Inherit: c.Inherit || own.Inherit, When: slices.Concat(own.When, c.When)}
}

// Product is what a customer has: a price, an allowance, or both.
type Product struct {
	ID, Name string
	// Default marks the product of every customer who has no other; exactly one product has it.
	Default bool
	// AddOn says that customers have it beside another product, whose allowance it adds to; it sells no overage.
	AddOn bool
	// PerSeat says that a subscription of several seats has as many allowances and limits; so it is unless switched off.
	PerSeat bool
	// Tax is nil where nothing is said of it.
	Tax *Tax
	// LineTemplate and AdjustmentTemplate are how a line reads on an invoice; empty: in creditmill's words.
	LineTemplate, AdjustmentTemplate string
	// Metadata is added to the product's items and invoices at Stripe.
	Metadata map[string]string
	// Versions are sorted by Effective. A product without `versions:` has one, in force from the zero time.
	Versions []ProductVersion
}

// ProductVersion is a product's terms in force from Effective until the next version.
type ProductVersion struct {
	Effective time.Time
	// Price is nil for a product without a base price.
	Price *Price
	// Credits is nil for a product without an allowance.
	Credits *Credits
	// TrialDays is how many days of a customer's first subscription are a trial, whose overage is not billed; 0: none.
	TrialDays int
}

// Price is the base price, which Stripe's subscription collects.
type Price struct {
	// Amount in the catalog's currency.
	Amount decimal.Decimal
	Every  Interval
	// StripePrice is the id of the price at Stripe; empty if none is named.
	StripePrice string
}

// Credits is a product's allowance and its overage.
type Credits struct {
	// System is the id of a credit system.
	System string
	// Included is the allowance of each period; 0 if Unlimited.
	Included  decimal.Decimal
	Unlimited bool
	Every     Interval
	// Overage is nil where usage beyond the allowance is not sold.
	Overage *Overage
	// HardCap says that there is no use beyond the allowance; Overage is nil then.
	HardCap bool
	// Rollover is the zero value where nothing is carried over.
	Rollover Rollover
}

// Rollover is how much of an allowance's unused rest is carried over. The zero value carries nothing.
type Rollover struct {
	// Max is the most credits carried over in all.
	Max decimal.Decimal
	// Periods is for how many following periods they can be used.
	Periods int
}

// Feature returns the feature of an id.
func (c *Catalog) Feature(id string) (Feature, bool) {
	for _, feature := range c.Features {
		if feature.ID == id {
			return feature, true
		}
	}
	return Feature{}, false
}

// FeatureOf returns the feature that a model's name selects: an exact name before a pattern, case-sensitively.
func (c *Catalog) FeatureOf(model string) (Feature, bool) {
	i, ok := c.matcher.match(model)
	if !ok {
		return Feature{}, false
	}
	return c.Features[i], true
}

// FeatureUsed returns the feature that a row selects: the one that it names, else that of its model.
func (c *Catalog) FeatureUsed(model, feature string) (Feature, bool) {
	if feature != "" {
		return c.Feature(feature)
	}
	return c.FeatureOf(model)
}

// CreditSystem returns the credit system of an id.
func (c *Catalog) CreditSystem(id string) (CreditSystem, bool) {
	for _, system := range c.CreditSystems {
		if system.ID == id {
			return system, true
		}
	}
	return CreditSystem{}, false
}

// Product returns the product of an id.
func (c *Catalog) Product(id string) (Product, bool) {
	for _, product := range c.Products {
		if product.ID == id {
			return product, true
		}
	}
	return Product{}, false
}

// InTrial returns the terms as they are in a trial: the same, but that nothing beyond the allowance is sold.
func (v ProductVersion) InTrial() ProductVersion {
	if v.Credits != nil {
		credits := *v.Credits
		credits.Overage = nil
		v.Credits = &credits
	}
	return v
}

// WithSeats returns the terms of so many seats: the allowance and the limit of overage are multiplied. Without a seat
// there is no allowance, and where overage has a limit, none is sold.
func (v ProductVersion) WithSeats(seats uint64) ProductVersion {
	if seats == 1 || v.Credits == nil {
		return v
	}
	credits, times := *v.Credits, decimal.NewFromUint64(seats)
	credits.Included = credits.Included.Mul(times)
	if credits.Overage != nil && credits.Overage.Limit.IsPositive() {
		overage := *credits.Overage
		overage.Limit = overage.Limit.Mul(times)
		credits.Overage = &overage
		if seats == 0 {
			credits.Overage = nil // a limit of 0 would be none
		}
	}
	v.Credits = &credits
	return v
}

// ChargesWithin tells whether any product charges overage before a period's end.
func (c *Catalog) ChargesWithin() bool {
	return slices.ContainsFunc(c.Products, func(product Product) bool {
		return slices.ContainsFunc(product.Versions, func(version ProductVersion) bool {
			credits := version.Credits
			return credits != nil && credits.Overage != nil && credits.Overage.ChargeEvery.IsPositive()
		})
	})
}

// DefaultProduct returns the product of every customer who has no other.
func (c *Catalog) DefaultProduct() Product {
	for _, product := range c.Products {
		if product.Default {
			return product
		}
	}
	return Product{}
}

// CostsAt returns the price list in force at t; false before the first one.
func (s CreditSystem) CostsAt(t time.Time) (CostVersion, bool) {
	i := sort.Search(len(s.Costs), func(i int) bool { return s.Costs[i].Effective.After(t) })
	if i == 0 {
		return CostVersion{}, false
	}
	return s.Costs[i-1], true
}

// At returns the terms in force at t; before the first version, terms without price and credits.
func (p Product) At(t time.Time) ProductVersion {
	i := sort.Search(len(p.Versions), func(i int) bool { return p.Versions[i].Effective.After(t) })
	if i == 0 {
		return ProductVersion{}
	}
	return p.Versions[i-1]
}
