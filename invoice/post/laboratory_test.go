package post

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// TestResetConnection loses the answer, whole or in part, on a connection that is kept alive, over real TCP: net/http
// may repeat the request by itself, and stripe-go does. Under the key it is one item.
func TestResetConnection(t *testing.T) {
	for _, test := range []struct {
		kind      string
		noRetries bool
	}{
		{stripefake.DropAfter, true}, {stripefake.DropAfter, false}, {stripefake.CutBody, true}, {stripefake.CutBody, false},
	} {
		b := newBench(t)
		server := httptest.NewServer(b.Fake)
		t.Cleanup(server.Close)
		client, err := stripe.New(stripe.Config{
			Key: "sk_test_bench", BaseURL: server.URL, Now: b.Clock.Now, Sleep: b.Clock.Sleep, NoRetries: test.noRetries,
		})
		if err != nil {
			t.Fatal(err)
		}
		charge := b.charge(plan.ModeSubscription, 10000)
		b.Fake.Inject(stripefake.Fault{Kind: test.kind, Method: "POST", Times: 3})
		p := b.poster("reset")
		p.stripe = client
		reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
		if err != nil || reports[0].Status != plan.StatusPosted {
			t.Fatalf("%v, %+v", err, reports)
		}
		b.Fake.ClearFaults()
		b.assertOnce(charge)
	}
}

// TestGatewayReason: what a gateway answers instead of Stripe is told in words, not as its page.
func TestGatewayReason(t *testing.T) {
	b := newBench(t)
	b.Fake.Inject(stripefake.Fault{Kind: stripefake.BadGateway, Method: "POST", Times: -1})
	report := b.post("first", b.charge(plan.ModeSubscription, 10000))[0]
	if report.Status != plan.StatusOpen || !strings.Contains(report.Reason, "answers 502 and not in JSON") ||
		strings.Contains(report.Reason, "<html>") {
		t.Fatalf("%+v", report)
	}
}

// advised adds Stripe's advice on repeating to failed answers.
type advised struct {
	http.RoundTripper
	advice string
}

func (n advised) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(request)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Header.Set("Stripe-Should-Retry", n.advice)
	}
	return response, err
}

// TestShouldRetry: whether Stripe advises to repeat a failed request or not, it is one item.
func TestShouldRetry(t *testing.T) {
	for _, advice := range []string{"true", "false"} {
		for _, kind := range []string{stripefake.Error500, stripefake.Error500Done, stripefake.BadGateway, stripefake.InUse} {
			b := newBench(t)
			client, err := stripe.New(stripe.Config{
				Key: "sk_test_bench", BaseURL: "http://127.0.0.1:1", Now: b.Clock.Now, Sleep: b.Clock.Sleep,
				Transport: advised{stripetest.InProcess(b.Fake), advice},
			})
			if err != nil {
				t.Fatal(err)
			}
			charge := b.charge(plan.ModeSubscription, 10000)
			b.Fake.Inject(stripefake.Fault{Kind: kind, Method: "POST"})
			p := b.poster("advised")
			p.stripe = client
			if _, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
				t.Fatal(err)
			}
			b.Clock.Advance(24 * time.Hour)
			b.post("next", charge)
			b.assertOnce(charge)
		}
	}
}

// brokenLog fails an append, the row being stored or not, or a read, and all that follow: the warehouse went away.
type brokenLog struct {
	*memoryLog
	appends, reads int // that still work
	stores         bool
}

var errGone = errors.New("the warehouse went away")

func (l *brokenLog) Append(ctx context.Context, events ...ledger.Event) error {
	l.appends--
	if l.appends >= 0 {
		return l.memoryLog.Append(ctx, events...)
	}
	if l.stores {
		_ = l.memoryLog.Append(ctx, events...)
	}
	return errGone
}

func (l *brokenLog) Events(ctx context.Context, chargeIDs []string) ([]ledger.Event, error) {
	l.reads--
	if l.reads >= 0 {
		return l.memoryLog.Events(ctx, chargeIDs)
	}
	return nil, errGone
}

