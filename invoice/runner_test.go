package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// childVariable makes the test binary a process that posts and may be killed: its value is a childOrder in JSON.
const childVariable = "CREDITMILL_TEST_POST"

// childOrder says what the process is to do.
type childOrder struct {
	DSN, URL, Catalog, Step string
	Nth                     int
}

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" && !warehouse.IsEngineChild(os.Args[1:]) {
		if err := postInChild(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	warehousetest.Main(m)
}

// postInChild plans and posts, and kills itself when the step has been reached for the nth time.
func postInChild(text string) error {
	var order childOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return err
	}
	ctx := context.Background()
	w, err := warehouse.Open(ctx, warehouse.Config{DSN: order.DSN, Now: time.Now})
	if err != nil {
		return err
	}
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(order.Catalog))
	if catalog == nil {
		return problems
	}
	seen := 0
	runner, err := newRunner(w, catalog, order.URL, fmt.Sprintf("run_child_%d", os.Getpid()), func(step string) {
		if step == order.Step {
			if seen++; seen == order.Nth {
				syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // the process ends here
				select {}
			}
		}
	})
	if err != nil {
		return err
	}
	plan, err := runner.Plan(ctx)
	if err != nil {
		return err
	}
	_, err = runner.Post(ctx, plan)
	return errors.Join(err, w.Close())
}

