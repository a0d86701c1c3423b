package explain

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// Explanation walks a charge down to the rows of the files it comes from. Its JSON is that of `explain`. All of it is
// added up again from the raw events and agrees with the charge to the last digit, else there is an error instead.
type Explanation struct {
	plan.Entry
	// Frozen tells a charge that was written down for posting from one of the present preview. State and StripeID are
	// those of a frozen one.
	Frozen     bool      `json:"frozen"`
	State      string    `json:"state,omitempty"`
	StripeID   string    `json:"stripe_id,omitempty"`
	PlanSHA    string    `json:"plan_sha"`
	CatalogSHA string    `json:"catalog_sha"`
	AsOf       time.Time `json:"as_of"`
	Timezone   string    `json:"timezone"`
	// Parts are the charges in which one is posted that is above Stripe's limit or has an item a feature, this one among
	// them; empty for all others.
	// The figures are those of the whole.
	Parts []plan.EarlierCharge `json:"parts"`
	// BillingUnits is the number of credits sold at a time, Limit the most that are billed; 0: no limit.
	BillingUnits int64           `json:"billing_units"`
	Limit        decimal.Decimal `json:"limit"`
	// ChargeEvery is the amount at each multiple of which a period that goes on is charged; only of such a charge.
	ChargeEvery decimal.Decimal `json:"charge_every,omitzero"`
	// Before is what was charged for the period before an adjustment, and within it before any charge. TotalMinor is what
	// the period comes to: less those, it is the amount, or of a charge within it, as much as passed ChargeEvery. Of
	// charges in another currency there is no difference, and an adjustment to them has no amount.
	Before     []plan.EarlierCharge `json:"before"`
	TotalMinor int64                `json:"total_minor"`
	// Lines take the place of the charge's, with their days.
	Lines []ExplainedLine `json:"lines"`
	// Unrated is usage of the period without a price, which costs nothing.
	Unrated []UnratedUsage  `json:"unrated"`
	Loads   []ExplainedLoad `json:"loads"`
}

// OtherCurrency tells whether the period was charged in another currency before an adjustment.
func (e *Explanation) OtherCurrency() bool {
	return slices.ContainsFunc(e.Before, func(earlier plan.EarlierCharge) bool { return earlier.Currency != e.Currency })
}

// AnyEntry tells whether some quantity was priced by an entry of the catalog's `when`.
func (e *Explanation) AnyEntry() bool {
	return slices.ContainsFunc(e.Lines, func(line ExplainedLine) bool {
		return slices.ContainsFunc(line.Days, func(day ExplainedDay) bool {
			return slices.ContainsFunc(day.Priced, func(priced PricedAmount) bool { return priced.Entry != "" })
		})
	})
}

// ExplainedLine is a line with the days that its credits come from. The credits of the days add up to the line's.
type ExplainedLine struct {
	plan.Line
	Days []ExplainedDay `json:"days"`
}

// ExplainedDay is what a feature used on one accounting day. The credits of Priced add up to the day's.
type ExplainedDay struct {
	Day     string          `json:"day"`
	Events  uint64          `json:"events"`
	Tokens  *big.Int        `json:"tokens"`
	Units   schemas.Others  `json:"units,omitempty"`
	Credits decimal.Decimal `json:"credits"`
	Priced  []PricedAmount  `json:"priced"`
	Loads   []DayLoad       `json:"loads"`
}

// PricedAmount is a quantity of one unit at one price: Quantity × PerUnit = Credits. PerUnit is nil for a unit without
// a price, which is unrated.
type PricedAmount struct {
	PriceFrom time.Time
	// Entry is the entry of the catalog's `when` that priced it; empty for the base.
	Entry    string
	Unit     string
	Quantity decimal.Decimal
	PerUnit  *decimal.Decimal
	Credits  decimal.Decimal
}

