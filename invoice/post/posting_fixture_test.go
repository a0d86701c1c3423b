package post

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// modes are how charges reach their customers.
var modes = []string{
	plan.ModeSubscription, plan.ModeRenewal, plan.ModeBillNow, plan.ModeInvoice, plan.ModeDraft,
}

// memoryLog is an eventLog that can be truncated.
type memoryLog struct {
	mu   sync.Mutex
	rows []ledger.Event
}

func (m *memoryLog) Events(_ context.Context, ids []string) ([]ledger.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var events []ledger.Event
	for _, row := range m.rows {
		for _, id := range ids {
			if row.ChargeID == id {
				events = append(events, row)
			}
		}
	}
	return events, nil
}

func (m *memoryLog) Append(_ context.Context, events ...ledger.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, events...)
	return nil
}

func (m *memoryLog) truncate(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = m.rows[:n]
}

// bench is a Stripe, a ledger and a clock on which posters work.
type bench struct {
	*stripetest.Bench
	events *memoryLog
	// customers are Stripe's by customer, as a refreezing poster knows them; anew is the charge as it was frozen last.
	customers map[string]string
	anew      *plan.FrozenCharge
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return &bench{Bench: stripetest.New(t), events: &memoryLog{}}
}

// charge is one that is frozen already: $100.00 of October.
func (b *bench) charge(mode string, amountMinor int64) plan.FrozenCharge {
	b.T.Helper()
	identity := plan.Identity{
		StripeAccount: "acct_fake", CustomerID: "acme", Currency: "usd", LineCode: "overage:ai-credits",
		PeriodStart: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		PeriodEnd:   time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	charge := plan.FrozenCharge{
		Charge: plan.Charge{
			ID: identity.ChargeID(), CustomerID: "acme", StripeCustomer: "cus_1", Product: "pro",
			CreditSystem: "ai-credits", Kind: plan.KindOverage, PeriodStart: identity.PeriodStart,
			PeriodEnd: identity.PeriodEnd, Currency: "usd", AmountMinor: amountMinor,
			BilledCredits: decimal.New(amountMinor, 0),
		},
		PlanSHA: "plan", StripeAccount: "acct_fake", Mode: mode, State: plan.StateOpen, FrozenAt: b.Clock.Now(),
	}
	if mode == plan.ModeRenewal && !b.renews(b.Sub) {
		b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
		b.Sub = b.renewing("cus_1")
	}
	if mode == plan.ModeSubscription || mode == plan.ModeRenewal || mode == plan.ModeBillNow {
		charge.Target = b.Sub
	}
	return b.frozen(charge)
}

// frozen freezes a charge again that was changed.
func (b *bench) frozen(charge plan.FrozenCharge) plan.FrozenCharge {
	b.T.Helper()
	way := target{mode: charge.Mode, subscription: charge.Target}
	switch charge.Mode {
	case plan.ModeSubscription:
	case plan.ModeRenewal:
		way.draft.id = b.draftOf(charge.Target).ID
	default:
		way.collection = &collection{method: "charge_automatically"}
	}
	request, err := freezeRequest(charge.Charge, "plan", way, plan.Wording{})
	if err != nil {
		b.T.Fatal(err)
	}
	charge.Request = request
	return charge
}

// partsOf freezes a charge of 10,000 as one that is posted in three parts, each of them more by so much.
func (b *bench) partsOf(charge plan.FrozenCharge, more int64) []plan.FrozenCharge {
	b.T.Helper()
	group := &plan.Group{
		AmountMinor: 10000 + 3*more, BilledCredits: charge.BilledCredits, Features: []string{"chat", "code", "search"},
		Charges: []string{charge.ID, "oc_part_1", "oc_part_2"},
	}
	parts := make([]plan.FrozenCharge, 0, len(group.Charges))
	for i, id := range group.Charges {
		part := charge
		part.ID, part.Group, part.PartOf, part.AmountMinor = id, group, charge.ID, 3000+int64(i)*333+int64(i/2)+more
		part.Lines = []plan.Line{{FeatureID: group.Features[i], AmountMinor: part.AmountMinor}}
		parts = append(parts, b.frozen(part))
	}
	return parts
}

// idsOf are the ids of a charge's parts, or its own.
func idsOf(charge plan.FrozenCharge) []string {
	if charge.Group == nil {
		return []string{charge.ID}
	}
	return charge.Group.Charges
}

func (b *bench) poster(runID string) *Poster {
	b.T.Helper()
	return &Poster{
		stripe: b.Client(stripetest.InProcess(b.Fake)), events: b.events, now: b.Clock.Now, sleep: b.Clock.Sleep,
		runID:    runID,
		parallel: 1, at: func(string) {},
	}
}

// refreezing is a poster that may choose another way for charges, as a Runner's does.
func (b *bench) refreezing(runID string) *Poster {
	p := b.poster(runID)
	p.policy = Policy{DaysUntilDue: 30}
	p.refreeze = func(_ context.Context, charge plan.FrozenCharge, way target) (plan.FrozenCharge, error) {
		charge, err := goingBy(charge, way, plan.Wording{})
		b.anew = &charge
		return charge, err
	}
	return p
}

// post runs a whole poster over the charges.
func (b *bench) post(runID string, charges ...plan.FrozenCharge) []Report {
	b.T.Helper()
	p := b.poster(runID)
	if charges[0].Mode == plan.ModeRenewal { // its draft may be final by now
		p = b.toRenewal(runID)
	}
	reports, err := p.Post(context.Background(), charges, nil)
	if err != nil {
		b.T.Fatal(err)
	}
	return reports
}
