package plan

import (
	"errors"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// charged sums up what was charged for a period so far.
type charged struct {
	minor                   int64
	billable, billed, exact decimal.Decimal
	adjustments             int
	// unposted is one that is not known to be posted, other the currency of one that has another than the period's now.
	unposted, other string
	// void is what has a person's word to be billed again, and was not since; nil if nothing has.
	void *FrozenCharge
}

// sumOf sums up charges of one period, which is billed in the currency by now.
func sumOf(charges []FrozenCharge, currency string) (charged, error) {
	sum := charged{void: voidOf(charges)}
	for _, charge := range charges {
		if charge.Kind == KindAdjustment {
			sum.adjustments++
		}
		if charge.Unreadable != "" {
			return charged{}, errors.New(charge.Unreadable)
		}
		if charge.Void != nil {
			continue
		}
		sum.minor += charge.ChargedMinor()
		sum.billable = sum.billable.Add(charge.BillableCredits)
		sum.billed = sum.billed.Add(charge.BilledCredits)
		sum.exact = sum.exact.Add(charge.AmountExact)
		if charge.State != StatePosted && charge.State != StateManual {
			sum.unposted = charge.ID
		}
		if charge.Currency != currency {
			sum.other = charge.Currency
		}
	}
	return sum, nil
}

// voidOf is a charge of a period that is to be billed again: no other was frozen since that was decided. Nil: none is.
func voidOf(charges []FrozenCharge) (found *FrozenCharge) {
	for i, charge := range charges {
		if charge.Void != nil && (found == nil || found.Void.At.Before(charge.Void.At)) {
			found = &charges[i]
		}
	}
	for _, charge := range charges {
		if found != nil && charge.FrozenAt.After(found.Void.At) {
			return nil
		}
	}
	return found
}

// holdVoid holds what bills a charge again whose invoice is void; it says whether it does.
func (p *planner) holdVoid(charge *Charge, before charged) bool {
	if before.void == nil {
		return false
	}
	void := before.void.Void
	p.releasable(charge, HoldBilledAgain, "invoice "+void.Invoice+" of charge "+before.void.ID+
		" is void, and it is billed again, says "+void.By+": "+void.Reason)
	return true
}

// adjust plans the difference between a closed period's total as it is now and what was charged for it.
func (p *planner) adjust(balance aggregate.PeriodBalance, closed *closedPeriod, now Total) error {
	currency := p.catalogOf(balance).Currency
	before, err := sumOf(append(p.withinOf(balance), closed.charges...), currency.Code)
	if err != nil {
		return err
	}
	difference := now.less(before, currency)
	unrated := uint64(0)
	if _, whole := windowOf(balance); whole || SellsOverage(balance) {
		unrated = balance.UnratedEvents
	}
	changed := difference.Minor != 0 || before.other != "" && !difference.billable.IsZero()
	if !changed && unrated == 0 {
		return nil
	}
	code := "adjustment:" + balance.CreditSystem + ":" + strconv.Itoa(before.adjustments+1)
	charge := p.charge(balance, KindAdjustment, code, difference)
	p.hold(&charge, 0)
	if before.other != "" {
		addReason(&charge, HoldOtherCurrency, otherCurrency(before, charge))
	}
	if before.unposted != "" {
		addReason(&charge, HoldEarlierOpen, notPosted(before))
	}
	rebill, again := p.rebillOf(balance)
	p.holdUnrated(&charge, unrated, again)
	switch {
	case p.holdVoid(&charge, before):
	case again:
		p.releasable(&charge, HoldBilledAgain, "the period is billed again, says "+rebill.By+": "+rebill.Reason)
	default:
		if earlier, found := p.rebilledBefore(balance); found {
			p.releasable(&charge, HoldBilledAgain, "the customer's period from "+p.day(earlier.Period.Start)+
				" before it was billed again")
		}
		if balance.Period.End.Add(p.in.LateWindow).Before(p.in.AsOf) {
			addReason(&charge, HoldLate, "the change came later than late_window after the period's end: if it shall be "+
				"billed, run "+p.rebillCommand(charge))
		}
	}
	if difference.Minor < 0 {
		p.releasable(&charge, HoldCredit, "a credit needs approval")
	}
	return p.append(balance, charge)
}

func otherCurrency(before charged, charge Charge) string {
	return "the period was charged in " + before.other + " and the catalog is in " + charge.Currency +
		" now: bill or credit the difference in billed credits by hand"
}

func notPosted(before charged) string {
	return "charge " + before.unposted + " of the same period is not posted yet"
}

// holdUnrated holds a closed period's difference for usage without a price: what a closed period's catalog does not
// price, no later one does by itself.
func (p *planner) holdUnrated(charge *Charge, events uint64, again bool) {
	switch {
	case events == 0:
	case again:
		addReason(charge, HoldUnrated, unratedReason(events))
	default:
		addReason(charge, HoldUnrated, strconv.FormatUint(events, 10)+" events of the period have no price in the "+
			"catalog that it was closed by: add their models, features or units to the catalog, then run "+
			p.rebillCommand(*charge))
	}
}

func (p *planner) rebillCommand(charge Charge) string {
	start := p.day(charge.PeriodStart)
	if midnight, err := time.ParseInLocation(time.DateOnly, start, p.in.Catalog.Timezone); err != nil ||
		!midnight.Equal(charge.PeriodStart) {
		start = charge.PeriodStart.Format(time.RFC3339Nano)
	}
	return "`creditmill invoice rebill " + charge.CustomerID + " " + start + " --reason …`"
}

// addVanished adjusts closed periods that have no usage any more, their loads having been withdrawn.
func (p *planner) addVanished() {
	for _, frozen := range p.in.Frozen {
		key := frozen.Key()
		closed := p.closed[key]
		if closed == nil { // it was charged within a period
			continue
		}
		period := schemas.Period{Start: frozen.PeriodStart, End: frozen.PeriodEnd}
		if closed.visited || p.problem[frozen.CustomerID] || period.End.After(p.in.AsOf) {
			continue
		}
		closed.visited = true
		balance := aggregate.PeriodBalance{
			CustomerID: frozen.CustomerID, Product: frozen.Product, CreditSystem: frozen.CreditSystem, Period: period,
			Closed: &subscription.Closed{Catalog: p.billedBy(frozen)},
		}
		if err := p.adjust(balance, closed, Total{}); err != nil {
			p.addUnplanned(balance, err)
		}
	}
}

// billedBy stands for the catalog of a charge whose period has no usage any more, of which only the currency matters.
func (p *planner) billedBy(charge FrozenCharge) *schemas.Catalog {
	currency, err := moneyOf(charge)
	if err != nil || currency.Code == p.in.Catalog.Currency.Code {
		return p.in.Catalog
	}
	return &schemas.Catalog{Currency: currency, Timezone: p.in.Catalog.Timezone}
}

// Settled tells whether a period is closed and comes to what was charged for it: it needs no adjustment, and so only
// its sums.
func Settled(asOf time.Time, catalog *schemas.Catalog, frozen []FrozenCharge) func(*aggregate.PeriodBalance) bool {
	p := planner{in: Inputs{AsOf: asOf, Catalog: catalog}, history: historyOf(frozen)}
	return p.settled
}

// settled says whether a period is closed and comes to what was charged: it needs no adjustment.
func (p *planner) settled(balance *aggregate.PeriodBalance) bool {
	if _, whole := windowOf(*balance); whole || balance.Closed == nil || balance.UnratedEvents > 0 {
		return false
	}
	currency := p.catalogOf(*balance).Currency
	var now Total
	var err error
	if p.chargeable(*balance) {
		if now, err = Price(*balance, currency); err != nil {
			return false
		}
	}
	var charges []FrozenCharge
	if closed := p.closed[balanceKey(*balance)]; closed != nil {
		charges = closed.charges
	}
	for _, charge := range p.of(*balance) {
		charges = append(charges[:len(charges):len(charges)], charge.FrozenCharge)
	}
	before, err := sumOf(charges, currency.Code)
	return err == nil && before.other == "" && before.minor == now.Minor
}
