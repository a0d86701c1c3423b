package post

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
)

// oracle forwards each request to stripe-mock, which knows Stripe's schema and keeps nothing, before the fake answers
// it.
type oracle struct {
	http.RoundTripper
	t    *testing.T
	url  string
	seen map[string]int
}

func (o oracle) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	asked, err := http.NewRequest(request.Method, o.url+request.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	asked.Header = request.Header.Clone()
	answer, err := http.DefaultClient.Do(asked)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	if answer.StatusCode != http.StatusOK {
		text, err := io.ReadAll(answer.Body)
		o.t.Errorf("%s %s %s: %d %s %v", request.Method, request.URL, body, answer.StatusCode, text, err)
	}
	parts := strings.Split(request.URL.Path, "/")
	kind := request.Method + " " + parts[2]
	if len(parts) > 3 {
		kind += " " + parts[len(parts)-1][:2]
	}
	o.seen[kind]++
	return o.RoundTripper.RoundTrip(request)
}

// startStripeMock builds stripe-mock from its pinned module and starts it on loopback.
func startStripeMock(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "stripe-mock")
	build := exec.Command("go", "build", "-C", filepath.Join("..", "stripefake", "mockcheck"), "-o", binary,
		"github.com/stripe/stripe-mock")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build stripe-mock: %v\n%s", err, output)
	}
	address := freeAddress(t)
	// Without an address of its own HTTPS would listen on all interfaces.
	mock := exec.Command(binary, "-http-addr", address, "-https-addr", freeAddress(t), "-strict-version-check")
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mock.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = mock.Wait()
	})
	for range 200 {
		if conn, err := net.Dial("tcp", address); err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return "http://" + address
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("stripe-mock does not start")
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// TestRequestSchema sends every kind of request that creditmill makes through stripe-mock: Stripe knows all of their
// parameters at this API version.
func TestRequestSchema(t *testing.T) {
	b := newBench(t)
	network := oracle{RoundTripper: stripetest.InProcess(b.Fake), t: t, url: startStripeMock(t), seen: map[string]int{}}
	client := b.Client(network)
	ctx := context.Background()
	for i, way := range []struct {
		mode string
		paid *collection
	}{
		{plan.ModeSubscription, nil},
		{plan.ModeRenewal, nil},
		{plan.ModeInvoice, &collection{method: "send_invoice", daysUntilDue: 30}},
		{plan.ModeDraft, &collection{method: "charge_automatically", automaticTax: true}},
		{plan.ModeBillNow, &collection{method: "charge_automatically"}},
		{plan.ModeBillNow, &collection{method: "send_invoice", daysUntilDue: 30}},
	} {
		charge, paid := b.charge(way.mode, 10000), way.paid
		charge.ID, charge.Tax = fmt.Sprint(charge.ID, i), &schemas.Tax{Code: "txcd_10103001", Behavior: schemas.TaxExclusive}
		var err error
		way := target{mode: way.mode, subscription: charge.Target, collection: paid}
		if way.mode == plan.ModeRenewal {
			way.draft.id = b.draft().ID
		}
		if charge.Request, err = freezeRequest(charge.Charge, "plan", way, plan.Wording{}); err != nil {
			t.Fatal(err)
		}
		p := b.poster(fmt.Sprintf("run_%d", i))
		p.stripe = client
		if _, _, err := p.choose(ctx, charge.Charge, "", Policy{Renewal: way.mode == plan.ModeRenewal}); err != nil {
			t.Fatal(err)
		}
		reports, err := p.Post(ctx, []plan.FrozenCharge{charge}, nil)
		if err != nil || reports[0].Status != plan.StatusPosted {
			t.Fatalf("%v, %+v", err, reports)
		}
	}
	if _, err := client.Account(ctx, ""); err != nil {
		t.Fatal(err)
	}
	b.Fake.AddCustomer("cus_new")
	for _, customer := range []string{"", "cus_new"} { // the second expires the first
		if _, err := sync.Checkout(ctx, client, sync.CheckoutRequest{
			CustomerID: "acme", StripeCustomer: customer, Price: "price_pro", TrialDays: 14,
			SuccessURL: "https://example.com/{CHECKOUT_SESSION_ID}", CancelURL: "https://example.com/",
		}); err != nil {
			t.Fatal(err)
		}
	}
	network.readAll(client, b.Sub)
	network.repair(b, client)
	network.credit(b)
	for _, kind := range []string{
		"GET customers", "GET invoiceitems ii", "GET subscription_items", "GET subscription_schedules",
		"GET checkout se", "DELETE invoiceitems ii",
		"GET customers cu", "GET subscriptions", "GET subscriptions su", "GET invoiceitems", "POST invoiceitems",
		"GET invoices", "POST invoices", "GET invoices in", "GET invoices li", "POST invoices fi", "GET account",
		"POST checkout se", "POST checkout ex", "GET checkout cs", "POST credit_notes",
	} {
		if network.seen[kind] == 0 {
			t.Errorf("no request of the kind %q was made; there were %v", kind, network.seen)
		}
	}
}

// readAll asks for what a sync and a reconciliation ask for.
func (o oracle) readAll(client *stripe.Client, subscription string) {
	o.t.Helper()
	ctx := context.Background()
	if _, err := sync.ReadState(ctx, client, map[string]string{"price_pro": "pro"}); err != nil {
		o.t.Fatal(err)
	}
	if _, err := client.SubscriptionItems(ctx, subscription); err != nil {
		o.t.Fatal(err)
	}
	if _, err := client.SubscriptionSchedules(ctx); err != nil {
		o.t.Fatal(err)
	}
	if _, _, err := reconcile.Listed(ctx, client, nil, utc("2026-11-02T00:00:00Z")); err != nil {
		o.t.Fatal(err)
	}
}

// repair deletes one of two items of a charge.
func (o oracle) repair(b *bench, client *stripe.Client) {
	o.t.Helper()
	charge := b.charge(plan.ModeSubscription, 10000)
	charge.ID = "oc_twice"
	for range 2 {
		b.Request("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=10000&metadata[charge_id]=oc_twice")
	}
	p := b.poster("repair")
	p.stripe = client
	done, err := p.Repair(context.Background(), charge, 1)
	if err != nil || len(done) != 1 || !done[0].Deleted {
		o.t.Fatalf("%+v, %v", done, err)
	}
}

// credit writes a credit note as a person's tool does: Stripe knows its parameters, and all that the fake answers.
func (o oracle) credit(b *bench) {
	o.t.Helper()
	paid := ""
	for _, invoice := range b.Fake.Invoices() {
		if invoice.Status == "paid" && invoice.AmountPaid >= 100 {
			paid = invoice.ID
		}
	}
	form := "invoice=" + paid + "&amount=100&credit_amount=100&memo=usage+withdrawn&metadata[charge_id]=oc_1"
	answers := []map[string]any{}
	for _, network := range []http.RoundTripper{o, http.DefaultTransport} { // the fake's after the mock's, then the mock's
		request, err := http.NewRequest("POST", o.url+"/v1/credit_notes", strings.NewReader(form))
		if err != nil {
			o.t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer sk_test_person")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := network.RoundTrip(request)
		if err != nil || answer.StatusCode != http.StatusOK {
			o.t.Fatalf("%v, %+v", err, answer)
		}
		fields := map[string]any{}
		if err := json.NewDecoder(answer.Body).Decode(&fields); err != nil {
			o.t.Fatal(err)
		}
		_ = answer.Body.Close()
		answers = append(answers, fields)
	}
	for field := range answers[0] {
		if _, known := answers[1][field]; !known {
			o.t.Errorf("Stripe's credit notes have no field %q", field)
		}
	}
}
