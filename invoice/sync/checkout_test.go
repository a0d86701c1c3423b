package sync

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// TestCheckout: a link asked for twice is one session, in the next bucket too; one whose customer pays already is
// refused, known as Stripe's customer or not yet, and the subscription that comes of it names the customer.
func TestCheckout(t *testing.T) {
	b := stripetest.New(t)
	client := b.Client(stripetest.InProcess(b.Fake))
	ctx := context.Background()
	request := CheckoutRequest{
		CustomerID: "acme", Price: "price_pro", SuccessURL: "https://example.com/{CHECKOUT_SESSION_ID}",
		CancelURL: "https://example.com/",
	}
	first, err := Checkout(ctx, client, request)
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{30 * time.Second, 10 * time.Minute, 20 * time.Minute} {
		b.Clock.Advance(later)
		again, err := Checkout(ctx, client, request)
		if err != nil || first != again || len(b.Fake.Sessions()) != 1 {
			t.Fatalf("%s, then %s, %v, %+v", first, again, err, b.Fake.Sessions())
		}
	}
	session, err := b.Fake.Complete(first[strings.LastIndex(first, "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	if session.Metadata[stripe.MetadataCustomer] != "acme" || session.Subscribed[stripe.MetadataCustomer] != "acme" ||
		session.TrialDays != 0 {
		t.Fatalf("%+v", session)
	}
	for _, customer := range []string{"", *session.Customer} {
		request.StripeCustomer = customer
		if _, err := Checkout(ctx, client, request); !errors.Is(err, errSubscribed) {
			t.Fatal(err)
		}
	}
}

// TestCheckoutTrial: a trial is part of the session's identity, costs nothing at Stripe, and sync reads its end as what
// the periods are counted from.
func TestCheckoutTrial(t *testing.T) {
	b := stripetest.New(t)
	client := b.Client(stripetest.InProcess(b.Fake))
	ctx := context.Background()
	request := CheckoutRequest{
		CustomerID: "acme", Price: "price_pro", SuccessURL: "https://example.com/", CancelURL: "https://example.com/",
	}
	without, err := Checkout(ctx, client, request)
	if err != nil {
		t.Fatal(err)
	}
	request.TrialDays = 14
	link, err := Checkout(ctx, client, request)
	if err != nil || link == without {
		t.Fatalf("%s, then %s, %v", without, link, err)
	}
	if _, err := b.Fake.Complete(link[strings.LastIndex(link, "/")+1:]); err != nil {
		t.Fatal(err)
	}
	start := b.Fake.Now().UTC().Truncate(time.Second)
	end := start.Add(14 * 24 * time.Hour)
	for _, want := range []struct {
		status             string
		from, to           time.Time
		invoices, dueMinor int64
	}{
		{"trialing", start, end, 1, 0},
		{"active", end, end.AddDate(0, 1, 0), 2, 10000},
	} {
		state, err := ReadState(ctx, client, map[string]string{"price_pro": "pro"})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(state.Subscriptions, func(s Subscription) bool { return s.CustomerID == "acme" })
		if i < 0 {
			t.Fatalf("%+v", state)
		}
		got := state.Subscriptions[i]
		if got.Status != want.status || !got.StartsAt.Equal(start) || !got.Anchor.Equal(end) ||
			!got.PeriodStart.Equal(want.from) || !got.PeriodEnd.Equal(want.to) {
			t.Errorf("%s: %+v", want.status, got)
		}
		var count, due int64
		for _, invoice := range b.Fake.Invoices() {
			if invoice.Subscription != nil && *invoice.Subscription == got.ID {
				count, due = count+1, due+invoice.AmountDue
			}
		}
		if count != want.invoices || due != want.dueMinor {
			t.Errorf("%s: %d invoices of %d, want %d of %d", want.status, count, due, want.invoices, want.dueMinor)
		}
		b.Fake.Advance(14 * 24 * time.Hour)
	}
	request.TrialDays = 731
	if _, err := Checkout(ctx, client, request); err == nil || !strings.Contains(err.Error(), "730 days") {
		t.Error(err)
	}
}

// offers is what the tests of Checkout begin with: a second price, and a request for each.
func offers(t *testing.T) (b *stripetest.Bench, pro, plus CheckoutRequest) {
	b = stripetest.New(t)
	b.Fake.AddPrice("price_plus", "usd", 20000)
	pro = CheckoutRequest{
		CustomerID: "acme", Price: "price_pro", SuccessURL: "https://example.com/", CancelURL: "https://example.com/",
	}
	plus = pro
	plus.Price = "price_plus"
	return b, pro, plus
}

// states are those of all sessions, oldest first.
func states(b *stripetest.Bench) string {
	states := []string{}
	for _, session := range b.Fake.Sessions() {
		states = append(states, session.PriceKept+" "+session.Status)
	}
	return strings.Join(states, ", ")
}

// TestCheckoutOther: a link to something else, or for a customer who has a Stripe id by now, expires the one before,
// back and forth within a bucket; other customers' links stay.
func TestCheckoutOther(t *testing.T) {
	b, pro, plus := offers(t)
	client := b.Client(stripetest.InProcess(b.Fake))
	other := pro
	other.CustomerID = "beta"
	known := pro
	known.StripeCustomer = "cus_known"
	b.Fake.AddCustomer("cus_known")
	links := map[string]bool{}
	for _, request := range []CheckoutRequest{other, pro, plus, pro, plus, known} {
		link, err := Checkout(context.Background(), client, request)
		if err != nil || links[link] {
			t.Fatalf("%s, %v", link, err)
		}
		links[link] = true
	}
	want := "price_pro open, price_pro expired, price_plus expired, price_pro expired, price_plus expired, price_pro open"
	if got := states(b); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// TestCheckoutExpiring: a link that ends within minutes is replaced, and one that has ended is none. Made when a bucket
// begins, it is open for 70 minutes.
func TestCheckoutExpiring(t *testing.T) {
	for _, test := range []struct {
		later time.Duration
		want  string
	}{
		{time.Hour - time.Second, "price_pro open"},
		{time.Hour + time.Second, "price_pro expired, price_pro open"},
		{2 * time.Hour, "price_pro expired, price_pro open"},
	} {
		b, pro, _ := offers(t)
		b.Clock.Advance(b.Clock.Now().Truncate(checkoutBucket).Add(checkoutBucket).Sub(b.Clock.Now()))
		client := b.Client(stripetest.InProcess(b.Fake))
		for _, later := range []time.Duration{0, test.later} {
			b.Clock.Advance(later)
			if _, err := Checkout(context.Background(), client, pro); err != nil {
				t.Fatal(err)
			}
		}
		if got := states(b); got != test.want {
			t.Errorf("%s later: %s, want %s", test.later, got, test.want)
		}
	}
}

// meanwhile runs something before a request of a method to a path that ends so, after skip others like it.
type meanwhile struct {
	http.RoundTripper
	method, suffix string
	skip           int
	happens        func()
}

func (m *meanwhile) RoundTrip(request *http.Request) (*http.Response, error) {
	if m.happens != nil && request.Method == m.method && strings.HasSuffix(request.URL.Path, m.suffix) {
		happens := m.happens
		m.skip--
		if m.skip < 0 {
			m.happens = nil
			happens()
		}
	}
	return m.RoundTripper.RoundTrip(request)
}

// TestCheckoutMeanwhile: what happens to the open session while another is asked for: the customer pays it, another
// run expires it, or another run makes one, for the same or for something else.
func TestCheckoutMeanwhile(t *testing.T) {
	tests := []struct {
		name, method, suffix string
		happens              func(b *stripetest.Bench, pro, plus CheckoutRequest)
		err, want            string
	}{
		{"paid before it is expired", "POST", "/expire", func(b *stripetest.Bench, _, _ CheckoutRequest) {
			_, _ = b.Fake.Complete(b.Fake.Sessions()[0].ID)
		}, "was paid meanwhile", "price_pro complete"},
		{"paid before the subscriptions are listed", "GET", "/subscriptions", func(
			b *stripetest.Bench, _, _ CheckoutRequest,
		) {
			_, _ = b.Fake.Complete(b.Fake.Sessions()[0].ID)
		}, "running subscription", "price_pro complete"},
		{"expired by another run", "POST", "/expire", func(b *stripetest.Bench, _, _ CheckoutRequest) {
			b.Request("POST", "/v1/checkout/sessions/"+b.Fake.Sessions()[0].ID+"/expire", "")
		}, "", "price_pro expired, price_plus open"},
		{"the same is asked for", "POST", "/checkout/sessions", func(b *stripetest.Bench, _, plus CheckoutRequest) {
			_, _ = Checkout(context.Background(), b.Client(stripetest.InProcess(b.Fake)), plus)
		}, "", "price_pro expired, price_plus open"},
		{"the same is asked for in the next bucket", "POST", "/checkout/sessions", func(
			b *stripetest.Bench, _, plus CheckoutRequest,
		) {
			late := func() time.Time { return b.Clock.Now().Add(checkoutBucket) }
			_, _ = Checkout(context.Background(), b.ClientAt(late, stripetest.InProcess(b.Fake)), plus)
		}, "", "price_pro expired, price_plus expired, price_plus open"},
		{"something else is asked for", "POST", "/checkout/sessions", func(b *stripetest.Bench, pro, _ CheckoutRequest) {
			_, _ = Checkout(context.Background(), b.Client(stripetest.InProcess(b.Fake)), pro)
		}, "", "price_pro expired, price_pro expired, price_plus open"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, pro, plus := offers(t)
			pro.StripeCustomer, plus.StripeCustomer = "cus_known", "cus_known"
			b.Fake.AddCustomer("cus_known")
			if _, err := Checkout(context.Background(), b.Client(stripetest.InProcess(b.Fake)), pro); err != nil {
				t.Fatal(err)
			}
			happens := func() { test.happens(b, pro, plus) }
			network := &meanwhile{stripetest.InProcess(b.Fake), test.method, test.suffix, 0, happens}
			link, err := Checkout(context.Background(), b.Client(network), plus)
			switch {
			case test.err == "" && (err != nil || *openSession(t, b).URL != link):
				t.Errorf("%s, %v", link, err)
			case test.err != "" && (!errors.Is(err, errSubscribed) || !strings.Contains(err.Error(), test.err)):
				t.Errorf("%s, %v", link, err)
			}
			if got := states(b); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestCheckoutLatest: of two who ask for different things at the same time the later one's link stays, and the other is
// told so.
func TestCheckoutLatest(t *testing.T) {
	b, pro, plus := offers(t)
	network := &meanwhile{stripetest.InProcess(b.Fake), "GET", "/checkout/sessions", 2, func() {
		if _, err := Checkout(context.Background(), b.Client(stripetest.InProcess(b.Fake)), pro); err != nil {
			t.Error(err)
		}
	}}
	link, err := Checkout(context.Background(), b.Client(network), plus)
	if link != "" || err == nil || !strings.Contains(err.Error(), "asked for at the same time") {
		t.Fatalf("%s, %v", link, err)
	}
	if got := states(b); got != "price_plus expired, price_pro open" {
		t.Fatal(got)
	}
}

// openSession is the only session that is open.
func openSession(t *testing.T, b *stripetest.Bench) stripefake.Session {
	t.Helper()
	open := slices.DeleteFunc(b.Fake.Sessions(), func(session stripefake.Session) bool { return session.Status != "open" })
	if len(open) != 1 {
		t.Fatalf("%d open sessions: %s", len(open), states(b))
	}
	return open[0]
}

// TestCheckoutFaults: where the look at the sessions fails or is not whole none is made, and where ending the one
// before fails none is made beside it. The next ask, with Stripe in order, goes through.
func TestCheckoutFaults(t *testing.T) {
	sessions := "/v1/checkout/sessions"
	tests := []struct {
		name, want string
		fault      stripefake.Fault
	}{
		{"list fails", "look for Checkout sessions of customer acme", stripefake.Fault{
			Kind: stripefake.BadGateway, Method: "GET",
		}},
		{"list is no list", "not whole", stripefake.Fault{Kind: stripefake.EmptyObject, Method: "GET"}},
		{"empty page that has more", "not whole", stripefake.Fault{
			Kind: stripefake.Set, Method: "GET", Fields: map[string]any{"data": []any{}, "has_more": true},
		}},
		{"expiry refused", "expire Checkout session cs_test_", stripefake.Fault{Kind: stripefake.Refuse, Method: "POST"}},
		{"expiry forbidden", "permission", stripefake.Fault{Kind: stripefake.Forbidden, Method: "POST"}},
		{"expiry lost", "expire Checkout session cs_test_", stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST"}},
	}
	for _, test := range tests {
		b, pro, plus := offers(t)
		client := b.Client(stripetest.InProcess(b.Fake))
		if _, err := Checkout(context.Background(), client, pro); err != nil {
			t.Fatal(err)
		}
		test.fault.PathPrefix, test.fault.Times = sessions, -1
		b.Fake.Inject(test.fault)
		link, err := Checkout(context.Background(), client, plus)
		if link != "" || err == nil || !strings.Contains(err.Error(), test.want) || states(b) != "price_pro open" {
			t.Errorf("%s: %q, %v, %s", test.name, link, err, states(b))
		}
		b.Fake.ClearFaults()
		if _, err := Checkout(context.Background(), client, plus); err != nil {
			t.Error(err)
		}
		if got := states(b); got != "price_pro expired, price_plus open" {
			t.Errorf("%s: %s", test.name, got)
		}
	}
}

// TestCheckoutPages: the open session is found behind pages of others.
func TestCheckoutPages(t *testing.T) {
	b, pro, _ := offers(t)
	client := b.Client(stripetest.InProcess(b.Fake))
	first, err := Checkout(context.Background(), client, pro)
	if err != nil {
		t.Fatal(err)
	}
	for range 201 {
		b.Request("POST", "/v1/checkout/sessions",
			"mode=subscription&line_items[0][price]=price_pro&success_url=https://example.com/")
	}
	b.Clock.Advance(checkoutBucket)
	if again, err := Checkout(context.Background(), client, pro); err != nil || again != first {
		t.Fatalf("%s, then %s, %v", first, again, err)
	}
}