func newRunner(
	w *warehouse.Warehouse, catalog *schemas.Catalog, url, runID string, fault func(string),
) (*Runner, error) {
	sleep := func(context.Context, time.Duration) error { return nil }
	client, err := NewStripe(StripeConfig{
		Key: "sk_test_1", BaseURL: url, Now: time.Now, Sleep: sleep, NoRetries: true,
	})
	if err != nil {
		return nil, err
	}
	return NewRunner(Config{
		Warehouse: w, Aggregator: aggregate.New(aggregate.Config{Warehouse: w, Now: time.Now}), Catalog: catalog,
		AsOf: utc("2026-11-02T00:00:00Z"), Stripe: client, StripeAccount: "acct_fake", RunID: runID, Now: time.Now,
		Sleep: sleep, Fault: fault,
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
	s := &shop{t: t, dsn: warehousetest.NewDSN(), catalog: seedCatalog(t)}
	s.w = warehousetest.Open(t, s.dsn)
	fake, err := stripefake.New(stripefake.Config{Now: time.Now})
	s.must(err)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	s.fake, s.url = fake, server.URL
	fake.AddPrice("price_pro", "usd", 10000)
	fake.AddCustomer("cus_1")
	subscription := ""
	if subscribed {
		subscription = fake.AddSubscription("cus_1", "price_pro", time.Now())
	} else {
		fake.SetEmail("cus_1", "billing@example.com")
	}
	_, err = aggregate.ImportCustomers(context.Background(), s.w, aggregate.Import{
		File: "customers.csv", Catalog: s.catalog, Body: strings.NewReader(
			"customer_id,product,starts_at,ends_at,anchor,stripe_customer,stripe_subscription\n" +
				"acme,pro,2026-10-01T00:00:00Z,,,cus_1," + subscription + "\n"),
	}, time.Now())
	s.must(err)
	s.load("2026-10-05T10:00:00Z", "medium-model", 20000)
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
	s.loads++
	ctx := context.Background()
	events, err := s.w.Conn().PrepareBatch(ctx, "INSERT INTO usage_events (load_seq, row_number, source, event_id, "+
		"occurred_at, customer_id, model, input_tokens)")
	s.must(err)
	defer events.Close()
	s.must(events.Append(s.loads, uint64(1), "test", at, utc(at), "acme", model, tokens))
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
	runner, err := newRunner(s.w, s.catalog, s.url, runID, nil)
	s.must(err)
	return runner
}

func (s *shop) plan() Plan {
	s.t.Helper()
	plan, err := s.runner("run_plan").Plan(context.Background())
	s.must(err)
	return plan
}

func (s *shop) post(runID string) []Report {
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
			if report.Status != StatusPosted || report.AmountMinor != 10000 || !strings.HasPrefix(report.StripeID, "ii_") {
				t.Fatalf("%+v", report)
			}
			sent := s.posts()
			report = s.post("run_2")[0]
			if report.Status != StatusAlreadyPosted || report.AmountMinor != 10000 || s.posts() != sent {
				t.Fatalf("%+v, %d requests more", report, s.posts()-sent)
			}
			s.assertAmounts(10000)
			after := s.plan()
			if after.SHA != before.SHA || after.Totals()["usd"].PostedMinor != 10000 {
				t.Fatalf("%s\n%s", body(t, before), body(t, after))
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
	if len(reports) != 2 || reports[0].Status != StatusAlreadyPosted || reports[1].Status != StatusPosted {
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
	_, err := runner.Narrow(changed, old.SHA)
	if !errors.Is(err, ErrPlanChanged) || !strings.Contains(err.Error(), changed.SHA) {
		t.Fatal(err)
	}
	s.fake.Inject(stripefake.Fault{Kind: stripefake.RateLimit, Method: "POST", Times: 8})
	if report := s.post("run_2")[0]; report.Status != StatusOpen {
		t.Fatalf("%+v", report)
	}
	s.fake.ClearFaults()
	s.load("2026-10-21T10:00:00Z", "small-model", 10000)
	now := s.plan()
	resumed, err := runner.Narrow(now, changed.SHA)
	s.must(err)
	reports, err := runner.Post(context.Background(), resumed)
	s.must(err)
	if len(reports) != 1 || reports[0].Status != StatusPosted {
		t.Fatalf("%+v", reports)
	}
	s.assertAmounts(11000)
}

// TestStateAgrees: the fold in SQL, which analysts read, and the one in Go say the same.
func TestStateAgrees(t *testing.T) {
	faults := map[string]stripefake.Fault{
		StatePosted:   {Kind: stripefake.DropAfter, Method: "POST"},
		StateOpen:     {Kind: stripefake.BadGateway, Method: "POST", Times: 20},
		StateRejected: {Kind: stripefake.BadJSON, Method: "GET", PathPrefix: "/none"},
	}
	for state, fault := range faults {
		for _, subscribed := range []bool{true, false} {
			s := newShop(t, subscribed)
			s.fake.Inject(fault)
			if state == StateRejected {
				s.fake.Inject(stripefake.Fault{Kind: stripefake.Refuse, Method: "POST", Times: 20})
			}
			report := s.post("run_1")[0]
			charges, err := s.runner("run_2").ledger.Charges(context.Background(), "acct_fake", false)
			s.must(err)
			if charges[0].State != state {
				t.Fatalf("subscribed %t, %s: state %s, report %+v", subscribed, state, charges[0].State, report)
			}
			if (state == StatePosted) != (report.Status == StatusPosted) || charges[0].StripeID != report.StripeID &&
				state == StatePosted {
				t.Fatalf("%+v, %+v", charges[0], report)
			}
		}
	}
}

// TestKilledPost kills a posting process with SIGKILL after the steps at which something is half done, and then posts
// again: one item, as if nothing had happened. TestKilledAtEveryStep does so for all steps, without a process.
func TestKilledPost(t *testing.T) {
	tests := []struct {
		subscribed bool
		step       string
		nth        int
	}{
		{true, "S1", 1},
		{true, "S6", 1},
		{true, "S8", 1},
		{true, "S9", 1},
		{true, "S10", 1},
		{true, "S12", 1},
		{false, "S9", 1},
		{false, "S10", 1},
		{false, "S8", 2},
		{false, "S9", 2},
		{false, "S8", 3},
		{false, "S9", 3},
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("subscribed %t, %s, time %d", test.subscribed, test.step, test.nth), func(t *testing.T) {
			s := newShop(t, test.subscribed)
			order, err := json.Marshal(childOrder{
				DSN: s.dsn, URL: s.url, Catalog: string(s.catalog.Text), Step: test.step, Nth: test.nth,
			})
			s.must(err)
			child := exec.Command(executable)
			child.Env = append(os.Environ(), childVariable+"="+string(order))
			output, err := child.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the process was not killed at %s: %v\n%s", test.step, err, output)
			}
			if report := s.post("run_after")[0]; report.Status != StatusPosted && report.Status != StatusAlreadyPosted {
				t.Fatalf("%+v", report)
			}
			s.assertAmounts(10000)
			sent := s.posts()
			if report := s.post("run_again")[0]; report.Status != StatusAlreadyPosted || s.posts() != sent {
				t.Fatalf("%+v", report)
			}
		})
	}
}
