package post

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// renewed is a bench whose subscription was renewed a few minutes ago, at the end of a charge's period.
func renewed(t testing.TB) *bench {
	t.Helper()
	b := subscribed(t, october)
	b.Clock.Advance(november.Add(12 * time.Minute).Sub(b.Clock.Now()))
	b.Fake.Advance(0)
	return b
}

// subscribed is a bench whose only subscription began at a time, which it is now.
func subscribed(t testing.TB, start time.Time) *bench {
	t.Helper()
	b := newBench(t)
	b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
	b.Clock.Advance(start.Sub(b.Clock.Now()))
	b.Sub = b.Fake.AddSubscription("cus_1", "price_pro", start)
	return b
}

var (
	october  = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
)

// renews tells whether a subscription of the bench was renewed.
func (b *bench) renews(subscription string) bool {
	return slices.ContainsFunc(b.Fake.Invoices(), func(invoice stripefake.Invoice) bool {
		return ends(invoice, subscription)
	})
}

func ends(invoice stripefake.Invoice, subscription string) bool {
	return invoice.Subscription != nil && *invoice.Subscription == subscription &&
		invoice.BillingReason == "subscription_cycle"
}

// renewing subscribes a customer a month ago, so that the subscription is renewed now.
func (b *bench) renewing(customer string) string {
	b.T.Helper()
	id := b.Fake.AddSubscription(customer, "price_pro", b.Clock.Now().AddDate(0, -1, 0))
	b.Fake.Advance(0)
	return id
}

// draft is the newest invoice that ends a period of the bench's subscription, draftOf of another.
func (b *bench) draft() stripefake.Invoice { return b.draftOf(b.Sub) }

func (b *bench) draftOf(subscription string) stripefake.Invoice {
	b.T.Helper()
	var newest stripefake.Invoice
	for _, invoice := range b.Fake.Invoices() {
		if ends(invoice, subscription) {
			newest = invoice
		}
	}
	if newest.ID == "" {
		b.T.Fatal("the subscription was not renewed")
	}
	return newest
}

// toRenewal is a poster that puts charges on the draft of a renewal.
func (b *bench) toRenewal(runID string) *Poster {
	p := b.refreezing(runID)
	p.policy.Renewal, p.policy.Settle = true, 10*time.Minute
	return p
}

// chosen lets a poster choose the way of charges and freezes them.
func (b *bench) chosen(p *Poster, charges ...plan.Charge) ([]plan.FrozenCharge, []Report) {
	b.T.Helper()
	frozen, reports, err := p.Choose(context.Background(), plan.Plan{AsOf: b.Clock.Now()}, charges, nil)
	if err != nil {
		b.T.Fatal(err)
	}
	return frozen, reports
}

// TestRenewal: the charge of a period is on the invoice that Stripe makes at the period's end, under the base price,
// and the invoice comes to both.
func TestRenewal(t *testing.T) {
	b := renewed(t)
	p := b.toRenewal("first")
	frozen, _ := b.chosen(p, b.charge(plan.ModeRenewal, 10000).Charge)
	if len(frozen) != 1 || frozen[0].Mode != plan.ModeRenewal || frozen[0].Target != b.Sub {
		t.Fatalf("%+v", frozen)
	}
	reports, err := p.Post(context.Background(), frozen, nil)
	if err != nil || reports[0].Status != plan.StatusPosted || reports[0].Reason != "" {
		t.Fatalf("%v, %+v", err, reports)
	}
	b.Clock.Advance(time.Hour)
	b.Fake.Advance(0)
	invoice := b.draft()
	if invoice.Status != "paid" || invoice.Total != 20000 || len(invoice.LineItems) != 2 ||
		invoice.LineItems[0].Amount != 10000 || invoice.LineItems[0].Type != "subscription" {
		t.Fatalf("%+v", invoice)
	}
	if again := b.post("again", frozen...); again[0].Status != plan.StatusAlreadyPosted || b.Posts() != 1 {
		t.Fatalf("%+v, %d requests", again, b.Posts())
	}
}