// TestWarehouseGone: the ledger cannot be written at any of its rows, or read at any of its reads. The run ends with
// an error, having sent nothing that is not announced, and the next goes on.
func TestWarehouseGone(t *testing.T) {
	for mode, requests := range map[string]int{
		plan.ModeSubscription: 1, plan.ModeRenewal: 1, plan.ModeBillNow: 3, plan.ModeInvoice: 3, plan.ModeDraft: 2,
	} {
		var logs []brokenLog
		for works := range 2 * requests { // a request has two rows, and before it two reads
			logs = append(logs, brokenLog{appends: works, reads: 100}, brokenLog{appends: works, reads: 100, stores: true},
				brokenLog{appends: 100, reads: works})
		}
		for _, log := range logs {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			p := b.poster("broken")
			log.memoryLog = b.events
			described := fmt.Sprintf("%s, %d appends, %d reads, stores %t", mode, log.appends, log.reads, log.stores)
			p.events = &log
			reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
			if !errors.Is(err, errGone) || reports[0].Status != plan.StatusOpen {
				t.Fatalf("%s: %v, %+v", described, err, reports)
			}
			announced := 0
			for _, kind := range b.kinds() {
				if kind == ledger.Intent {
					announced++
				}
			}
			if b.Posts() > announced {
				t.Fatalf("%s: %d requests were sent, %d announced", described, b.Posts(), announced)
			}
			b.Clock.Advance(time.Minute)
			b.post("next", charge)
			b.assertOnce(charge)
		}
	}
}

// TestSkewedClocks: a run whose clock is far from Stripe's sends nothing and says so; quiet times are measured by
// Stripe's clock, so that one a little off does not cut them short. A clock that jumps back while it posts sends
// nothing.
func TestSkewedClocks(t *testing.T) {
	for skew, refused := range map[time.Duration]bool{
		-2 * time.Hour: true, -3 * time.Minute: true, -100 * time.Second: false, 100 * time.Second: false,
		3 * time.Minute: true, 2 * time.Hour: true,
	} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		// What Stripe fails at takes effect five minutes later.
		b.Fake.Inject(stripefake.Fault{Kind: stripefake.Error500Late, Method: "POST", DelayS: 300})
		b.post("exact", charge)
		late := func() time.Time { return b.Clock.Now().Add(skew) }
		p := b.poster("skewed")
		p.now, p.stripe = late, b.ClientAt(late, stripetest.InProcess(b.Fake))
		sent := b.Posts()
		b.Clock.Advance(4 * time.Minute)
		reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
		if refused != errors.Is(err, stripe.ErrClock) || refused &&
			!strings.Contains(err.Error(), "set this machine's time") {
			t.Fatalf("%s: %v", skew, err)
		}
		if reports[0].Status != plan.StatusOpen || b.Posts() != sent {
			t.Fatalf("%s: %+v, %d requests more", skew, reports, b.Posts()-sent)
		}
		b.Clock.Advance(24 * time.Hour)
		b.post("next", charge)
		b.assertOnce(charge)
	}
	b := newBench(t)
	charge := b.charge(plan.ModeSubscription, 10000)
	p := b.poster("jumps")
	p.at = func(step string) {
		if step == "S8" {
			p.at = func(string) {}
			b.Clock.Advance(-time.Hour)
		}
	}
	if _, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
		t.Fatal(err)
	}
	b.post("next", charge)
	b.assertOnce(charge)
}