// MarshalJSON calls the unit pool; tokens have the keys tokens and per_token, others quantity and per_unit.
func (p PricedAmount) MarshalJSON() ([]byte, error) {
	if schemas.IsTokens(p.Unit) {
		return json.Marshal(struct {
			PriceFrom time.Time        `json:"price_from"`
			Entry     string           `json:"entry,omitempty"`
			Pool      string           `json:"pool"`
			Tokens    *big.Int         `json:"tokens"`
			PerToken  *decimal.Decimal `json:"per_token"`
			Credits   decimal.Decimal  `json:"credits"`
		}{p.PriceFrom, p.Entry, p.Unit, p.Quantity.BigInt(), p.PerUnit, p.Credits})
	}
	return json.Marshal(struct {
		PriceFrom time.Time        `json:"price_from"`
		Entry     string           `json:"entry,omitempty"`
		Pool      string           `json:"pool"`
		Quantity  json.Number      `json:"quantity"`
		PerUnit   *decimal.Decimal `json:"per_unit"`
		Credits   decimal.Decimal  `json:"credits"`
	}{p.PriceFrom, p.Entry, p.Unit, json.Number(p.Quantity.String()), p.PerUnit, p.Credits})
}

// DayLoad is the part of a load in a day. Rows are ranges of row numbers in the file, both ends included; nil unless
// they were asked for.
type DayLoad struct {
	LoadID  string `json:"load_id"`
	Model   string `json:"model"`
	Feature string `json:"feature,omitempty"` // where the rows name one instead of a model
	// Under are the dimensions of these rows, and the tests of prices that they pass; empty where there are none.
	Under  string         `json:"under,omitempty"`
	Events uint64         `json:"events"`
	Tokens *big.Int       `json:"tokens"`
	Units  schemas.Others `json:"units,omitempty"`
	Rows   [][2]uint64    `json:"rows,omitempty"`
	// Objects are the same rows by the object in object storage that they are of, where the load is made of many: whoever
	// knows the objects of loads sets them.
	Objects []ObjectRows `json:"objects,omitempty"`
}

// ObjectRows are ranges of row numbers in an object, both ends included.
type ObjectRows struct {
	Object string      `json:"object"`
	Rows   [][2]uint64 `json:"rows"`
}

// UnratedUsage is usage of a model, or of a feature that rows name, in the period that has no price. FeatureID is empty
// unless the catalog has a price for the feature, but none for some unit of what was used.
type UnratedUsage struct {
	Model     string         `json:"model"`
	Feature   string         `json:"feature,omitempty"`
	FeatureID string         `json:"feature_id,omitempty"`
	Events    uint64         `json:"events"`
	Tokens    *big.Int       `json:"tokens"`
	Units     schemas.Others `json:"units,omitempty"`
}

// ExplainedLoad is a file that the charge comes from.
type ExplainedLoad struct {
	LoadID string `json:"load_id"`
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Source string `json:"source"`
	Status string `json:"status"`
	// ExpiredAt is when the raw rows were removed: what is left are sums by day. Nil while they are there.
	ExpiredAt *time.Time `json:"expired_at,omitempty"`
	// Events, Tokens and Units are those of the charge, not of the whole file.
	Events uint64         `json:"events"`
	Tokens *big.Int       `json:"tokens"`
	Units  schemas.Others `json:"units,omitempty"`
}

// usage is one row of explain_usage.sql.
type usage struct {
	Day     time.Time         `ch:"day"`
	Epoch   uint32            `ch:"epoch"`
	Model   string            `ch:"used_model"`
	Feature string            `ch:"used_feature"`
	Under   string            `ch:"circumstances"`
	Load    uint64            `ch:"load_seq"`
	Events  uint64            `ch:"events"`
	Units   []string          `ch:"unit_names"`
	Amounts []decimal.Decimal `ch:"amounts"`
	Rows    []uint64          `ch:"row_numbers"`

	sums schemas.Amounts
}

// addUp orders the amounts by unit.
func (u *usage) addUp() {
	for i, unit := range u.Units {
		if u.Amounts[i].IsPositive() {
			u.sums.Add(unit, u.Amounts[i])
		}
	}
}

