package invoice

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestFaults posts one charge through every kind of trouble, in both modes, and asks: one item of the right amount in the
// end, and the next run sends nothing.
func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		faults []stripefake.Fault
		// nights is how many further runs it takes, a day apart.
		nights int
	}{
		{name: "none"},
		{name: "lost on the way", faults: []stripefake.Fault{{Kind: stripefake.DropBefore}}},
		{name: "answer lost", faults: []stripefake.Fault{{Kind: stripefake.DropAfter}}},
		{name: "executed 90 s after the time-out", faults: []stripefake.Fault{{Kind: stripefake.Delayed, DelayS: 90}}, nights: 1},
		{name: "cut body", faults: []stripefake.Fault{{Kind: stripefake.CutBody}}},
		{name: "broken JSON", faults: []stripefake.Fault{{Kind: stripefake.BadJSON}}},
		{name: "empty object", faults: []stripefake.Fault{{Kind: stripefake.EmptyObject}}},
		{name: "another amount", faults: []stripefake.Fault{{Kind: stripefake.Set, Fields: map[string]any{"amount": 1}}}},
		{name: "another customer", faults: []stripefake.Fault{{Kind: stripefake.Set, Fields: map[string]any{"customer": "cus_2"}}}},
		{name: "livemode", faults: []stripefake.Fault{{Kind: stripefake.Set, Fields: map[string]any{"livemode": true}}}},
		{name: "500, nothing made", faults: []stripefake.Fault{{Kind: stripefake.Error500}}, nights: 1},
		{name: "500, item made", faults: []stripefake.Fault{{Kind: stripefake.Error500Done}}},
		{name: "500, item made later", faults: []stripefake.Fault{{Kind: stripefake.Error500Late, DelayS: 100}}, nights: 1},
		{name: "502", faults: []stripefake.Fault{{Kind: stripefake.BadGateway}}},
		{name: "409", faults: []stripefake.Fault{{Kind: stripefake.InUse}}},
		{name: "409 all night", faults: []stripefake.Fault{{Kind: stripefake.InUse, Times: 4}}, nights: 1},
		{name: "429", faults: []stripefake.Fault{{Kind: stripefake.RateLimit}}},
		{name: "429 after a lost answer", faults: []stripefake.Fault{{Kind: stripefake.DropAfter}, {Kind: stripefake.RateLimit}}},
		{name: "lock time-out, kept", faults: []stripefake.Fault{{Kind: stripefake.LockTimeout}}, nights: 1},
	}
	for _, mode := range []string{ModeSubscription, ModeInvoice, ModeDraft} {
		for _, test := range tests {
			for skip := range 3 {
				if skip > 0 && mode == ModeSubscription || skip == 2 && mode == ModeDraft {
					continue
				}
				t.Run(mode+"/"+test.name+"/"+[]string{"first", "second", "third"}[skip], func(t *testing.T) {
					b := newBench(t)
					charge := b.charge(mode, 10000)
					for _, fault := range test.faults {
						fault.Method, fault.Skip = "POST", skip
						b.fake.Inject(fault)
					}
					for range test.nights {
						b.post("faulty", charge)
						b.clock.advance(24 * time.Hour)
					}
					report := b.post("last", charge)[0]
					if report.Status != StatusPosted && report.Status != StatusAlreadyPosted {
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
func (b *bench) assertOnce(charge FrozenCharge) {
	b.t.Helper()
	b.clock.advance(time.Hour)
	items := b.items(charge.ID)
	if len(items) != 1 || items[0].Amount != charge.AmountMinor || items[0].Discountable {
		b.t.Fatalf("Stripe holds %+v", items)
	}
	invoices := 0
	for _, invoice := range b.fake.Invoices() {
		if invoice.Metadata[metadataBillID] != charge.ID {
			continue
		}
		invoices++
		want := map[string]string{ModeInvoice: "paid", ModeDraft: "draft"}[charge.Mode]
		if invoice.Status != want || invoice.Total != charge.AmountMinor {
			b.t.Fatalf("invoice is %s over %d", invoice.Status, invoice.Total)
		}
	}
	if charge.Mode != ModeSubscription && invoices != 1 {
		b.t.Fatalf("%d invoices", invoices)
	}
	before := b.posts()
	if report := b.post("again", charge)[0]; report.Status != StatusAlreadyPosted || report.AmountMinor != items[0].Amount {
		b.t.Fatalf("second post: %+v", report)
	}
	if b.posts() != before {
		b.t.Fatal("the second post wrote to Stripe")
	}
}

// TestLedgerTruncated restores the ledger to every earlier state and posts again.
func TestLedgerTruncated(t *testing.T) {
	for _, mode := range []string{ModeSubscription, ModeInvoice} {
		for keep := 0; ; keep++ {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			b.fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
			b.post("first", charge)
			if keep > len(b.events.rows) {
				break
			}
			b.events.truncate(keep)
			b.clock.advance(20 * time.Minute)
			b.post("second", charge)
			b.assertOnce(charge)
		}
	}
}

// TestKeyPruned: after 24 hours the key makes a new request, so only the list keeps the item from being made again.
func TestKeyPruned(t *testing.T) {
	for _, later := range []time.Duration{23*time.Hour + 59*time.Minute, 24*time.Hour + time.Minute, 34 * time.Hour} {
		b := newBench(t)
		charge := b.charge(ModeSubscription, 10000)
		b.fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
		p := b.poster("killed")
		killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), charge) }) //nolint:errcheck // killed
		b.clock.advance(later)
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
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			charge := b.charge(ModeSubscription, 10000)
			b.fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
			p := b.poster("killed")
			killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), charge) }) //nolint:errcheck // killed
			b.clock.advance(25 * time.Hour)
			test.fault.PathPrefix, test.fault.Method, test.fault.Times = "/v1/invoiceitems", "GET", maxRounds
			b.fake.Inject(test.fault)
			before := b.posts()
			if report := b.post("blind", charge)[0]; report.Status != StatusOpen {
				t.Fatalf("%s, though Stripe could not be asked", report.Status)
			}
			if b.posts() != before {
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
	charge := b.charge(ModeSubscription, 10000)
	b.post("first", charge)
	b.events.truncate(0)
	for n := range 250 {
		other := b.charge(ModeSubscription, int64(n+1))
		other.ID = strings.Replace(other.ID, "oc_", "oc_other_", 1) + string(rune('a'+n%26)) + string(rune('a'+n/26))
		request, err := freezeRequest(other.Charge, "plan", other.Target, nil)
		if err != nil {
			t.Fatal(err)
		}
		other.Request = request
		if outcome, err := b.poster("other").itemStep(other, "").send(
			sendable(b), other.ID); err != nil || outcome.kind != eventAck {
			t.Fatal(outcome, err)
		}
	}
	b.clock.advance(48 * time.Hour)
	b.post("second", charge)
	b.assertOnce(charge)
}

