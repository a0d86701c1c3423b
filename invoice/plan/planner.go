package plan

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// periodKey names a customer's period in one credit system.
type periodKey struct {
	customerID, creditSystem string
	start, end               time.Time
}

// closedPeriod is what was charged for a period so far.
type closedPeriod struct {
	charges []FrozenCharge
	visited bool
}

// planner holds what Build works on.
type planner struct {
	in         Inputs
	closed     map[periodKey]*closedPeriod
	byCustomer map[string][]FrozenCharge
	charges    []Charge
	// uncollected are the subscriptions that Stripe does not collect, by customer.
	uncollected map[string][]subscription.Subscription
	// subscriptions are all of a customer's.
	subscriptions map[string][]subscription.Subscription
	// used are the credits of a customer's earlier periods in a credit system, oldest first.
	used map[[2]string][]decimal.Decimal
	// problem tells the customers apart of whom not all periods are known.
	problem map[string]bool
	// rebills are a customer's, in order; windows the periods that are billed as a whole, as far as they were seen.
	rebills map[string][]Rebill
	windows []*window
}

// close notes the periods that frozen charges closed.
func (p *planner) close() {
	p.closed = chargedPeriods(p.in.Frozen)
	for _, charge := range p.in.Frozen {
		p.byCustomer[charge.CustomerID] = append(p.byCustomer[charge.CustomerID], charge)
	}
}

// chargedPeriods are the periods of frozen charges.
func chargedPeriods(frozen []FrozenCharge) map[periodKey]*closedPeriod {
	closed := make(map[periodKey]*closedPeriod, len(frozen))
	for _, charge := range frozen {
		key := charge.Key()
		if closed[key] == nil {
			closed[key] = &closedPeriod{}
		}
		closed[key].charges = append(closed[key].charges, charge)
	}
	return closed
}

// Settled tells whether a period is closed and comes to what was charged for it: it needs no adjustment, and so only
// its sums.
func Settled(asOf time.Time, catalog *schemas.Catalog, frozen []FrozenCharge) func(*aggregate.PeriodBalance) bool {
	p, was := planner{in: Inputs{AsOf: asOf, Catalog: catalog}}, chargedPeriods(frozen)
	return func(balance *aggregate.PeriodBalance) bool { return p.settled(balance, was) }
}

// settled says whether a period is closed and comes to what was charged: it needs no adjustment.
func (p *planner) settled(balance *aggregate.PeriodBalance, was map[periodKey]*closedPeriod) bool {
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
	closed := was[balanceKey(*balance)]
	if closed == nil {
		return now.Minor == 0
	}
	before, err := closed.charged(currency.Code)
	return err == nil && before.other == "" && before.minor == now.Minor
}

// balanceKey names the period of a balance.
func balanceKey(balance aggregate.PeriodBalance) periodKey {
	return periodKey{balance.CustomerID, balance.CreditSystem, balance.Period.Start.UTC(), balance.Period.End.UTC()}
}

// chargeable says whether a period can be charged at all: it has ended, it is not before the catalog's billing_from,
// and its product sells overage.
func (p *planner) chargeable(balance aggregate.PeriodBalance) bool {
	return p.ended(balance.Period, p.catalogOf(balance)) && SellsOverage(balance)
}

// SellsOverage tells whether the product sells overage of the balance's credits.
func SellsOverage(balance aggregate.PeriodBalance) bool {
	credits := balance.Terms.Credits
	return !balance.Unlimited && credits != nil && credits.Overage != nil && credits.System == balance.CreditSystem
}

func (p *planner) ended(period schemas.Period, catalog *schemas.Catalog) bool {
	from := catalog.BillingFrom
	return !period.End.IsZero() && !period.End.After(p.in.AsOf) && (from == nil || !period.Start.Before(*from))
}

// addAll plans all periods. Those of one customer follow each other and are planned in their order; customers do not
// depend on each other.
func (p *planner) addAll() {
	plan := func(periods []aggregate.PeriodBalance) ([]Charge, error) { // never fails
		some := *p
		some.charges, some.used = make([]Charge, 0, len(periods)), map[[2]string][]decimal.Decimal{}
		for _, balance := range periods {
			some.add(balance)
		}
		some.addWindows()
		return some.charges, nil
	}
	var parts [][]Charge
	_ = SideBySide(wholeCustomers(p.in.Periods), plan, func(charges []Charge) error {
		parts = append(parts, charges)
		return nil
	})
	p.charges = slices.Concat(parts...)
}

// wholeCustomers cuts the periods in chunks between customers.
func wholeCustomers(periods []aggregate.PeriodBalance) iter.Seq[[]aggregate.PeriodBalance] {
	return func(yield func([]aggregate.PeriodBalance) bool) {
		for len(periods) > 0 {
			end := min(ChargesAtOnce, len(periods))
			for end < len(periods) && periods[end].CustomerID == periods[end-1].CustomerID {
				end++
			}
			if !yield(periods[:end]) {
				return
			}
			periods = periods[end:]
		}
	}
}

