package post

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

type fault = stripefake.Fault

// TestFaults posts one charge through every kind of trouble, in both modes, and asks: one item of the right amount in
// the end, and the next run sends nothing.
func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		faults []fault
		// nights is how many further runs it takes, a day apart.
		nights int
	}{
		{name: "none"},
		{name: "lost on the way", faults: []fault{{Kind: stripefake.DropBefore}}},
		{name: "answer lost", faults: []fault{{Kind: stripefake.DropAfter}}},
		{name: "executed 90 s after the time-out", faults: []fault{{Kind: stripefake.Delayed, DelayS: 90}}, nights: 1},
		{name: "cut body", faults: []fault{{Kind: stripefake.CutBody}}},
		{name: "broken JSON", faults: []fault{{Kind: stripefake.BadJSON}}},
		{name: "empty object", faults: []fault{{Kind: stripefake.EmptyObject}}},
		{name: "another amount", faults: []fault{{Kind: stripefake.Set, Fields: map[string]any{"amount": 1}}}},
		{name: "another customer", faults: []fault{{Kind: stripefake.Set, Fields: map[string]any{"customer": "cus_2"}}}},
		{name: "livemode", faults: []fault{{Kind: stripefake.Set, Fields: map[string]any{"livemode": true}}}},
		{name: "500, nothing made", faults: []fault{{Kind: stripefake.Error500}}, nights: 1},
		{name: "500, item made", faults: []fault{{Kind: stripefake.Error500Done}}},
		{name: "500, item made later", faults: []fault{{Kind: stripefake.Error500Late, DelayS: 100}}, nights: 1},
		{name: "502", faults: []fault{{Kind: stripefake.BadGateway}}},
		{name: "503", faults: []fault{{Kind: stripefake.Unavailable}}},
		{name: "503 all night", faults: []fault{{Kind: stripefake.Unavailable, Times: 4, RetryAfterS: 60}}, nights: 1},
		{name: "409", faults: []fault{{Kind: stripefake.InUse}}},
		{name: "409 all night", faults: []fault{{Kind: stripefake.InUse, Times: 4}}, nights: 1},
		{name: "429", faults: []fault{{Kind: stripefake.RateLimit}}},
		{name: "429, later", faults: []fault{{Kind: stripefake.RateLimit, RetryAfterS: 5}}},
		{name: "429 after a lost request", faults: []fault{{Kind: stripefake.DropBefore}, {Kind: stripefake.RateLimit}}},
		{name: "lock time-out, kept", faults: []fault{{Kind: stripefake.LockTimeout}}, nights: 1},
	}
	for _, mode := range modes {
		for _, test := range tests {
			for skip := range 3 {
				rides := mode == plan.ModeSubscription || mode == plan.ModeRenewal
				if skip > 0 && rides || skip == 2 && mode == plan.ModeDraft {
					continue
				}
				t.Run(mode+"/"+test.name+"/"+[]string{"first", "second", "third"}[skip], func(t *testing.T) {
					b := newBench(t)
					charge := b.charge(mode, 10000)
					for _, fault := range test.faults {
						fault.Method, fault.Skip = "POST", skip
						b.Fake.Inject(fault)
					}
					for range test.nights {
						b.post("faulty", charge)
						b.Clock.Advance(24 * time.Hour)
					}
					report := b.post("last", charge)[0]
					if report.Status != plan.StatusPosted && report.Status != plan.StatusAlreadyPosted {
						t.Fatalf("%s: %s", report.Status, report.Reason)
					}
					b.assertOnce(charge)
				})
			}
		}
	}
}

// assertOnce: one item, of the right amount; for charges with an invoice one of those, in the right state; and nothing
// more is sent.
func (b *bench) assertOnce(charge plan.FrozenCharge) {
	b.T.Helper()
	b.Clock.Advance(time.Hour)
	items := b.Items(charge.ID)
	if len(items) != 1 || items[0].Amount != charge.AmountMinor || items[0].Discountable {
		b.T.Fatalf("Stripe holds %+v", items)
	}
	invoices := 0
	for _, invoice := range b.Fake.Invoices() {
		if invoice.Metadata[stripe.MetadataBillID] != charge.ID {
			continue
		}
		invoices++
		want := map[string]string{plan.ModeInvoice: "paid", plan.ModeBillNow: "paid", plan.ModeDraft: "draft"}[charge.Mode]
		if invoice.Status != want || invoice.Total != charge.AmountMinor {
			b.T.Fatalf("invoice is %s over %d", invoice.Status, invoice.Total)
		}
	}
	rides := charge.Mode == plan.ModeSubscription || charge.Mode == plan.ModeRenewal // an invoice that Stripe makes
	if !rides && invoices != 1 {
		b.T.Fatalf("%d invoices", invoices)
	}
	before := b.Posts()
	report := b.post("again", charge)[0]
	if report.Status != plan.StatusAlreadyPosted || report.AmountMinor != items[0].Amount {
		b.T.Fatalf("second post: %+v", report)
	}
	if b.Posts() != before {
		b.T.Fatal("the second post wrote to Stripe")
	}
}