func sendable(b *bench) context.Context {
	ctx, _ := withSending(context.Background(), b.clock.now())
	return ctx
}

// TestDrift: two runs froze different amounts. Stripe's key lets one through, and the other takes it as it is.
func TestDrift(t *testing.T) {
	b := newBench(t)
	first, second := b.charge(ModeSubscription, 10000), b.charge(ModeSubscription, 10100)
	p := b.poster("killed")
	killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), first) }) //nolint:errcheck // killed
	report := b.post("other", second)[0]
	if report.AmountMinor != 10000 || report.Status != StatusOpen || !strings.Contains(report.Reason, "amount 10000") {
		t.Fatalf("report %+v does not tell of the other amount", report)
	}
	if items := b.items(first.ID); len(items) != 1 || items[0].Amount != 10000 {
		t.Fatalf("Stripe holds %+v", items)
	}
	kinds := b.kinds()
	if !slices.Contains(kinds, eventDrift) || !slices.Contains(kinds, eventAck) {
		t.Fatalf("ledger holds %v", kinds)
	}
}

func (b *bench) kinds() []string {
	var kinds []string
	for _, row := range b.events.rows {
		kinds = append(kinds, row.Kind)
	}
	return kinds
}

// TestReject: a first refusal is final, and the charge is not sent again.
func TestReject(t *testing.T) {
	b := newBench(t)
	charge := b.charge(ModeSubscription, maxAmountAccepted+1)
	if report := b.post("first", charge)[0]; report.Status != StatusHeld || !strings.Contains(report.Reason, "amount_too_large") {
		t.Fatalf("%+v", report)
	}
	before := b.posts()
	if report := b.post("second", charge)[0]; report.Status != StatusHeld || b.posts() != before {
		t.Fatalf("%+v", report)
	}
}

const maxAmountAccepted = 99_999_999

