package post

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// credited is a bench on which $100.00 were charged, on an invoice that is paid, or mailed and open, and a credit of
// $30.00 of the same period.
func credited(t *testing.T, paid bool) (b *bench, charged plan.FrozenCharge, credit plan.Charge) {
	t.Helper()
	b = newBench(t)
	charged = b.charge(plan.ModeInvoice, 10000)
	if !paid {
		way := target{mode: plan.ModeInvoice, collection: &collection{method: "send_invoice", daysUntilDue: 30}}
		request, err := freezeRequest(charged.Charge, "plan", way, plan.Wording{})
		if err != nil {
			t.Fatal(err)
		}
		charged.Request = request
	}
	report := b.post("charged", charged)[0]
	if report.Status != plan.StatusPosted {
		t.Fatalf("%+v", report)
	}
	charged.State, charged.StripeID, charged.PostedMinor = plan.StatePosted, report.StripeID, report.AmountMinor
	credit = charged.Charge
	credit.ID, credit.Kind, credit.AmountMinor = "oc_credit", plan.KindAdjustment, -3000
	return b, charged, credit
}

// crediting is a poster that writes credit notes.
func (b *bench) crediting(runID string) *Poster {
	p := b.refreezing(runID)
	p.policy.CreditNotes = true
	return p
}

// creditWay freezes a credit for the way that is chosen for it.
func (b *bench) creditWay(charged plan.FrozenCharge, credit plan.Charge) plan.FrozenCharge {
	b.T.Helper()
	var planned plan.Plan
	planned.AsOf, planned.Inputs.Frozen = b.Clock.Now(), []plan.FrozenCharge{charged}
	p := b.crediting("choosing")
	frozen, reports, err := p.Choose(context.Background(), planned, []plan.Charge{credit}, nil)
	if err != nil || len(frozen) != 1 {
		b.T.Fatalf("%v, %+v", err, reports)
	}
	return frozen[0]
}

// credits are the credit notes at Stripe of a charge.
func (b *bench) credits(id string) (notes []stripefake.CreditNote) {
	for _, note := range b.Fake.CreditNotes() {
		if note.Metadata[stripe.MetadataChargeID] == id {
			notes = append(notes, note)
		}
	}
	return notes
}

// assertCredited: the credit is there once, in whichever form, and nothing more is sent.
func (b *bench) assertCredited(charge plan.FrozenCharge, notes, items int) {
	b.T.Helper()
	if len(b.credits(charge.ID)) != notes || len(b.Items(charge.ID)) != items {
		b.T.Fatalf("%d credit notes and %d items", len(b.credits(charge.ID)), len(b.Items(charge.ID)))
	}
	before := b.Posts()
	reports, err := b.crediting("again").Post(context.Background(), []plan.FrozenCharge{charge}, nil)
	if err != nil || reports[0].Status != plan.StatusAlreadyPosted || reports[0].AmountMinor != -3000 ||
		b.Posts() != before {
		b.T.Fatalf("%v, %+v, %d requests more", err, reports, b.Posts()-before)
	}
}

// TestCreditNote: a credit is written on the invoice that has its period's charge, open or paid, once, killed at any
// step and a moment or a day later.
func TestCreditNote(t *testing.T) {
	for _, paid := range []bool{false, true} {
		for _, step := range []string{"", "S2", "S4", "S6", "S8", "S9", "S10", "S12"} {
			for _, later := range []time.Duration{time.Second, 25 * time.Hour} {
				b, charged, credit := credited(t, paid)
				charge := b.creditWay(charged, credit)
				if charge.Mode != plan.ModeCreditNote {
					t.Fatalf("%+v", charge)
				}
				p := b.crediting("killed")
				killNth(p, step, 0, func() { _, _ = p.Post(context.Background(), []plan.FrozenCharge{charge}, nil) })
				b.Clock.Advance(later)
				if _, err := b.crediting("next").Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
					t.Fatal(err)
				}
				b.assertCredited(charge, 1, 0)
				if owes := b.Fake.Owes("cus_1"); paid != (owes == -3000) {
					t.Fatalf("paid %t: the balance is %d", paid, owes)
				}
				b.assertMatched(charged, charge)
			}
		}
	}
}