// TestRenewalMissed: a draft that was final before the charge was ready leaves it to the next invoice, which is said.
func TestRenewalMissed(t *testing.T) {
	b := renewed(t)
	b.Clock.Advance(2 * time.Hour)
	b.Fake.Advance(0)
	p := b.toRenewal("late")
	frozen, _ := b.chosen(p, b.charge(plan.ModeRenewal, 10000).Charge)
	reports, err := p.Post(context.Background(), frozen, nil)
	if err != nil || frozen[0].Mode != plan.ModeSubscription || reports[0].Status != plan.StatusPosted ||
		!strings.Contains(reports[0].Reason, "invoice "+b.draft().ID+", which ends its period, was paid before") {
		t.Fatalf("%v, %+v, %+v", err, frozen, reports)
	}
	b.Clock.Advance(31 * 24 * time.Hour)
	b.Fake.Advance(0)
	if december := b.draft(); december.Total != 20000 || b.Items(frozen[0].ID)[0].Invoice == nil {
		t.Fatalf("%+v", december)
	}
}

// TestRenewalWaits: neither usage that may arrive nor an invoice that Stripe is about to make is passed over.
func TestRenewalWaits(t *testing.T) {
	b := subscribed(t, october)
	charge := b.charge(plan.ModeSubscription, 10000).Charge
	// Stripe's period ends a little after the charge's, by the clocks of its timezone.
	charge.PeriodEnd = november.Add(-30 * time.Minute)
	for _, test := range []struct {
		at   time.Duration
		want string
		code plan.HoldCode
	}{
		{-25 * time.Minute, "may arrive until 2026-10-31T23:40:00Z", plan.HoldSettling},
		{-20 * time.Minute, "", ""}, // pending, it is on the invoice of the renewal
		{-5 * time.Minute, "about now", plan.HoldAtStripe},
		{5 * time.Minute, "", ""},
	} {
		b.Clock.Advance(november.Add(test.at).Sub(b.Clock.Now()))
		_, reports := b.chosen(b.toRenewal("early"), charge)
		if (test.want == "") != (len(reports) == 0) || test.want != "" && (!strings.Contains(reports[0].Reason, test.want) ||
			plan.JoinCodes(reports[0].HoldCodes) != string(test.code)) {
			t.Errorf("%s: %+v", test.at, reports)
		}
	}
}

// TestRenewalGone: the draft is final, or not there, at some point after the charge was frozen for it. Nothing is lost
// and nothing sent twice: another way is chosen ten minutes later, and the report says so.
func TestRenewalGone(t *testing.T) {
	for _, step := range []string{"frozen", "S2", "S4", "S6", "S8"} {
		b := renewed(t)
		p := b.toRenewal("first")
		frozen, _ := b.chosen(p, b.charge(plan.ModeRenewal, 10000).Charge)
		finalize := func() { b.Request("POST", "/v1/invoices/"+b.draft().ID+"/finalize", "") }
		if step == "frozen" {
			finalize()
		}
		p.at = func(now string) {
			if now == step {
				finalize()
				p.at = func(string) {}
			}
		}
		reports, err := p.Post(context.Background(), frozen, nil)
		if err != nil {
			t.Fatal(err)
		}
		charge := frozen[0]
		if reports[0].Status != plan.StatusPosted {
			if reports[0].Status != plan.StatusOpen || !strings.Contains(reports[0].Reason, "post again in 10 minutes") {
				t.Fatalf("%s: %+v", step, reports)
			}
			b.Clock.Advance(ledger.SettleTime + time.Second)
			if reports, err = b.toRenewal("second").Post(context.Background(), frozen, nil); err != nil {
				t.Fatal(err)
			}
		}
		if reports[0].Status != plan.StatusPosted || !strings.Contains(reports[0].Reason, "is on the next invoice") {
			t.Fatalf("%s: %+v", step, reports)
		}
		if items := b.Items(charge.ID); len(items) != 1 || items[0].Invoice != nil || b.anew.Mode != plan.ModeSubscription {
			t.Fatalf("%s: %+v, %+v", step, items, b.anew)
		}
	}
}

