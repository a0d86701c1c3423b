package post

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// TestDrift: two runs froze different amounts. Stripe's key lets one through, and the other takes it as it is.
func TestDrift(t *testing.T) {
	b := newBench(t)
	first, second := b.charge(plan.ModeSubscription, 10000), b.charge(plan.ModeSubscription, 10100)
	p := b.poster("killed")
	killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), first) })
	report := b.post("other", second)[0]
	if report.AmountMinor != 10000 || report.Status != plan.StatusOpen ||
		!strings.Contains(report.Reason, "amount 10000") {
		t.Fatalf("report %+v does not tell of the other amount", report)
	}
	if items := b.Items(first.ID); len(items) != 1 || items[0].Amount != 10000 {
		t.Fatalf("Stripe holds %+v", items)
	}
	kinds := b.kinds()
	if !slices.Contains(kinds, ledger.Drift) || !slices.Contains(kinds, ledger.Ack) {
		t.Fatalf("ledger holds %v", kinds)
	}
}

// TestDriftRefused: Stripe knows the key with other parameters and holds nothing yet: it says so with a 400, which is
// no refusal of the charge. The first figures stand once they are there, and nothing is made twice.
func TestDriftRefused(t *testing.T) {
	for what, change := range map[string]func(*plan.FrozenCharge){
		"amount":      func(c *plan.FrozenCharge) { c.AmountMinor = 10100 },
		"description": func(c *plan.FrozenCharge) { c.Product = "other" },
	} {
		b := newBench(t)
		first := b.charge(plan.ModeSubscription, 10000)
		second := first
		change(&second)
		request, err := freezeRequest(second.Charge, "plan", target{subscription: second.Target}, plan.Wording{})
		if err != nil {
			t.Fatal(err)
		}
		second.Request = request
		b.Fake.Inject(fault{Kind: stripefake.Error500, Method: "POST"})
		p := b.poster("killed") // before it can write down what the answer was
		killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), first) })
		report := b.post("other", second)[0]
		if report.Status != plan.StatusOpen || len(b.Items(first.ID)) != 0 {
			t.Fatalf("%s: %+v, %d items", what, report, len(b.Items(first.ID)))
		}
		var codes []string
		for _, row := range b.events.rows {
			codes = append(codes, row.Kind+" "+row.ErrCode)
		}
		if !slices.Contains(codes, ledger.Drift+" idempotency_error") || slices.Contains(b.kinds(), ledger.Reject) {
			t.Fatalf("%s: ledger holds %v", what, codes)
		}
		b.Clock.Advance(25 * time.Hour)
		b.post("first again", first)
		b.assertOnce(first)
	}
}

// TestInterrupted ends a run with an interrupt right before a request. What is under way is finished and written down,
// what is not is left alone, and the next run goes on.
func TestInterrupted(t *testing.T) {
	b := newBench(t)
	first := b.charge(plan.ModeSubscription, 10000)
	b.Fake.AddCustomer("cus_2")
	second := first
	second.ID, second.CustomerID, second.StripeCustomer = "oc_second", "beta", "cus_2"
	second.Target = b.Fake.AddSubscription("cus_2", "price_pro", b.Clock.Now().Add(-24*time.Hour))
	request, err := freezeRequest(second.Charge, "plan", target{subscription: second.Target}, plan.Wording{})
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
	reports, err := p.Post(ctx, []plan.FrozenCharge{first, second}, nil)
	if !errors.Is(err, errInterrupt) || len(reports) != 2 {
		t.Fatalf("%v, %+v", err, reports)
	}
	if reports[0].Status != plan.StatusPosted || reports[1].Status != plan.StatusOpen || b.Posts() != 1 {
		t.Fatalf("%d requests, %+v", b.Posts(), reports)
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
	charge := b.charge(plan.ModeSubscription, maxAmountAccepted+1)
	report := b.post("first", charge)[0]
	if report.Status != plan.StatusHeld || !strings.Contains(report.Reason, "amount_too_large") {
		t.Fatalf("%+v", report)
	}
	before := b.Posts()
	if report := b.post("second", charge)[0]; report.Status != plan.StatusHeld || b.Posts() != before {
		t.Fatalf("%+v", report)
	}
}

const maxAmountAccepted = 99_999_999

// TestCredentials: a refused key ends the run, and the next one goes on.
func TestCredentials(t *testing.T) {
	for _, kind := range []string{stripefake.Unauthorized, stripefake.Forbidden} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		b.Fake.Inject(stripefake.Fault{Kind: kind, Method: "POST"})
		reports, err := b.poster("refused").Post(context.Background(), []plan.FrozenCharge{charge}, nil)
		if !errors.Is(err, stripe.ErrCredentials) || reports[0].Status != plan.StatusOpen {
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
		charge := b.charge(plan.ModeSubscription, 10000)
		p := b.poster("sleeper")
		p.at = func(step string) {
			if step == "S8" {
				p.at = func(string) {}
				b.post("other", charge)
				b.Clock.Advance(asleep)
			}
		}
		reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
		if err != nil || reports[0].Status != plan.StatusPosted {
			t.Fatalf("%v, %+v", err, reports)
		}
		b.assertOnce(charge)
		if b.Posts() != 1 {
			t.Fatalf("%d requests were sent", b.Posts())
		}
	}
}

// TestTwoRunners: another run posts the charge while this one stands after each of its steps.
func TestTwoRunners(t *testing.T) {
	for _, mode := range modes {
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
			if _, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
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
		{"customer deleted", "deleted", func(b *bench) { b.Request("DELETE", "/v1/customers/cus_1", "") }},
		{"subscription canceled", "canceled", func(b *bench) { b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "") }},
		{"subscription paused", "paused", func(b *bench) {
			b.Request("POST", "/v1/subscriptions/"+b.Sub, "pause_collection[behavior]=void")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			charge := b.charge(plan.ModeSubscription, 10000)
			test.prepare(b)
			report := b.post("run", charge)[0]
			if report.Status != plan.StatusHeld || !strings.Contains(report.Reason, test.want) {
				t.Fatalf("%+v", report)
			}
			if len(b.events.rows) != 0 || len(b.Items(charge.ID)) != 0 {
				t.Fatal("something was announced or sent")
			}
		})
	}
}