// TestLedgerTruncated restores the ledger to every earlier state and posts again.
func TestLedgerTruncated(t *testing.T) {
	for _, mode := range modes {
		for keep := 0; ; keep++ {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
			b.post("first", charge)
			if keep > len(b.events.rows) {
				break
			}
			b.events.truncate(keep)
			b.Clock.Advance(20 * time.Minute)
			b.post("second", charge)
			b.assertOnce(charge)
		}
	}
}

// TestKeyPruned: after 24 hours the key makes a new request, so only the list keeps the item from being made again.
func TestKeyPruned(t *testing.T) {
	for _, later := range []time.Duration{23*time.Hour + 59*time.Minute, 24*time.Hour + time.Minute, 34 * time.Hour} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
		p := b.poster("killed")
		killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), charge) })
		b.Clock.Advance(later)
		b.post("next", charge)
		b.assertOnce(charge)
	}
}

// TestLists shows that a list which may not be whole never counts as "nothing there".
func TestLists(t *testing.T) {
	tests := []struct {
		name  string
		fault stripefake.Fault
	}{
		{"empty object", stripefake.Fault{Kind: stripefake.EmptyObject}},
		{"empty page that has more", stripefake.Fault{
			Kind: stripefake.Set, Fields: map[string]any{"data": []string{}, "has_more": true},
		}},
		{"items without an id", stripefake.Fault{
			Kind: stripefake.Set, Fields: map[string]any{"data": []map[string]any{{"object": "invoiceitem"}}},
		}},
		{"error", stripefake.Fault{Kind: stripefake.BadGateway}},
		{"no service", stripefake.Fault{Kind: stripefake.Unavailable}},
		{"rate limit", stripefake.Fault{Kind: stripefake.RateLimit, RetryAfterS: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			charge := b.charge(plan.ModeSubscription, 10000)
			b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
			p := b.poster("killed")
			killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), charge) })
			b.Clock.Advance(25 * time.Hour)
			test.fault.PathPrefix, test.fault.Method, test.fault.Times = "/v1/invoiceitems", "GET", maxRounds
			b.Fake.Inject(test.fault)
			before := b.Posts()
			if report := b.post("blind", charge)[0]; report.Status != plan.StatusOpen {
				t.Fatalf("%s, though Stripe could not be asked", report.Status)
			}
			if b.Posts() != before {
				t.Fatal("something was sent, though Stripe could not be asked")
			}
			b.post("next", charge)
			b.assertOnce(charge)
		})
	}
}

// TestLongList finds a charge behind many pages of other items.
func TestLongList(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeSubscription, 10000)
	b.post("first", charge)
	b.events.truncate(0)
	b.others(250)
	b.Clock.Advance(48 * time.Hour)
	b.post("second", charge)
	b.assertOnce(charge)
}

// TestLaterPage: what cannot be read of a list's second page is not "nothing there" either.
func TestLaterPage(t *testing.T) {
	for _, kind := range []string{stripefake.BadGateway, stripefake.EmptyObject, stripefake.CutBody} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		b.post("first", charge)
		b.events.truncate(0)
		b.others(101)
		b.Clock.Advance(48 * time.Hour)
		before := b.Posts()
		for skip := 1; skip < 2*maxRounds; skip++ { // every second page of every round
			b.Fake.Inject(fault{Kind: kind, Method: "GET", PathPrefix: "/v1/invoiceitems", Skip: 1})
		}
		if report := b.post("blind", charge)[0]; report.Status != plan.StatusOpen || b.Posts() != before {
			t.Fatalf("%s: %+v, %d requests, though not every page could be read", kind, report, b.Posts()-before)
		}
		b.Fake.ClearFaults()
		b.post("next", charge)
		b.assertOnce(charge)
	}
}