// TestChangedBetween: somebody changes things at Stripe after the list and before the request. A refusal is final, a
// renewal takes the item one cycle later, and never is anything sent twice.
func TestChangedBetween(t *testing.T) {
	tests := []struct {
		name, mode, status string
		change             func(b *bench)
	}{
		{"customer deleted", plan.ModeSubscription, plan.StatusHeld, func(b *bench) {
			b.Request("DELETE", "/v1/customers/cus_1", "")
		}},
		{"subscription canceled", plan.ModeSubscription, plan.StatusHeld, func(b *bench) {
			b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
		}},
		{"renewal", plan.ModeSubscription, plan.StatusPosted, func(b *bench) { b.Fake.Advance(31 * 24 * time.Hour) }},
		{"draft finalized by a person", plan.ModeInvoice, plan.StatusHeld, func(b *bench) {
			b.Request("POST", "/v1/invoices/"+b.bill()+"/finalize", "")
		}},
		{"draft deleted by a person", plan.ModeInvoice, plan.StatusHeld, func(b *bench) {
			b.Request("DELETE", "/v1/invoices/"+b.bill(), "")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			charge := b.charge(test.mode, 10000)
			p := b.poster("between")
			passes := map[string]int{plan.ModeSubscription: 1, plan.ModeInvoice: 2}[test.mode]
			p.at = func(step string) {
				if step == "S8" {
					passes--
					if passes == 0 {
						test.change(b)
					}
				}
			}
			reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
			if err != nil || reports[0].Status != test.status {
				t.Fatalf("%v, %+v", err, reports)
			}
			sent := b.Posts()
			b.post("next", charge)
			if b.Posts() != sent || len(b.Items(charge.ID)) > 1 {
				t.Fatalf("%d requests more, %d items", b.Posts()-sent, len(b.Items(charge.ID)))
			}
			if test.status != plan.StatusPosted {
				return
			}
			if item := b.Items(charge.ID)[0]; item.Invoice != nil {
				t.Fatalf("the item is on %s, which was made before it", *item.Invoice)
			}
			b.Fake.Advance(31 * 24 * time.Hour)
			if b.Items(charge.ID)[0].Invoice == nil {
				t.Fatal("the next renewal did not take the item")
			}
		})
	}
}

// bill is the newest invoice with a bill id.
func (b *bench) bill() string {
	id := ""
	for _, invoice := range b.Fake.Invoices() {
		if invoice.Metadata[stripe.MetadataBillID] != "" {
			id = invoice.ID
		}
	}
	return id
}

// TestRemovedByPerson: an item or invoice that a person took away after it was posted is not made again.
func TestRemovedByPerson(t *testing.T) {
	for _, mode := range []string{plan.ModeSubscription, plan.ModeInvoice} {
		b := newBench(t)
		charge := b.charge(mode, 10000)
		b.post("first", charge)
		if mode == plan.ModeSubscription {
			b.Request("DELETE", "/v1/invoiceitems/"+b.Items(charge.ID)[0].ID, "")
		} else {
			b.Fake.Void(b.bill())
		}
		sent := b.Posts()
		if report := b.post("next", charge)[0]; report.Status != plan.StatusAlreadyPosted || b.Posts() != sent {
			t.Fatalf("%+v, %d requests more", report, b.Posts()-sent)
		}
	}
}

// crowd counts the writes that are on their way at once, in all and for each customer.
type crowd struct {
	http.RoundTripper
	mu             sync.Mutex
	now            map[string]int
	most, mostEach int
}

func (n *crowd) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodPost {
		return n.RoundTripper.RoundTrip(request)
	}
	customer := request.Header.Get("Idempotency-Key")[:len("oc_0")]
	n.mu.Lock()
	n.now[customer]++
	total := 0
	for _, count := range n.now {
		total += count
	}
	n.most, n.mostEach = max(n.most, total), max(n.mostEach, n.now[customer])
	n.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.now[customer]--
	}()
	return n.RoundTripper.RoundTrip(request)
}

// TestOneWriteEach: customers are worked on side by side, each with one request at a time.
func TestOneWriteEach(t *testing.T) {
	b := newBench(t)
	var charges []plan.FrozenCharge
	for n := range 9 {
		customer := fmt.Sprint("cus_crowd_", n)
		b.Fake.AddCustomer(customer)
		subscription := b.Fake.AddSubscription(customer, "price_pro", b.Clock.Now())
		for part := range 3 {
			charge := b.charge(plan.ModeSubscription, 10000)
			charge.ID = fmt.Sprintf("oc_%d_%d", n, part)
			charge.StripeCustomer, charge.Target = customer, subscription
			request, err := freezeRequest(charge.Charge, "plan", target{subscription: subscription}, plan.Wording{})
			if err != nil {
				t.Fatal(err)
			}
			charge.Request = request
			charges = append(charges, charge)
		}
	}
	network := &crowd{RoundTripper: stripetest.InProcess(b.Fake), now: map[string]int{}}
	p := b.poster("crowd")
	p.parallel, p.stripe = 4, b.Client(network)
	if _, err := p.Post(context.Background(), charges, nil); err != nil {
		t.Fatal(err)
	}
	if network.most > 4 || network.most < 2 || network.mostEach != 1 || b.Posts() != 27 {
		t.Fatalf("%d at once, %d for one customer, %d requests", network.most, network.mostEach, b.Posts())
	}
}