// part is what the row says of its load.
func (u usage) part() DayLoad {
	_, others := u.sums.Split()
	return DayLoad{
		LoadID: schemas.LoadID(u.Load), Model: u.Model, Feature: u.Feature, Events: u.Events,
		Under:  schemas.ParseCircumstances(u.Under).String(),
		Tokens: u.sums.Tokens().BigInt(), Units: others, Rows: ranges(u.Rows),
	}
}

// price shares the usage among the lines' days, priced in Go unit by unit: rating itself is done by the warehouse, so
// the two check each other.
func (e *Explanation) price(rows []usage, book *pricebook.Book) error {
	changes := book.Changes(e.CustomerID)
	for _, row := range rows {
		row.addUp()
		at := e.PeriodStart // any instant at which the row's prices hold
		if row.Epoch > 0 && changes[row.Epoch-1].After(at) {
			at = changes[row.Epoch-1]
		}
		used := pricebook.Used{Model: row.Model, Feature: row.Feature, Under: row.Under}
		price, priced := book.PriceOf(e.CustomerID, used, e.CreditSystem, at)
		switch {
		case !priced:
			e.addUnrated(row.part(), "")
		case price.CreditSystem == e.CreditSystem:
			e.line(price.FeatureID).add(row, price)
		}
	}
	e.dropFree()
	slices.SortFunc(e.Lines, func(a, b ExplainedLine) int { return strings.Compare(a.FeatureID, b.FeatureID) })
	return e.checkLines()
}

func (e *Explanation) line(featureID string) *ExplainedLine {
	i := slices.IndexFunc(e.Lines, func(line ExplainedLine) bool { return line.FeatureID == featureID })
	if i < 0 {
		i = len(e.Lines)
		e.Lines = append(e.Lines, ExplainedLine{Line: plan.Line{FeatureID: featureID, Tokens: new(big.Int)}})
	}
	return &e.Lines[i]
}

// addUnrated adds a part of a day that has no price, wholly or, where it names a feature of the catalog, in part.
func (e *Explanation) addUnrated(part DayLoad, featureID string) {
	i := slices.IndexFunc(e.Unrated, func(unrated UnratedUsage) bool {
		return unrated.Model == part.Model && unrated.Feature == part.Feature && unrated.FeatureID == featureID
	})
	if i < 0 {
		i = len(e.Unrated)
		e.Unrated = append(e.Unrated, UnratedUsage{
			Model: part.Model, Feature: part.Feature, FeatureID: featureID, Tokens: new(big.Int),
		})
	}
	unrated := &e.Unrated[i]
	unrated.Events += part.Events
	unrated.Tokens.Add(unrated.Tokens, part.Tokens)
	unrated.Units.AddAll(part.Units)
}

// dropFree drops lines that cost nothing, which charges do not have; what has no price in them is shown as unrated.
func (e *Explanation) dropFree() {
	e.Lines = slices.DeleteFunc(e.Lines, func(line ExplainedLine) bool {
		if !line.Credits.IsZero() {
			return false
		}
		for _, day := range line.Days {
			if slices.ContainsFunc(day.Priced, func(p PricedAmount) bool { return p.PerUnit == nil }) {
				for _, part := range day.Loads {
					e.addUnrated(part, line.FeatureID)
				}
			}
		}
		return true
	})
}

func (l *ExplainedLine) add(row usage, price pricebook.Price) {
	date := row.Day.Format(time.DateOnly)
	if last := len(l.Days) - 1; last < 0 || l.Days[last].Day != date {
		l.Days = append(l.Days, ExplainedDay{Day: date, Tokens: new(big.Int)})
	}
	day := &l.Days[len(l.Days)-1]
	day.Events += row.Events
	part := row.part()
	day.Tokens.Add(day.Tokens, part.Tokens)
	day.Units.AddAll(part.Units)
	l.Tokens.Add(l.Tokens, part.Tokens)
	l.Units.AddAll(part.Units)
	day.Loads = append(day.Loads, part)
	credits := decimal.Zero
	for _, amount := range row.sums {
		credits = credits.Add(day.addAmount(amount, price))
	}
	if !price.PerRequest().IsZero() {
		requests := schemas.Amount{Unit: schemas.UnitRequests, Quantity: decimal.NewFromUint64(row.Events)}
		credits = credits.Add(day.addAmount(requests, price))
	}
	day.Credits, l.Credits = day.Credits.Add(credits), l.Credits.Add(credits)
}