// others makes so many items of other charges.
func (b *bench) others(count int) {
	b.T.Helper()
	for n := range count {
		other := b.charge(plan.ModeSubscription, int64(n+1))
		other.ID = strings.Replace(other.ID, "oc_", "oc_other_", 1) + string(rune('a'+n%26)) + string(rune('a'+n/26))
		request, err := freezeRequest(other.Charge, "plan", target{subscription: other.Target}, plan.Wording{})
		if err != nil {
			b.T.Fatal(err)
		}
		other.Request = request
		if outcome, err := b.poster("other").itemStep(other, "").send(
			sendable(b), other.ID); err != nil || outcome.kind != ledger.Ack {
			b.T.Fatal(outcome, err)
		}
	}
}

func sendable(b *bench) context.Context {
	ctx, _ := stripe.Announced(context.Background(), b.Clock.Now())
	return ctx
}

// TestKilledAtEveryStep ends the work after each step of each request and posts again, at once and a day later.
func TestKilledAtEveryStep(t *testing.T) {
	for _, mode := range modes {
		for _, step := range []string{"S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12"} {
			for nth := range 3 {
				for _, later := range []time.Duration{time.Second, 25 * time.Hour} {
					b := newBench(t)
					charge := b.charge(mode, 10000)
					p := b.poster("killed")
					killNth(p, step, nth, func() {
						if _, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
							t.Error(err)
						}
					})
					b.Clock.Advance(later)
					b.post("next", charge)
					b.assertOnce(charge)
				}
			}
		}
	}
}

// TestNextEpoch: Stripe keeps a failure under its key for a day. The charge does not wait for that: once what may be
// under way is done, it goes out under the key of the next epoch.
func TestNextEpoch(t *testing.T) {
	for _, kind := range []string{stripefake.Error500, stripefake.LockTimeout} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		b.Fake.Inject(fault{Kind: kind, Method: "POST"})
		if report := b.post("first", charge)[0]; report.Status != plan.StatusOpen {
			t.Fatalf("%s: %+v", kind, report)
		}
		b.Clock.Advance(ledger.SettleTime + time.Minute)
		if report := b.post("second", charge)[0]; report.Status != plan.StatusPosted {
			t.Fatalf("%s: %+v", kind, report)
		}
		var keys []string
		for _, request := range b.Fake.Requests() {
			if request.Method == "POST" {
				keys = append(keys, request.IdempotencyKey)
			}
		}
		// The first may be sent twice: that is how the failure is seen to be kept.
		if want := []string{charge.ID + ":ii:0", charge.ID + ":ii:1"}; !slices.Equal(slices.Compact(keys), want) {
			t.Fatalf("%s: keys %v, want %v", kind, keys, want)
		}
		b.assertOnce(charge)
	}
}

// TestAnswerOfAnother: an answer that does not show what was sent counts for nothing, and the item is looked for.
func TestAnswerOfAnother(t *testing.T) {
	for field, value := range map[string]any{"customer": "cus_2", "livemode": true, "amount": 1, "currency": "eur"} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		b.Fake.Inject(fault{Kind: stripefake.Set, Method: "POST", Fields: map[string]any{field: value}})
		b.post("first", charge)
		invalid := slices.ContainsFunc(b.events.rows, func(row ledger.Event) bool {
			return row.Kind == ledger.Unknown && row.ErrCode == "answer_invalid"
		})
		if !invalid {
			t.Errorf("%s: ledger holds %v, want an answer that counts for nothing", field, b.kinds())
		}
		b.assertOnce(charge)
	}
}

// TestSettle: a key that replays a failure is given up only once what Stripe may still be doing under it is done.
func TestSettle(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeSubscription, 10000)
	b.Fake.Inject(stripefake.Fault{Kind: stripefake.Error500Late, Method: "POST", DelayS: 300})
	report := b.post("first", charge)[0]
	if report.Status != plan.StatusOpen || !strings.Contains(report.Reason, "post again in") {
		t.Fatalf("%+v", report)
	}
	b.Clock.Advance(time.Minute)
	if report := b.post("early", charge)[0]; report.Status != plan.StatusOpen || len(b.Items(charge.ID)) != 0 {
		t.Fatalf("%+v", report)
	}
	b.Clock.Advance(ledger.SettleTime)
	b.post("settled", charge)
	b.assertOnce(charge)
	if b.Posts() != 2 {
		t.Fatalf("%d requests: the item that Stripe made late was not found", b.Posts())
	}
}
