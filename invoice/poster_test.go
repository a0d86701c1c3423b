package invoice

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestDrift: two runs froze different amounts. Stripe's key lets one through, and the other takes it as it is.
func TestDrift(t *testing.T) {
	b := newBench(t)
	first, second := b.charge(ModeSubscription, 10000), b.charge(ModeSubscription, 10100)
	p := b.poster("killed")
	killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), first) })
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

// TestDriftRefused: Stripe knows the key with other parameters and holds nothing yet: it says so with a 400, which is
// no refusal of the charge. The first figures stand once they are there, and nothing is made twice.
func TestDriftRefused(t *testing.T) {
	for what, change := range map[string]func(*FrozenCharge){
		"amount":      func(c *FrozenCharge) { c.AmountMinor = 10100 },
		"description": func(c *FrozenCharge) { c.Product = "other" },
	} {
		b := newBench(t)
		first := b.charge(ModeSubscription, 10000)
		second := first
		change(&second)
		request, err := freezeRequest(second.Charge, "plan", target{subscription: second.Target}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		second.Request = request
		b.fake.Inject(fault{Kind: stripefake.Error500, Method: "POST"})
		p := b.poster("killed") // before it can write down what the answer was
		killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), first) })
		report := b.post("other", second)[0]
		if report.Status != StatusOpen || len(b.items(first.ID)) != 0 {
			t.Fatalf("%s: %+v, %d items", what, report, len(b.items(first.ID)))
		}
		var codes []string
		for _, row := range b.events.rows {
			codes = append(codes, row.Kind+" "+row.ErrCode)
		}
		if !slices.Contains(codes, eventDrift+" idempotency_error") || slices.Contains(b.kinds(), eventReject) {
			t.Fatalf("%s: ledger holds %v", what, codes)
		}
		b.clock.advance(25 * time.Hour)
		b.post("first again", first)
		b.assertOnce(first)
	}
}

// TestInterrupted ends a run with an interrupt right before a request. What is under way is finished and written down,
// what is not is left alone, and the next run goes on.
func TestInterrupted(t *testing.T) {
	b := newBench(t)
	first := b.charge(ModeSubscription, 10000)
	b.fake.AddCustomer("cus_2")
	second := first
	second.ID, second.CustomerID, second.StripeCustomer = "oc_second", "beta", "cus_2"
	second.Target = b.fake.AddSubscription("cus_2", "price_pro", b.clock.now().Add(-24*time.Hour))
	request, err := freezeRequest(second.Charge, "plan", target{subscription: second.Target}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	second.Request = request
	ctx, interrupt := context.WithCancelCause(t.Context())
	errInterrupt := errors.New("interrupted")
	p := b.poster("interrupted")
	p.at = func(step string) {
		if step == "S8" {
			interrupt(errInterrupt)
		}
	}
	reports, err := p.post(ctx, []FrozenCharge{first, second})
	if !errors.Is(err, errInterrupt) || len(reports) != 2 {
		t.Fatalf("%v, %+v", err, reports)
	}
	if reports[0].Status != StatusPosted || reports[1].Status != StatusOpen || b.posts() != 1 {
		t.Fatalf("%d requests, %+v", b.posts(), reports)
	}
	for _, row := range b.events.rows {
		if row.ChargeID == second.ID {
			t.Fatalf("the charge after the interrupt was begun: %+v", row)
		}
	}
	b.post("next", first, second)
	b.assertOnce(first)
	b.assertOnce(second)
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
	report := b.post("first", charge)[0]
	if report.Status != StatusHeld || !strings.Contains(report.Reason, "amount_too_large") {
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
	for _, mode := range []string{ModeSubscription, ModeBillNow, ModeInvoice, ModeDraft} {
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

// TestFreeRunners lets eight runs post the same charges at once, unsynchronized.
func TestFreeRunners(t *testing.T) {
	for _, mode := range []string{ModeSubscription, ModeBillNow, ModeInvoice, ModeDraft} {
		b := newBench(t)
		charge := b.charge(mode, 10000)
		b.fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
		var runs sync.WaitGroup
		for n := range 8 {
			p := b.poster("run_" + string(rune('a'+n)))
			runs.Go(func() {
				if _, err := p.post(context.Background(), []FrozenCharge{charge}); err != nil {
					t.Error(err)
				}
			})
		}
		runs.Wait()
		b.post("last", charge)
		b.assertOnce(charge)
	}
}

// TestRefusedRepeat: a refusal proves nothing of an earlier request whose answer was lost.
func TestRefusedRepeat(t *testing.T) {
	b := newBench(t)
	charge := b.charge(ModeSubscription, 10000)
	b.fake.Inject(
		stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST"},
		stripefake.Fault{Kind: stripefake.Refuse, Method: "POST"})
	if report := b.post("run", charge)[0]; report.Status != StatusPosted {
		t.Fatalf("%+v", report)
	}
	if slices.Contains(b.kinds(), eventReject) {
		t.Fatalf("ledger holds %v", b.kinds())
	}
	b.assertOnce(charge)
}