// TestCredentials: a refused key ends the run, and the next one goes on.
func TestCredentials(t *testing.T) {
	for _, kind := range []string{stripefake.Unauthorized, stripefake.Forbidden} {
		b := newBench(t)
		charge := b.charge(ModeSubscription, 10000)
		b.fake.Inject(stripefake.Fault{Kind: kind, Method: "POST"})
		reports, err := b.poster("refused").post(context.Background(), []FrozenCharge{charge})
		if !errors.Is(err, ErrCredentials) || reports[0].Status != StatusOpen {
			t.Fatalf("%v, %+v", err, reports)
		}
		b.post("next", charge)
		b.assertOnce(charge)
	}
}

// TestStoppedProcess: a run is suspended between its look at Stripe and its request. What it would send is refused.
func TestStoppedProcess(t *testing.T) {
	for _, asleep := range []time.Duration{3 * time.Minute, 30 * time.Hour} {
		b := newBench(t)
		charge := b.charge(ModeSubscription, 10000)
		p := b.poster("sleeper")
		p.at = func(step string) {
			if step == "S8" {
				p.at = func(string) {}
				b.post("other", charge)
				b.clock.advance(asleep)
			}
		}
		reports, err := p.post(context.Background(), []FrozenCharge{charge})
		if err != nil || reports[0].Status != StatusPosted {
			t.Fatalf("%v, %+v", err, reports)
		}
		b.assertOnce(charge)
		if b.posts() != 1 {
			t.Fatalf("%d requests were sent", b.posts())
		}
	}
}

// TestTwoRunners: another run posts the charge while this one stands after each of its steps.
func TestTwoRunners(t *testing.T) {
	for _, mode := range []string{ModeSubscription, ModeInvoice} {
		for _, step := range []string{"S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11"} {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			p := b.poster("one")
			p.at = func(now string) {
				if now == step {
					p.at = func(string) {}
					b.post("two", charge)
				}
			}
			if _, err := p.post(context.Background(), []FrozenCharge{charge}); err != nil {
				t.Fatal(err)
			}
			b.assertOnce(charge)
		}
	}
}

// TestUnusable lists what keeps a charge back before anything is sent.
func TestUnusable(t *testing.T) {
	tests := []struct {
		name, want string
		prepare    func(b *bench)
	}{
		{"customer deleted", "deleted", func(b *bench) { b.request("DELETE", "/v1/customers/cus_1", "") }},
		{"subscription canceled", "canceled", func(b *bench) { b.request("DELETE", "/v1/subscriptions/"+b.sub, "") }},
		{"subscription paused", "paused", func(b *bench) {
			b.request("POST", "/v1/subscriptions/"+b.sub, "pause_collection[behavior]=void")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			charge := b.charge(ModeSubscription, 10000)
			test.prepare(b)
			report := b.post("run", charge)[0]
			if report.Status != StatusHeld || !strings.Contains(report.Reason, test.want) {
				t.Fatalf("%+v", report)
			}
			if len(b.events.rows) != 0 || len(b.items(charge.ID)) != 0 {
				t.Fatal("something was announced or sent")
			}
		})
	}
}

