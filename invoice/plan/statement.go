package plan

import (
	"fmt"
	"io"
	"iter"
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// Entry is a charge with what people check it by: how its overage came about, and what the period before cost.
type Entry struct {
	Charge
	// HoldCodes are the charge's, as a list also where there are none.
	HoldCodes []HoldCode `json:"hold_codes"`
	// Granted is the allowance with what was carried over and granted beside; Used - Granted = Overage where that is
	// positive, and Overage = Capped + what is billable in the period as a whole. They are nil where they cannot be
	// known: the closed period's terms or grants are no longer those that it was charged by.
	Granted *decimal.Decimal `json:"granted"`
	Overage *decimal.Decimal `json:"overage"`
	Capped  *decimal.Decimal `json:"capped"`
	Used    decimal.Decimal  `json:"used"`
	// PerCredit is the price of one credit of overage; nil where Tiers say what each range costs.
	PerCredit *decimal.Decimal `json:"per_credit"`
	Tiers     []schemas.Tier   `json:"tiers,omitempty"`
	// TiersMode is volume where the range of the last credit prices all of them.
	TiersMode string `json:"tiers_mode,omitempty"`
	// Minimum is the least that the period's overage costs where it costs anything; zero if there is none.
	Minimum decimal.Decimal `json:"minimum,omitzero"`
	// WithinMinor is what was charged within the period before this charge, at multiples of charge_every; 0 if nothing.
	WithinMinor int64 `json:"charged_within_minor,omitempty"`
	// PreviousMinor is what the customer's period before comes to, adjustments included; 0 where nothing was charged for
	// it. ChangePercent is text like "+25.0%", to a tenth, half up, and empty where the period before cost nothing. All
	// three are of the charge as a whole, with its first part, and nil or empty for other parts and adjustments.
	PreviousMinor *int64 `json:"previous_minor"`
	ChangeMinor   *int64 `json:"change_minor"`
	ChangePercent string `json:"change_percent"`

	// Balance is that of its period; nil where there is none.
	Balance *aggregate.PeriodBalance `json:"-"`

	within decimal.Decimal // WithinMinor before any rounding
}

// ForOutput is the plan for its output alone: it lets go of what else it was made from, above all the periods' usage by
// feature, which takes more memory than the charges do. The plan that it is called on must not be used again.
func (p Plan) ForOutput() Plan {
	for i := range p.Inputs.Periods {
		p.Inputs.Periods[i].Features = nil
	}
	p.Inputs.StripeCustomers, p.Inputs.Subscriptions, p.Inputs.Gaps = nil, nil, nil
	return p
}

// NewEntry is a charge without its context yet.
func NewEntry(charge Charge) Entry {
	return Entry{Charge: charge, HoldCodes: append([]HoldCode{}, charge.HoldCodes...)}
}

// Entries are the plan's charges, each with its context, in the plan's order.
func (p Plan) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		context := p.Context()
		for _, charge := range p.Charges {
			if !yield(context.Entry(charge)) {
				return
			}
		}
	}
}

// MapEntries makes something of each few entries, side by side, and hands that on in the plan's order.
func MapEntries[R any](plan Plan, work func(iter.Seq[Entry]) (R, error), take func(R) error) error {
	context := plan.Context()
	return SideBySide(slices.Chunk(plan.Charges, ChargesAtOnce), func(charges []Charge) (R, error) {
		return work(func(yield func(Entry) bool) {
			for _, charge := range charges {
				if !yield(context.Entry(charge)) {
					return
				}
			}
		})
	}, take)
}

// WriteEntries writes Entries as a list in JSON, piece by piece: a plan may have very many.
func (p Plan) WriteEntries(w io.Writer) error {
	context := p.Context()
	separator := byte('[')
	encode := func(j *jsonText, charges []Charge) {
		for _, charge := range charges {
			j.text = append(j.text, ',')
			entry := context.Entry(charge)
			j.entry(&entry)
			j.text = append(j.text, '\n')
		}
	}
	err := writeCharges(p.Charges, encode, func(text []byte) error {
		text[0], separator = separator, ','
		_, err := w.Write(text)
		return err
	})
	if err == nil && separator == '[' {
		_, err = w.Write([]byte{separator})
	}
	if err == nil {
		_, err = w.Write([]byte{']'})
	}
	if err != nil {
		return fmt.Errorf("write charges: %w", err)
	}
	return nil
}

