package invoice

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

func newRunner(w *warehouse.Warehouse, catalog *schemas.Catalog, url, runID string) (*Runner, error) {
	sleep := func(context.Context, time.Duration) error { return nil }
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_1", BaseURL: url, Now: time.Now, Sleep: sleep, NoRetries: true,
	})
	if err != nil {
		return nil, err
	}
	return NewRunner(Config{
		Warehouse: w, Aggregator: aggregate.New(aggregate.Config{Warehouse: w, Now: time.Now}), Catalog: catalog,
		AsOf: utc("2026-11-02T00:00:00Z"), Stripe: client, StripeAccount: "acct_fake", RunID: runID, Now: time.Now,
		Sleep: sleep,
	}), nil
}

// shop is a warehouse with one Pro customer who owes $100.00 for October, and a Stripe that knows the customer.
type shop struct {
	t       *testing.T
	w       *warehouse.Warehouse
	dsn     string
	catalog *schemas.Catalog
	fake    *stripefake.Server
	url     string
	loads   uint64
}

// newShop makes one; without a subscription at Stripe the charge needs an invoice of its own.
func newShop(t *testing.T, subscribed bool) *shop {
	t.Helper()
	s := newShopOf(t, subscribed, seedCatalog(t), "2026-10-01T00:00:00Z")
	s.load("2026-10-05T10:00:00Z", "medium-model", 20000)
	return s
}

// newShopOf makes one with a catalog of its own, whose customer is with Pro from a time on and has used nothing yet.
func newShopOf(t *testing.T, subscribed bool, catalog *schemas.Catalog, startsAt string) *shop {
	t.Helper()
	return newShopIn(t, warehousetest.NewDSN(), subscribed, catalog, startsAt)
}