func (d *ExplainedDay) addAmount(amount schemas.Amount, price pricebook.Price) decimal.Decimal {
	credits, priced := price.Credits(amount.Unit, amount.Quantity)
	var perUnit *decimal.Decimal
	if cost, _ := price.Costs.Of(amount.Unit); priced {
		perUnit = &cost
	}
	from, entry := price.Effective, price.Costs.EntryOf(amount.Unit)
	i := slices.IndexFunc(d.Priced, func(p PricedAmount) bool {
		return p.Unit == amount.Unit && p.PriceFrom.Equal(from) && p.Entry == entry
	})
	if i < 0 {
		i = len(d.Priced)
		d.Priced = append(d.Priced, PricedAmount{PriceFrom: from, Entry: entry, Unit: amount.Unit, PerUnit: perUnit})
	}
	d.Priced[i].Quantity = d.Priced[i].Quantity.Add(amount.Quantity)
	d.Priced[i].Credits = d.Priced[i].Credits.Add(credits)
	return credits
}

// checkLines holds what was added up again against the charge's lines, and gives them their amounts.
func (e *Explanation) checkLines() error {
	charged := slices.DeleteFunc(slices.Clone(e.Charge.Lines), func(line plan.Line) bool { return line.Credits.IsZero() })
	if len(charged) != len(e.Lines) {
		return fmt.Errorf("charge %s: the raw events give %d lines, it has %d: %w",
			e.ID, len(e.Lines), len(charged), plan.ErrInvariant)
	}
	weights := []decimal.Decimal{}
	for i, line := range charged {
		found := &e.Lines[i]
		if found.FeatureID != line.FeatureID || !found.Credits.Equal(line.Credits) || found.Tokens.Cmp(line.Tokens) != 0 {
			return fmt.Errorf("charge %s: the raw events give %s tokens and %s credits of %s, the line of %s has %s and %s: %w",
				e.ID, found.Tokens, found.Credits, found.FeatureID, line.FeatureID, line.Tokens, line.Credits, plan.ErrInvariant)
		}
		if !found.Units.Equal(line.Units) {
			return fmt.Errorf("charge %s: the raw events give %q of %s, the line has %q: %w",
				e.ID, found.Units, found.FeatureID, line.Units, plan.ErrInvariant)
		}
		found.AmountMinor = line.AmountMinor
		weights = append(weights, line.Credits)
	}
	if len(charged) == 0 {
		for _, line := range e.Charge.Lines { // nothing is left that used credits: the line has the amount alone
			e.Lines = append(e.Lines, ExplainedLine{Line: line, Days: []ExplainedDay{}})
		}
		return nil
	}
	shares, err := money.Allocate(e.AmountMinor, weights)
	if err != nil {
		return fmt.Errorf("share charge %s among its lines: %w", e.ID, err)
	}
	for i, share := range shares {
		if share != e.Lines[i].AmountMinor {
			return fmt.Errorf("charge %s: the share of %s is %d, its line has %d: %w",
				e.ID, e.Lines[i].FeatureID, share, e.Lines[i].AmountMinor, plan.ErrInvariant)
		}
	}
	return nil
}

// ranges writes ascending numbers as ranges; nil for none.
func ranges(numbers []uint64) [][2]uint64 {
	var result [][2]uint64
	for _, number := range numbers {
		if last := len(result) - 1; last >= 0 && result[last][1]+1 == number {
			result[last][1] = number
			continue
		}
		result = append(result, [2]uint64{number, number})
	}
	return result
}
