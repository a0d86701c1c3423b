package plan

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// closedPeriod is what was charged for a period so far.
type closedPeriod struct {
	charges []FrozenCharge
	visited bool
}

// planner holds what Build works on.
type planner struct {
	in Inputs
	history
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

// close notes the periods that frozen charges closed, and what was charged within others.
func (p *planner) close() {
	p.history = historyOf(p.in.Frozen)
	for _, charge := range p.in.Frozen {
		p.byCustomer[charge.CustomerID] = append(p.byCustomer[charge.CustomerID], charge)
	}
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
		AmountMinor: amount.Minor, Residual: amount.residual, Status: StatusReady, Tax: p.in.taxOf(balance.Product),
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
	switch identity := p.identity(balance, charge.lineCode); {
	case charge.Status != StatusReady:
	case charge.inParts():
		parts = split(charge, identity, p.in.Catalog.Currency)
	case p.in.ByFeature && charge.Kind != KindThreshold: // the rest of the period may share it out otherwise
		parts = byFeature(charge, identity, p.catalogOf(balance).Currency)
	}
	p.withholdAll(parts)
	for _, part := range parts {
		if err := part.Check(p.catalogOf(balance).Currency); err != nil {
			return err
		}
	}
	p.charges = append(p.charges, parts...)
	return nil
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

// catalogOf is the catalog that a period is billed by: a closed one keeps its own.
func (p *planner) catalogOf(balance aggregate.PeriodBalance) *schemas.Catalog {
	return CatalogOf(&balance, p.in.Catalog)
}

// window is a period that is billed as a whole, once it was, or will be, billed again: today's rules may make several
// periods of its time.
type window struct {
	balance aggregate.PeriodBalance // all of them together
	now     Total
	cause   error // why it cannot be planned; nil if it can
}