// newShopIn makes one in the warehouse of that DSN.
func newShopIn(t *testing.T, dsn string, subscribed bool, catalog *schemas.Catalog, startsAt string) *shop {
	t.Helper()
	s := &shop{t: t, dsn: dsn, catalog: catalog}
	s.w = warehousetest.Open(t, s.dsn)
	fake, err := stripefake.New(stripefake.Config{Now: time.Now})
	s.must(err)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	s.fake, s.url = fake, server.URL
	fake.AddPrice("price_pro", "usd", 10000)
	fake.AddCustomer("cus_1")
	ofStripe := ""
	if subscribed {
		ofStripe = fake.AddSubscription("cus_1", "price_pro", time.Now())
	} else {
		fake.SetEmail("cus_1", "billing@example.com")
	}
	_, err = subscription.ImportCustomers(context.Background(), s.w, subscription.Import{
		File: "customers.csv", Catalog: s.catalog, Body: strings.NewReader(
			"customer_id,product,starts_at,ends_at,anchor,stripe_customer,stripe_subscription\n" +
				"acme,pro," + startsAt + ",,,cus_1," + ofStripe + "\n"),
	}, time.Now())
	s.must(err)
	return s
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// load commits one event of acme as a load of its own.
func (s *shop) load(at, model string, tokens uint64) {
	s.t.Helper()
	s.loadOf("acme", at, model, tokens)
}

// loadOf commits one event of a customer as a load of its own.
func (s *shop) loadOf(customer, at, model string, tokens uint64) {
	s.t.Helper()
	s.loads++
	ctx := context.Background()
	events, err := s.w.Conn().PrepareBatch(ctx, "INSERT INTO usage_events (load_seq, row_number, source, event_id, "+
		"occurred_at, customer_id, model, units, quantities)")
	s.must(err)
	defer events.Close()
	s.must(events.Append(s.loads, uint64(1), "test", at, utc(at), customer, model, schemas.UnitInput, []uint64{tokens}))
	s.must(events.Send())
	loads, err := s.w.Conn().PrepareBatch(ctx, "INSERT INTO loads (load_seq, revision, status, rows_loaded, "+
		"occurred_from, occurred_to)")
	s.must(err)
	defer loads.Close()
	s.must(loads.Append(s.loads, uint32(1), "committed", uint64(1), utc(at), utc(at)))
	s.must(loads.Send())
}

func (s *shop) runner(runID string) *Runner {
	s.t.Helper()
	runner, err := newRunner(s.w, s.catalog, s.url, runID)
	s.must(err)
	return runner
}

func (s *shop) plan() plan.Plan {
	s.t.Helper()
	plan, err := s.runner("run_plan").Plan(context.Background())
	s.must(err)
	return plan
}

func (s *shop) post(runID string) []post.Report {
	s.t.Helper()
	runner := s.runner(runID)
	plan, err := runner.Plan(context.Background())
	s.must(err)
	reports, err := runner.Post(context.Background(), plan)
	s.must(err)
	return reports
}

func (s *shop) posts() int {
	count := 0
	for _, request := range s.fake.Requests() {
		if request.Method == "POST" {
			count++
		}
	}
	return count
}

// assertAmounts compares the amounts of all items at Stripe.
func (s *shop) assertAmounts(want ...int64) {
	s.t.Helper()
	var got []int64
	for _, item := range s.fake.Items() {
		got = append(got, item.Amount)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Fatalf("Stripe holds items of %v, want %v", got, want)
	}
}

// TestPostTwice walks the whole path on the engine: the hash stays as it is through posting, and a second post sends
// nothing.
func TestPostTwice(t *testing.T) {
	for _, subscribed := range []bool{true, false} {
		t.Run("subscribed "+strconv.FormatBool(subscribed), func(t *testing.T) {
			s := newShop(t, subscribed)
			before := s.plan()
			if s.posts() != 0 {
				t.Fatal("planning wrote to Stripe")
			}
			report := s.post("run_1")[0]
			if report.Status != plan.StatusPosted || report.AmountMinor != 10000 || !strings.HasPrefix(report.StripeID, "ii_") {
				t.Fatalf("%+v", report)
			}
			sent := s.posts()
			report = s.post("run_2")[0]
			if report.Status != plan.StatusAlreadyPosted || report.AmountMinor != 10000 || s.posts() != sent {
				t.Fatalf("%+v, %d requests more", report, s.posts()-sent)
			}
			s.assertAmounts(10000)
			after := s.plan()
			if after.SHA != before.SHA || after.Totals()["usd"].PostedMinor != 10000 {
				t.Fatalf("%+v\n%+v", before.Charges, after.Charges)
			}
			item := s.fake.Items()[0]
			if (item.Subscription != nil) != subscribed || (item.Invoice == nil) != subscribed {
				t.Fatalf("%+v", item)
			}
		})
	}
}

// TestPostAdjustment: usage that arrives after closing is one more charge, and the closed one stays.
func TestPostAdjustment(t *testing.T) {
	s := newShop(t, true)
	s.post("run_1")
	s.load("2026-10-20T10:00:00Z", "small-model", 10005)
	reports := s.post("run_2")
	if len(reports) != 2 || reports[0].Status != plan.StatusAlreadyPosted || reports[1].Status != plan.StatusPosted {
		t.Fatalf("%+v", reports)
	}
	s.assertAmounts(10000, 1001)
	s.load("2026-10-21T10:00:00Z", "small-model", 5)
	s.post("run_3")
	s.assertAmounts(10000, 1001)
	s.load("2026-10-22T10:00:00Z", "small-model", 5)
	s.post("run_4")
	s.assertAmounts(10000, 1001, 1)
}

// TestPostPlan: a hash that is not the plan's is refused; one that was frozen goes on with what is open of it.
func TestPostPlan(t *testing.T) {
	s := newShop(t, true)
	runner := s.runner("run_1")
	old := s.plan()
	s.load("2026-10-20T10:00:00Z", "small-model", 10000)
	changed := s.plan()
	_, err := changed.Narrow(old.SHA)
	if !errors.Is(err, plan.ErrChanged) || !strings.Contains(err.Error(), changed.SHA) {
		t.Fatal(err)
	}
	s.fake.Inject(stripefake.Fault{Kind: stripefake.RateLimit, Method: "POST", Times: 8})
	if report := s.post("run_2")[0]; report.Status != plan.StatusOpen {
		t.Fatalf("%+v", report)
	}
	s.fake.ClearFaults()
	s.load("2026-10-21T10:00:00Z", "small-model", 10000)
	now := s.plan()
	resumed, err := now.Narrow(changed.SHA)
	s.must(err)
	reports, err := runner.Post(context.Background(), resumed)
	s.must(err)
	if len(reports) != 1 || reports[0].Status != plan.StatusPosted {
		t.Fatalf("%+v", reports)
	}
	s.assertAmounts(11000)
}

// TestStateAgrees: the fold in SQL, which analysts read, and the one in Go say the same.
func TestStateAgrees(t *testing.T) {
	faults := map[string]stripefake.Fault{
		plan.StatePosted:   {Kind: stripefake.DropAfter, Method: "POST"},
		plan.StateOpen:     {Kind: stripefake.BadGateway, Method: "POST", Times: 20},
		plan.StateRejected: {Kind: stripefake.BadJSON, Method: "GET", PathPrefix: "/none"},
	}
	for state, fault := range faults {
		for _, subscribed := range []bool{true, false} {
			s := newShop(t, subscribed)
			s.fake.Inject(fault)
			if state == plan.StateRejected {
				s.fake.Inject(stripefake.Fault{Kind: stripefake.Refuse, Method: "POST", Times: 20})
			}
			report := s.post("run_1")[0]
			charges, err := s.runner("run_2").config.ledger().Charges(context.Background(), "acct_fake", false)
			s.must(err)
			if charges[0].State != state {
				t.Fatalf("subscribed %t, %s: state %s, report %+v", subscribed, state, charges[0].State, report)
			}
			if (state == plan.StatePosted) != (report.Status == plan.StatusPosted) || charges[0].StripeID != report.StripeID &&
				state == plan.StatePosted {
				t.Fatalf("%+v, %+v", charges[0], report)
			}
		}
	}
}
