package invoice

import (
	"fmt"
	"io"
	"iter"
	"math/big"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// Entry is a charge with what people check it by: how its overage came about, and what the period before cost.
type Entry struct {
	Charge
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
	// PreviousMinor is what the customer's period before comes to, adjustments included; 0 where nothing was charged for
	// it. ChangePercent is text like "+25.0%", to a tenth, half up, and empty where the period before cost nothing. All
	// three are nil or empty for adjustments.
	PreviousMinor *int64 `json:"previous_minor"`
	ChangeMinor   *int64 `json:"change_minor"`
	ChangePercent string `json:"change_percent"`
	// Days is the spend by day, once AddDays was asked for it.
	Days []aggregate.DaySpend `json:"-"`

	balance *aggregate.PeriodBalance
}

// Entries are the plan's charges, each with its context, in the plan's order.
func (p Plan) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		entryOf := p.entries()
		for _, charge := range p.Charges {
			if !yield(entryOf(charge)) {
				return
			}
		}
	}
}

// WriteEntries writes Entries as a list in JSON, piece by piece: a plan may have very many.
func (p Plan) WriteEntries(w io.Writer) error {
	entryOf := p.entries()
	separator := byte('[')
	encode := func(j *jsonText, charges []Charge) {
		for _, charge := range charges {
			j.text = append(j.text, ',')
			entry := entryOf(charge)
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

// entries returns what makes a charge of the plan its entry. It may be called from several goroutines.
func (p Plan) entries() func(Charge) Entry {
	balances := make(map[periodKey]*aggregate.PeriodBalance, len(p.in.Periods))
	for i, balance := range p.in.Periods {
		key := periodKey{balance.CustomerID, balance.CreditSystem, balance.Period.Start.UTC(), balance.Period.End.UTC()}
		balances[key] = &p.in.Periods[i]
	}
	ends := p.amountsByEnd()
	return func(charge Charge) Entry {
		entry := Entry{Charge: charge, balance: balances[charge.key()]}
		entry.explainOverage()
		if charge.Kind == KindOverage {
			previous := ends[periodEnd{charge.CustomerID, charge.CreditSystem, charge.Currency, charge.PeriodStart.UTC()}]
			change := charge.AmountMinor - previous
			entry.PreviousMinor, entry.ChangeMinor = &previous, &change
			entry.ChangePercent = percent(change, previous)
		}
		return entry
	}
}

// explainOverage fills in what the period's balance says, as far as it agrees with the charge.
func (e *Entry) explainOverage() {
	e.Used = decimal.Zero
	for _, line := range e.Lines {
		e.Used = e.Used.Add(line.Credits)
	}
	if e.balance == nil || e.balance.Unlimited {
		return
	}
	if credits := e.balance.Terms.Credits; credits != nil && credits.Overage != nil && credits.System == e.CreditSystem {
		overage := *credits.Overage
		switch {
		case e.Kind == KindOverage && !overage.Amount(e.BillableCredits).Equal(e.AmountExact):
			// The terms changed since.
		case len(overage.Tiers) > 0:
			e.Tiers = overage.Tiers
		default:
			e.PerCredit = &overage.PerCredit
		}
	}
	overage := decimal.Max(decimal.Zero, e.Used.Sub(e.balance.Granted))
	capped := overage.Sub(e.BillableCredits)
	if e.Kind == KindAdjustment {
		capped = e.balance.Capped
	}
	if capped.IsNegative() {
		return
	}
	granted := e.balance.Granted
	e.Granted, e.Overage, e.Capped = &granted, &overage, &capped
}

// periodEnd finds the period before another: it ends where that one starts.
type periodEnd struct {
	customerID, creditSystem, currency string
	end                                time.Time
}

// amountsByEnd sums up what each period costs: what is frozen of it, and what the plan adds.
func (p Plan) amountsByEnd() map[periodEnd]int64 {
	sums := map[periodEnd]int64{}
	add := func(charge Charge, amountMinor int64) {
		sums[periodEnd{charge.CustomerID, charge.CreditSystem, charge.Currency, charge.PeriodEnd.UTC()}] += amountMinor
	}
	for _, charge := range p.in.Frozen {
		add(charge.Charge, charge.chargedMinor())
	}
	for _, charge := range p.Charges {
		if _, frozen := p.frozen[charge.ID]; !frozen {
			add(charge, charge.AmountMinor)
		}
	}
	return sums
}

func (c Charge) key() periodKey {
	return periodKey{c.CustomerID, c.CreditSystem, c.PeriodStart.UTC(), c.PeriodEnd.UTC()}
}

// percent writes a change in tenths of a percent of the previous amount, half up on the magnitude.
func percent(change, previous int64) string {
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