// TestRenewalOthers: what somebody else puts on the draft while a charge is put there is told, and stops nothing.
func TestRenewalOthers(t *testing.T) {
	b := renewed(t)
	p := b.toRenewal("first")
	p.stripe = b.Client(&between{RoundTripper: stripetest.InProcess(b.Fake), act: func() {
		b.Request("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=500&invoice="+b.draft().ID)
	}})
	frozen, _ := b.chosen(p, b.charge(plan.ModeRenewal, 10000).Charge)
	reports, err := p.Post(context.Background(), frozen, nil)
	if err != nil || reports[0].Status != plan.StatusPosted ||
		!strings.Contains(reports[0].Reason, "came to 10000 before item "+reports[0].StripeID+
			" of 10000 and comes to 20500") {
		t.Fatalf("%v, %+v", err, reports)
	}
}

// between acts right before the first request that writes.
type between struct {
	http.RoundTripper
	act func()
}

func (n *between) RoundTrip(request *http.Request) (*http.Response, error) {
	if act := n.act; act != nil && request.Method == http.MethodPost {
		n.act = nil
		act()
	}
	return n.RoundTripper.RoundTrip(request)
}

// TestRenewalRoom: a draft takes the charges that it has room for, in number and amount; the rest is on a later one.
func TestRenewalRoom(t *testing.T) {
	for _, test := range []struct {
		name         string
		charges      int
		minor        int64
		on, otherway int
	}{
		{"many", 210, 100, 199, 11},
		{"large", 3, 48_000_000, 2, 1},
	} {
		b := renewed(t)
		var charges []plan.Charge
		for n := range test.charges {
			charge := b.charge(plan.ModeRenewal, test.minor).Charge
			charge.ID = "oc_" + strings.Repeat("x", n)
			charges = append(charges, charge)
		}
		frozen, _ := b.chosen(b.toRenewal("first"), charges...)
		modes := map[string]int{}
		for _, charge := range frozen {
			modes[charge.Mode]++
		}
		if modes[plan.ModeRenewal] != test.on || len(frozen)-modes[plan.ModeRenewal] != test.otherway {
			t.Errorf("%s: %v", test.name, modes)
		}
	}
}

// TestRenewalRefusedUnseen: Stripe refuses the item, and does not answer when asked whether its draft is final by then.
// Nobody knows that it is refused for good, so it is tried again.
func TestRenewalRefusedUnseen(t *testing.T) {
	b := renewed(t)
	p := b.toRenewal("first")
	frozen, _ := b.chosen(p, b.charge(plan.ModeRenewal, 10000).Charge)
	p.at = func(now string) {
		if now == "S8" {
			b.Fake.Inject(stripefake.Fault{Kind: stripefake.Refuse, Method: "POST", PathPrefix: "/v1/invoiceitems"})
			b.Fake.Inject(stripefake.Fault{
				Kind: stripefake.Unavailable, Method: "GET", PathPrefix: "/v1/invoices/" + b.draft().ID, Skip: 1, Times: -1,
			})
			p.at = func(string) {}
		}
	}
	reports, err := p.Post(context.Background(), frozen, nil)
	if err != nil {
		t.Fatal(err)
	}
	if reports[0].Status != plan.StatusOpen {
		t.Fatalf("%+v, want it open", reports)
	}
	b.Fake.ClearFaults()
	b.Clock.Advance(ledger.SettleTime + time.Second)
	if reports, err = b.toRenewal("again").Post(context.Background(), frozen, nil); err != nil {
		t.Fatal(err)
	}
	if items := b.Items(frozen[0].ID); reports[0].Status != plan.StatusPosted || len(items) != 1 {
		t.Fatalf("%+v, %+v", reports, items)
	}
}