// planContext is what the entries of a plan are made with. It may be used by several goroutines.
type planContext struct {
	periods []aggregate.PeriodBalance
	charges []Charge
	// firstPeriod and firstCharge are where a customer's begin: those of one customer follow each other in both lists.
	firstPeriod, firstCharge map[string]int
	// frozen are the ids of the charges that are frozen, and frozenMinor what frozen charges come to.
	frozen      map[string]FrozenCharge
	frozenMinor map[periodEnd]int64
	within      map[customerSystem][]FrozenCharge
}

// periodEnd finds the period before another: it ends where that one starts.
type periodEnd struct {
	customerID, creditSystem, currency string
	end                                time.Time
}

// Context is what the entries of the plan are made with.
func (p Plan) Context() planContext {
	c := planContext{
		periods: p.Inputs.Periods, charges: p.Charges, frozen: p.Frozen, frozenMinor: map[periodEnd]int64{},
		firstPeriod: map[string]int{}, firstCharge: map[string]int{}, within: map[customerSystem][]FrozenCharge{},
	}
	for i, period := range c.periods {
		if i == 0 || period.CustomerID != c.periods[i-1].CustomerID {
			c.firstPeriod[period.CustomerID] = i
		}
	}
	for i, charge := range c.charges {
		if i == 0 || charge.CustomerID != c.charges[i-1].CustomerID {
			c.firstCharge[charge.CustomerID] = i
		}
	}
	for _, charge := range p.Inputs.Frozen {
		if charge.Void != nil {
			continue
		}
		end := periodEnd{charge.CustomerID, charge.CreditSystem, charge.Currency, charge.PeriodEnd.UTC()}
		c.frozenMinor[end] += charge.ChargedMinor()
		if charge.Kind == KindThreshold {
			of := customerSystem{charge.CustomerID, charge.CreditSystem}
			c.within[of] = append(c.within[of], charge)
		}
	}
	return c
}

// Entry is a charge of the plan with its context.
func (c planContext) Entry(charge Charge) Entry {
	entry := NewEntry(charge)
	entry.Balance = c.Balance(charge)
	entry.CountWithin(c.within[customerSystem{charge.CustomerID, charge.CreditSystem}], c.frozen[charge.ID])
	entry.ExplainOverage()
	if whole, compared := charge.Compared(); compared {
		previous := c.PreviousMinor(charge)
		change := whole + entry.WithinMinor - previous
		entry.PreviousMinor, entry.ChangeMinor = &previous, &change
		entry.ChangePercent = Percent(change, previous)
	}
	return entry
}

// Balance is that of the charge's period, nil where there is none.
func (c planContext) Balance(charge Charge) *aggregate.PeriodBalance {
	first, known := c.firstPeriod[charge.CustomerID]
	if !known {
		return nil
	}
	for i := first; i < len(c.periods) && c.periods[i].CustomerID == charge.CustomerID; i++ {
		period := &c.periods[i]
		if period.CreditSystem == charge.CreditSystem && period.Period.Start.Equal(charge.PeriodStart) &&
			period.Period.End.Equal(charge.PeriodEnd) {
			return period
		}
	}
	return nil
}

// PreviousMinor sums up what the period before the charge's costs: what is frozen of it, and what the plan adds.
func (c planContext) PreviousMinor(charge Charge) int64 {
	sum := c.frozenMinor[periodEnd{charge.CustomerID, charge.CreditSystem, charge.Currency, charge.PeriodStart.UTC()}]
	first := c.firstCharge[charge.CustomerID]
	for i := first; i < len(c.charges) && c.charges[i].CustomerID == charge.CustomerID; i++ {
		before := &c.charges[i]
		if _, frozen := c.frozen[before.ID]; !frozen && before.CreditSystem == charge.CreditSystem &&
			before.Currency == charge.Currency && before.PeriodEnd.Equal(charge.PeriodStart) {
			sum += before.AmountMinor
		}
	}
	return sum
}