// TestCreditNoteFaults: whatever Stripe answers or does not, the credit is there once in the end.
func TestCreditNoteFaults(t *testing.T) {
	for _, kind := range []string{
		stripefake.DropBefore, stripefake.DropAfter, stripefake.CutBody, stripefake.BadJSON, stripefake.EmptyObject,
		stripefake.Error500, stripefake.Error500Done, stripefake.BadGateway, stripefake.InUse, stripefake.LockTimeout,
	} {
		for _, lost := range []bool{false, true} {
			b, charged, credit := credited(t, true)
			charge := b.creditWay(charged, credit)
			b.Fake.Inject(stripefake.Fault{Kind: kind, Method: "POST"})
			for night := range 3 {
				if _, err := b.crediting("night").Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				b.Clock.Advance(25 * time.Hour)
				if lost && night == 0 {
					b.events.truncate(0)
				}
			}
			b.assertCredited(charge, 1, 0)
		}
	}
}

// TestNoCreditNote: where no invoice of the period takes one, the credit is on the next invoice, and says so; also
// where the invoice is void, or paid, between the freeze and the request, or after a request that was lost.
func TestNoCreditNote(t *testing.T) {
	for name, change := range map[string]func(b *bench, charged *plan.FrozenCharge, credit *plan.Charge){
		"void": func(b *bench, _ *plan.FrozenCharge, _ *plan.Charge) { b.Fake.Void(b.bill()) },
		"more than is left": func(b *bench, _ *plan.FrozenCharge, _ *plan.Charge) {
			b.Request("POST", "/v1/credit_notes", "amount=8000&credit_amount=8000&invoice="+b.bill())
		},
		"another period":   func(_ *bench, c *plan.FrozenCharge, _ *plan.Charge) { c.PeriodEnd = c.PeriodEnd.Add(time.Hour) },
		"another customer": func(_ *bench, _ *plan.FrozenCharge, c *plan.Charge) { c.StripeCustomer = "cus_2" },
	} {
		b, charged, credit := credited(t, true)
		b.Fake.AddCustomer("cus_2")
		b.Fake.SetEmail("cus_2", "b@example.com")
		change(b, &charged, &credit)
		charge := b.creditWay(charged, credit)
		if charge.Mode == plan.ModeCreditNote || len(b.credits(charge.ID)) != 0 {
			t.Errorf("%s: %s", name, charge.Mode)
		}
	}
	for _, lost := range []bool{false, true} {
		b, charged, credit := credited(t, true)
		charge := b.creditWay(charged, credit)
		if lost {
			b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST"})
			p := b.crediting("lost")
			killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), charge) })
			b.Clock.Advance(time.Hour)
		}
		b.Fake.Void(b.bill())
		reports, err := b.crediting("next").Post(context.Background(), []plan.FrozenCharge{charge}, nil)
		if err != nil || reports[0].Status != plan.StatusPosted {
			t.Fatalf("%v, %+v", err, reports)
		}
		b.assertCredited(*b.anew, 0, 1)
	}
	// Between the look and the request: the key is given up, and the next run chooses again.
	b, charged, credit := credited(t, true)
	charge := b.creditWay(charged, credit)
	p := b.crediting("between")
	p.at = func(step string) {
		if step == "S8" {
			b.Fake.Void(b.bill())
		}
	}
	reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
	if err != nil || reports[0].Status != plan.StatusOpen || !strings.Contains(reports[0].Reason, "is void by now") {
		t.Fatalf("%v, %+v", err, reports)
	}
	b.Clock.Advance(time.Hour)
	if _, err := b.crediting("next").Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
		t.Fatal(err)
	}
	b.assertCredited(*b.anew, 0, 1)
}