// TestReadOnly: a client that only reads refuses to write before anything leaves.
func TestReadOnly(t *testing.T) {
	b := newBench(t)
	client, err := NewStripe(StripeConfig{
		Key: "sk_test_bench", BaseURL: "http://127.0.0.1:1", ReadOnly: true, Now: b.clock.now, Sleep: b.clock.sleep,
		NoRetries: true, Transport: inProcess{b.fake},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := b.poster("reader")
	p.stripe = client
	reports, err := p.post(context.Background(), []FrozenCharge{b.charge(ModeSubscription, 10000)})
	if err != nil || reports[0].Status != StatusOpen || b.posts() != 0 {
		t.Fatalf("%v, %+v, %d writes", err, reports, b.posts())
	}
}

// TestStripeSettings lists keys and URLs that may not be used.
func TestStripeSettings(t *testing.T) {
	tests := []struct {
		name   string
		config StripeConfig
		ok     bool
	}{
		{"live without consent", StripeConfig{Key: "sk_live_1"}, false},
		{"live", StripeConfig{Key: "rk_live_1", Live: true}, true},
		{"live to a stand-in", StripeConfig{Key: "sk_live_1", Live: true, BaseURL: "http://127.0.0.1:1"}, false},
		{"no key", StripeConfig{Key: "pk_test_1"}, false},
		{"foreign host", StripeConfig{Key: "sk_test_1", BaseURL: "https://api.stripe.com.example.org"}, false},
		{"loopback", StripeConfig{Key: "sk_test_1", BaseURL: "http://[::1]:80/"}, true},
		{"Stripe", StripeConfig{Key: "sk_test_1", BaseURL: "https://api.stripe.com/"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewStripe(test.config)
			if (err == nil) != test.ok || err != nil && !errors.Is(err, ErrSetting) {
				t.Fatal(err)
			}
			if err != nil && strings.Contains(err.Error(), test.config.Key) {
				t.Fatalf("the key is in the error: %v", err)
			}
		})
	}
}

// TestKilledAtEveryStep ends the work after each step of each request and posts again, at once and a day later.
func TestKilledAtEveryStep(t *testing.T) {
	for _, mode := range []string{ModeSubscription, ModeInvoice, ModeDraft} {
		for _, step := range []string{"S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12"} {
			for nth := range 3 {
				for _, later := range []time.Duration{time.Second, 25 * time.Hour} {
					b := newBench(t)
					charge := b.charge(mode, 10000)
					p := b.poster("killed")
					killNth(p, step, nth, func() {
						if _, err := p.post(context.Background(), []FrozenCharge{charge}); err != nil {
							t.Error(err)
						}
					})
					b.clock.advance(later)
					b.post("next", charge)
					b.assertOnce(charge)
				}
			}
		}
	}
}

// TestSettle: a key that replays a failure is given up only once what Stripe may still be doing under it is done.
func TestSettle(t *testing.T) {
	b := newBench(t)
	charge := b.charge(ModeSubscription, 10000)
	b.fake.Inject(stripefake.Fault{Kind: stripefake.Error500Late, Method: "POST", DelayS: 300})
	report := b.post("first", charge)[0]
	if report.Status != StatusOpen || !strings.Contains(report.Reason, "post again in") {
		t.Fatalf("%+v", report)
	}
	b.clock.advance(time.Minute)
	if report := b.post("early", charge)[0]; report.Status != StatusOpen || len(b.items(charge.ID)) != 0 {
		t.Fatalf("%+v", report)
	}
	b.clock.advance(settleTime)
	b.post("settled", charge)
	b.assertOnce(charge)
	if b.posts() != 2 {
		t.Fatalf("%d requests: the item that Stripe made late was not found", b.posts())
	}
}

// TestForeignAnnouncement: while another run has announced another epoch, nothing is sent.
func TestForeignAnnouncement(t *testing.T) {
	b := newBench(t)
	charge := b.charge(ModeSubscription, 10000)
	p := b.poster("one")
	p.at = func(step string) {
		if step == "S5" {
			p.at = func(string) {}
			foreign := ChargeEvent{
				ChargeID: charge.ID, Step: stepItem, Epoch: 1, Kind: eventIntent, At: b.clock.now(), RunID: "two",
			}
			if err := b.events.Append(context.Background(), foreign); err != nil {
				t.Error(err)
			}
		}
	}
	result, again, err := p.round(context.Background(), charge, p.itemStep(charge, ""))
	if err != nil || !again || result.status != StatusOpen || b.posts() != 0 {
		t.Fatalf("%+v, %t, %v, %d requests", result, again, err, b.posts())
	}
}

// TestFold: the state of a step does not depend on the order or repetition of its events.
func TestFold(t *testing.T) {
	at := utc("2026-11-02T00:00:00Z")
	events := []ChargeEvent{
		{Step: stepItem, Kind: eventIntent, At: at, RunID: "a"},
		{Step: stepItem, Kind: eventPoison, At: at.Add(time.Minute), RunID: "a"},
		{Step: stepItem, Kind: eventIntent, At: at.Add(time.Hour), RunID: "b", Epoch: 1},
		{Step: stepItem, Kind: eventIntent, At: at.Add(-time.Hour), RunID: "c", Epoch: 1},
		{Step: stepInvoice, Kind: eventAck, StripeID: "in_1"},
	}
	want := stepState{epoch: 1, announced: true, lastIntent: at.Add(time.Hour)}
	rapid.Check(t, func(r *rapid.T) {
		shuffled := rapid.Permutation(append(slices.Clone(events), events...)).Draw(r, "order")
		if got := foldStep(shuffled, stepItem); got != want {
			r.Fatalf("%+v", got)
		}
		acked := foldStep(append(shuffled, ChargeEvent{Step: stepItem, Kind: eventAck, StripeID: "ii_1"}), stepItem)
		if acked.ack == nil || acked.ack.StripeID != "ii_1" {
			r.Fatal("an ACK does not win")
		}
	})
}