// ExplainOverage fills in what the period's balance says, as far as it agrees with the charge.
func (e *Entry) ExplainOverage() {
	e.Used = decimal.Zero
	for _, line := range e.Lines {
		e.Used = e.Used.Add(line.Credits)
	}
	if e.Balance == nil || e.Balance.Unlimited {
		return
	}
	billable, exact := e.BillableCredits, e.AmountExact
	if e.Group != nil { // the period's, of which it is a part
		billable, exact, e.Used = e.Group.BillableCredits, e.Group.AmountExact, e.Balance.Used
	}
	if credits := e.Balance.Terms.Credits; credits != nil && credits.Overage != nil && credits.System == e.CreditSystem {
		overage := *credits.Overage
		if e.Kind != KindOverage || overage.Amount(billable).Equal(exact.Add(e.within)) { // else the terms changed since
			e.PricedBy(overage)
		}
	}
	overage := decimal.Max(decimal.Zero, e.Used.Sub(e.Balance.Granted))
	capped := overage.Sub(billable)
	if e.Kind != KindOverage {
		capped = e.Balance.Capped
	}
	if capped.IsNegative() {
		return
	}
	granted := e.Balance.Granted
	e.Granted, e.Overage, e.Capped = &granted, &overage, &capped
}

// PricedBy shows what overage costs.
func (e *Entry) PricedBy(overage schemas.Overage) {
	e.PerCredit, e.Tiers, e.TiersMode, e.Minimum = nil, overage.Tiers, overage.TiersMode(), overage.Minimum
	if len(overage.Tiers) == 0 {
		e.PerCredit = &overage.PerCredit
	}
}

// Percent writes a change in tenths of a percent of the previous amount, half up on the magnitude.
func Percent(change, previous int64) string {
	if previous <= 0 {
		return ""
	}
	twice := new(big.Int).Mul(big.NewInt(change), big.NewInt(2000))
	twice.Abs(twice).Add(twice, big.NewInt(previous))
	tenths := decimal.NewFromBigInt(twice.Quo(twice, big.NewInt(2*previous)), -1)
	sign := "+"
	if change < 0 {
		sign = "-"
	}
	return sign + tenths.StringFixed(1) + "%"
}

// ChargeDays is a charge with the spend by day of its period. Charges of one period share it: the first has it.
type ChargeDays struct {
	Charge Charge
	Days   []aggregate.DaySpend
}

// WithoutDays are the plan's charges alone.
func (p Plan) WithoutDays() iter.Seq2[ChargeDays, error] {
	return func(yield func(ChargeDays, error) bool) {
		for _, charge := range p.Charges {
			if !yield(ChargeDays{Charge: charge}, nil) {
				return
			}
		}
	}
}

func (j *jsonText) entry(e *Entry) {
	j.charge(&e.Charge, e.Status, e.HoldReason)
	j.codes(`,"hold_codes":`, e.HoldCodes)
	j.decimal(`,"granted":`, e.Granted)
	j.decimal(`,"overage":`, e.Overage)
	j.decimal(`,"capped":`, e.Capped)
	j.decimal(`,"used":`, &e.Used)
	j.decimal(`,"per_credit":`, e.PerCredit)
	if len(e.Tiers) > 0 {
		j.other(`,"tiers":`, e.Tiers)
	}
	if e.TiersMode != "" {
		j.string(`,"tiers_mode":`, e.TiersMode)
	}
	if !e.Minimum.IsZero() {
		j.decimal(`,"minimum":`, &e.Minimum)
	}
	if e.WithinMinor != 0 {
		j.int(`,"charged_within_minor":`, &e.WithinMinor)
	}
	j.int(`,"previous_minor":`, e.PreviousMinor)
	j.int(`,"change_minor":`, e.ChangeMinor)
	j.string(`,"change_percent":`, e.ChangePercent)
	j.text = append(j.text, '}')
}