// TestCreditsTogether: the credits of many customers are looked at again together.
func TestCreditsTogether(t *testing.T) {
	b := newBench(t)
	var charges []plan.FrozenCharge
	for n := range manyCustomers + 1 {
		customer := fmt.Sprint("cus_many_", n)
		b.Fake.AddCustomer(customer)
		b.Fake.SetEmail(customer, "a@example.com")
		charged := b.movedTo(customer, b.charge(plan.ModeInvoice, 10000), plan.ModeInvoice)
		charged.ID, charged.CustomerID = fmt.Sprint("oc_", n), customer
		charged = b.frozen(charged)
		report := b.post("charged", charged)[0]
		charged.State, charged.StripeID, charged.PostedMinor = plan.StatePosted, report.StripeID, report.AmountMinor
		credit := charged.Charge
		credit.ID, credit.Kind, credit.AmountMinor = fmt.Sprint("oc_credit_", n), plan.KindAdjustment, -3000
		charges = append(charges, b.creditWay(charged, credit))
	}
	p := b.crediting("many")
	p.stripe = b.Client(stripetest.InProcess(b.Fake))
	reports, err := p.Post(context.Background(), charges, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, report := range reports {
		if report.Status != plan.StatusPosted || len(b.credits(charges[i].ID)) != 1 {
			t.Fatalf("%+v", report)
		}
	}
}

// assertMatched: reconcile finds the charge and its credit note as they were posted.
func (b *bench) assertMatched(charged, charge plan.FrozenCharge) {
	b.T.Helper()
	client := b.Client(stripetest.InProcess(b.Fake))
	charge.State, charge.StripeID, charge.PostedMinor = plan.StatePosted, b.credits(charge.ID)[0].ID, charge.AmountMinor
	frozen := []plan.FrozenCharge{charged, charge}
	items, bills, err := reconcile.Listed(context.Background(), client, frozen, b.Clock.Now())
	if err != nil {
		b.T.Fatal(err)
	}
	found := reconcile.Compare(reconcile.Books{Frozen: frozen, Items: items, Bills: bills, Now: b.Clock.Now()})
	if found.Counts[reconcile.ClassMatched] != 2 || found.Balances["usd"].PostedMinor != 7000 {
		b.T.Fatalf("%+v", found)
	}
}

// TestEveryCreditEnds walks random histories of people, faults and kills over a credit that is to be a credit note, and
// asks that it is posted in the end, or that a person can settle it. It is at Stripe once at most, in either form.
func TestEveryCreditEnds(t *testing.T) {
	names, ends := slices.Sorted(maps.Keys(persons)), map[string]int{}
	for seed := range histories(t, 300) {
		random := rand.New(rand.NewPCG(seed, 5))
		b, charged, credit := credited(t, random.IntN(2) == 0)
		charge := b.creditWay(charged, credit)
		b.events.truncate(0) // of the charge, which has ended
		var walk []string
		for range 1 + random.IntN(5) {
			name := names[random.IntN(len(names))]
			walk = append(walk, name)
			if name == "voids the invoice" {
				b.Fake.Void(b.bill())
			}
			persons[name](b)
			p := b.crediting(fmt.Sprint("run_", len(walk)))
			p.stripe = b.ClientAt(p.now, troubled{stripetest.InProcess(b.Fake), b.Fake, random, false, &tally{}})
			killNth(p, []string{"S2", "S4", "S6", "S9", "S10"}[random.IntN(5)], random.IntN(3), func() {
				_, _ = p.postCharge(context.Background(), b.latest(charge))
			})
			b.Fake.ClearFaults()
			b.Clock.Advance(2 * ledger.SettleTime)
		}
		end := b.endCredit(charge)
		ends[end]++
		if there := len(b.credits(charge.ID)) + len(b.Items(charge.ID)); end == "" || there > 1 {
			t.Errorf("seed %d: %s: ends %q, Stripe holds %d", seed, strings.Join(walk, ", "), end, there)
		}
	}
	t.Logf("%v", ends)
	if ends["a credit note"] == 0 || ends["an item"] == 0 || ends["settled"] == 0 {
		t.Errorf("no history ends so: %v", ends)
	}
}

// endCredit posts without trouble for some nights and says how the credit ended, empty if it did not.
func (b *bench) endCredit(charge plan.FrozenCharge) string {
	b.T.Helper()
	for range 5 {
		b.Clock.Advance(25 * time.Hour)
		reports, err := b.crediting("night").Post(context.Background(), []plan.FrozenCharge{b.latest(charge)}, b.customers)
		switch {
		case err != nil:
			b.T.Fatal(err)
		case strings.Contains(reports[0].Reason, "finalize it at Stripe"):
			persons["finalizes the draft"](b)
		case reports[0].Status != plan.StatusAlreadyPosted:
		case strings.HasPrefix(reports[0].StripeID, "cn_"):
			return "a credit note"
		default:
			return "an item"
		}
	}
	b.Clock.Advance(ledger.SettleTime)
	events, err := b.events.Events(context.Background(), []string{charge.ID})
	if err != nil {
		b.T.Fatal(err)
	}
	if !ledger.Fold(events, ledger.StepItem).Rejected {
		if _, err := b.crediting("resolve").settleable(context.Background(), b.latest(charge), events); err != nil {
			b.T.Log(err)
			return ""
		}
	}
	return "settled"
}