// TestReadOnly: a client that only reads refuses to write before anything leaves.
func TestReadOnly(t *testing.T) {
	b := newBench(t)
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_bench", BaseURL: "http://127.0.0.1:1", ReadOnly: true, Now: b.Clock.Now, Sleep: b.Clock.Sleep,
		NoRetries: true, Transport: stripetest.InProcess(b.Fake),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := b.poster("reader")
	p.stripe = client
	reports, err := p.Post(context.Background(), []plan.FrozenCharge{b.charge(plan.ModeSubscription, 10000)}, nil)
	if err != nil || reports[0].Status != plan.StatusOpen || b.Posts() != 0 {
		t.Fatalf("%v, %+v, %d writes", err, reports, b.Posts())
	}
}

// TestStripeSettings lists keys and URLs that may not be used.
func TestStripeSettings(t *testing.T) {
	tests := []struct {
		name   string
		config stripe.Config
		ok     bool
	}{
		{"live without consent", stripe.Config{Key: "sk_live_1"}, false},
		{"live", stripe.Config{Key: "rk_live_1", Live: true}, true},
		{"live to a stand-in", stripe.Config{Key: "sk_live_1", Live: true, BaseURL: "http://127.0.0.1:1"}, false},
		{"no key", stripe.Config{Key: "pk_test_1"}, false},
		{"foreign host", stripe.Config{Key: "sk_test_1", BaseURL: "https://api.stripe.com.example.org"}, false},
		{"loopback", stripe.Config{Key: "sk_test_1", BaseURL: "http://[::1]:80/"}, true},
		{"Stripe", stripe.Config{Key: "sk_test_1", BaseURL: "https://api.stripe.com/"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := stripe.New(test.config)
			if (err == nil) != test.ok || err != nil && !errors.Is(err, stripe.ErrSetting) {
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
	charge := b.charge(plan.ModeSubscription, 10000)
	p := b.poster("one")
	p.at = func(step string) {
		if step == "S5" {
			p.at = func(string) {}
			foreign := ledger.Event{
				ChargeID: charge.ID, Step: ledger.StepItem, Epoch: 1, Kind: ledger.Intent, At: b.Clock.Now(), RunID: "two",
			}
			if err := b.events.Append(context.Background(), foreign); err != nil {
				t.Error(err)
			}
		}
	}
	result, again, err := p.round(context.Background(), charge, p.itemStep(charge, ""))
	if err != nil || !again || result.status != plan.StatusOpen || b.Posts() != 0 {
		t.Fatalf("%+v, %t, %v, %d requests", result, again, err, b.Posts())
	}
}

// TestFreeRunners lets eight runs post the same charges at once, unsynchronized.
func TestFreeRunners(t *testing.T) {
	for _, mode := range modes {
		b := newBench(t)
		charge := b.charge(mode, 10000)
		b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: "POST"})
		var runs sync.WaitGroup
		for n := range 8 {
			p := b.poster("run_" + string(rune('a'+n)))
			runs.Go(func() {
				if _, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
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
	charge := b.charge(plan.ModeSubscription, 10000)
	b.Fake.Inject(
		stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST"},
		stripefake.Fault{Kind: stripefake.Refuse, Method: "POST"})
	if report := b.post("run", charge)[0]; report.Status != plan.StatusPosted {
		t.Fatalf("%+v", report)
	}
	if slices.Contains(b.kinds(), ledger.Reject) {
		t.Fatalf("ledger holds %v", b.kinds())
	}
	b.assertOnce(charge)
}