// add plans one period. Whatever cannot be planned holds that period and nothing else.
func (p *planner) add(balance aggregate.PeriodBalance) {
	if err := p.addPeriod(balance); err != nil {
		p.addUnplanned(balance, err)
	}
}

// addPeriod plans a period's overage, or if it is closed, the adjustment.
func (p *planner) addPeriod(balance aggregate.PeriodBalance) error {
	key := balanceKey(balance)
	closed := p.closed[key]
	if closed != nil {
		closed.visited = true
	}
	if end := balance.Period.End; !end.IsZero() && !end.After(p.in.AsOf) {
		defer p.remember(balance)
	}
	if _, ok := windowOf(balance); ok {
		p.addToWindow(balance)
		return nil
	}
	if closed == nil && balance.Closed != nil { // it was closed without a charge
		closed = &closedPeriod{}
	}
	catalog := p.catalogOf(balance)
	if !p.chargeable(balance) {
		if closed != nil && p.ended(balance.Period, catalog) {
			return p.adjust(balance, closed, Total{})
		}
		return nil
	}
	now, err := Price(balance, catalog.Currency)
	if err != nil {
		return err
	}
	if closed != nil {
		return p.adjust(balance, closed, now)
	}
	// Unrated usage may cost something once it is priced, so its period is shown even where it costs nothing now.
	if now.Minor == 0 && balance.UnratedEvents == 0 {
		return nil
	}
	charge := p.charge(balance, KindOverage, "overage:"+balance.CreditSystem, now)
	p.hold(&charge, balance.UnratedEvents)
	p.holdAnomaly(&charge, balance)
	p.holdIncomplete(&charge)
	if other, found := p.overlapping(key); found {
		addReason(&charge, fmt.Sprintf("the period overlaps %s to %s, which charge %s closed",
			p.day(other.PeriodStart), p.day(other.PeriodEnd), other.ID))
	}
	return p.append(balance, charge)
}

func (p *planner) identity(balance aggregate.PeriodBalance, lineCode string) Identity {
	return Identity{
		StripeAccount: p.in.StripeAccount, Livemode: p.in.Livemode, CustomerID: balance.CustomerID,
		PeriodStart: balance.Period.Start, PeriodEnd: balance.Period.End, Currency: p.catalogOf(balance).Currency.Code,
		LineCode: lineCode,
	}
}

func (p *planner) charge(balance aggregate.PeriodBalance, kind, lineCode string, amount Total) Charge {
	return Charge{
		ID: p.identity(balance, lineCode).ChargeID(), CustomerID: balance.CustomerID,
		StripeCustomer: p.in.StripeCustomers[balance.CustomerID], lineCode: lineCode,
		Product: balance.Product, CreditSystem: balance.CreditSystem, Kind: kind,
		PeriodStart: balance.Period.Start.UTC(), PeriodEnd: balance.Period.End.UTC(),
		Currency:        p.catalogOf(balance).Currency.Code,
		BillableCredits: amount.billable, BilledCredits: amount.billed, AmountExact: amount.Exact,
		AmountMinor: amount.Minor, Residual: amount.residual, Status: StatusReady,
	}
}

// append shares the amount among lines, asserts and keeps the charge.
func (p *planner) append(balance aggregate.PeriodBalance, charge Charge) error {
	lines, err := shareLines(balance, charge.AmountMinor)
	if err != nil {
		return err
	}
	charge.Lines = lines
	parts := []Charge{charge}
	if charge.Status == StatusReady && charge.inParts() {
		parts = p.split(charge, p.identity(balance, charge.lineCode))
	}
	for _, part := range parts {
		if err := part.Check(p.catalogOf(balance).Currency); err != nil {
			return err
		}
	}
	p.charges = append(p.charges, parts...)
	return nil
}

// overlapping finds a closed period that shares time with an open one: history was changed after closing.
func (p *planner) overlapping(key periodKey) (FrozenCharge, bool) {
	for _, charge := range p.byCustomer[key.customerID] {
		if charge.CreditSystem == key.creditSystem && charge.PeriodStart.Before(key.end) &&
			key.start.Before(charge.PeriodEnd) {
			return charge, true
		}
	}
	return FrozenCharge{}, false
}

// listed says whether a frozen charge is shown: as long as it is not settled, else within the late window.
func (p *planner) listed(charge FrozenCharge) bool {
	settled := charge.State == StatePosted || charge.State == StateManual
	return !settled || !charge.PeriodEnd.Add(p.in.LateWindow).Before(p.in.AsOf)
}

// day is an instant's accounting day.
func (p *planner) day(t time.Time) string { return t.In(p.in.Catalog.Timezone).Format(time.DateOnly) }

// CatalogOf is the catalog of a balance's closed period, else the given one.
func CatalogOf(balance *aggregate.PeriodBalance, present *schemas.Catalog) *schemas.Catalog {
	if balance == nil || balance.Closed == nil || balance.Closed.Again() {
		return present
	}
	return balance.Closed.Catalog
}
