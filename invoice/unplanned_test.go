package invoice

import (
	"bytes"
	"context"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/page"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/reprice"
)

// broken are customers whose data cannot be billed, each in a way of its own, what says so, and what people then do.
var broken = map[string]struct {
	reason string
	make   func(s *shop, customer string)
	mend   func(s *shop, charge plan.Charge) error
}{
	"huge": {"amount does not fit", func(s *shop, customer string) {
		s.subscribe(customer, "pro", "2026-10-01 00:00:00", "NULL")
		s.loadOf(customer, "2026-10-05T10:00:00Z", "large-model", math.MaxInt64)
		s.loadOf(customer, "2026-10-06T10:00:00Z", "large-model", math.MaxInt64)
	}, settledByHand},
	"large": {"no such amount can be charged", func(s *shop, customer string) {
		s.subscribe(customer, "pro", "2026-10-01 00:00:00", "NULL")
		s.loadOf(customer, "2026-10-05T10:00:00Z", "medium-model", 1e16)
	}, settledByHand},
	"unknown-product": {`the catalog has no product "gone"`, func(s *shop, customer string) {
		s.subscribe(customer, "gone", "2026-10-01 00:00:00", "NULL")
		s.loadOf(customer, "2026-10-05T10:00:00Z", "medium-model", 20000)
	}, productAdded},
	"overlapping": {"overlap", func(s *shop, customer string) {
		s.subscribe(customer, "pro", "2026-09-01 00:00:00", "NULL")
		s.subscribe(customer, "pro", "2026-10-10 00:00:00", "'2026-10-20 00:00:00'")
		s.loadOf(customer, "2026-10-25T10:00:00Z", "medium-model", 20000)
	}, imported("pro,2026-09-01T00:00:00Z,2026-10-10T00:00:00Z")},
	"backwards": {"before it starts", func(s *shop, customer string) {
		s.subscribe(customer, "pro", "2026-10-01 00:00:00", "'2026-09-01 00:00:00'")
		s.loadOf(customer, "2026-10-05T10:00:00Z", "medium-model", 20000)
	}, imported("pro,2026-10-01T00:00:00Z,")},
	"seats": {"read seats", func(s *shop, customer string) {
		s.subscribe(customer, "pro", "2026-10-01 00:00:00", "NULL")
		s.exec("INSERT INTO subscriptions SELECT * REPLACE ('x=1' AS seats, revision + 1 AS revision) FROM subscriptions " +
			"WHERE customer_id = '" + customer + "'")
		s.loadOf(customer, "2026-10-05T10:00:00Z", "medium-model", 20000)
	}, imported("pro,2026-10-01T00:00:00Z,")},
	"granted": {"does not fit", func(s *shop, customer string) {
		s.subscribe(customer, "pro", "2026-10-01 00:00:00", "NULL")
		for _, id := range []string{"a", "b"} {
			s.exec("INSERT INTO grants (grant_id, customer_id, credit_system, credits, starts_at, expires_at, priority, " +
				"reason, granted_at) SELECT '" + id + "', '" + customer + "', 'ai-credits', toDecimal256('9" +
				strings.Repeat("0", 57) + "', 18), '2026-09-01', NULL, 100, '', now64(3)")
		}
		s.loadOf(customer, "2026-10-05T10:00:00Z", "medium-model", 20000)
	}, grantsRemoved},
}

func (s *shop) exec(statement string) {
	s.t.Helper()
	s.must(s.w.Conn().Exec(context.Background(), statement))
}

// subscribe stores a subscription as no command would.
func (s *shop) subscribe(customer, product, starts, ends string) {
	s.t.Helper()
	s.exec("INSERT INTO subscriptions (customer_id, product, starts_at, ends_at, anchor, origin, revision, changed_at) " +
		"SELECT '" + customer + "', '" + product + "', '" + starts + "', " + ends + ", '" +
		starts + "', 'import', 1, now64(3)")
	s.exec("INSERT INTO customers SELECT '" + customer + "', 'cus_1', 1, now64(3)")
}

// TestOthersGoOn: a customer whose data cannot be billed is held with the reason, and everybody else is billed, shown
// and answered as if it were not there.
func TestOthersGoOn(t *testing.T) {
	s := newShop(t, true)
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		broken[name].make(s, name)
	}
	ctx := context.Background()
	worker := aggregate.New(aggregate.Config{Warehouse: s.w, Now: time.Now})
	run, err := worker.Run(ctx, utc("2026-11-02T00:00:00Z"), s.catalog)
	s.must(err)
	if len(run.Problems) != 5 { // whatever is too much money is credits all the same
		t.Errorf("problems of the run: %v", run.Problems)
	}
	for customer, fails := range map[string]bool{"acme": false, "huge": false, "overlapping": true, "granted": true} {
		_, err := worker.Entitled(ctx, aggregate.EntitledQuery{CustomerID: customer, Feature: "small-model"})
		if (err != nil) != fails {
			t.Errorf("entitled %s: %v", customer, err)
		}
	}
	planned := s.plan()
	ready := 0
	for _, charge := range planned.Charges {
		switch want, isBroken := broken[charge.CustomerID]; {
		case isBroken && (charge.Status != plan.StatusHeld || !strings.Contains(charge.HoldReason, want.reason)):
			t.Errorf("%s is %s: %s", charge.CustomerID, charge.Status, charge.HoldReason)
		case !isBroken:
			ready++
		}
	}
	if len(planned.Charges) != len(broken)+1 || ready != 1 {
		t.Errorf("%+v", planned.Charges)
	}
	s.must(plan.WriteCSV(io.Discard, planned))
	s.must(planned.WriteEntries(io.Discard))
	var written bytes.Buffer
	s.must(page.Page{Plan: planned, Days: s.runner("page").Days(ctx, planned), Timezone: time.UTC}.Write(&written))
	repricing, err := reprice.Reprice(ctx, worker, reprice.Query{
		Before: s.catalog, After: s.catalog, AsOf: utc("2026-11-02T00:00:00Z"),
	})
	s.must(err)
	if len(repricing.Problems) != len(broken) || len(repricing.Rows) != 1 || repricing.Rows[0].CustomerID != "acme" {
		t.Errorf("%d left out, %+v", len(repricing.Problems), repricing.Rows)
	}
	for _, charge := range planned.Charges {
		if charge.CustomerID == "acme" {
			_, err := s.runner("explain").Explain(ctx, charge.ID, false)
			s.must(err)
		}
	}
	s.post("run_1")
	s.assertAmounts(10000)
	check, err := ledger.VerifyPlans(ctx, s.w, worker, func(string, uint64) {})
	s.must(err)
	if !check.OK {
		t.Errorf("%+v", check)
	}
}

// TestUnreadableCharge: a frozen charge that cannot be read any more holds its own period, and nothing else.
func TestUnreadableCharge(t *testing.T) {
	for column, text := range map[string]string{
		"amount_exact": "x", "residual": "", "lines": "{", "request_body": "{}", "currency": "xxx",
	} {
		s := newShop(t, true)
		s.post("run_1")
		s.exec("INSERT INTO charge_plan SELECT * REPLACE ('" + text + "' AS " + column +
			", '2026-01-01 00:00:00' AS frozen_at) FROM charge_plan")
		s.load("2026-10-07T10:00:00Z", "medium-model", 100) // an adjustment, were it readable
		s.subscribe("beta", "pro", "2026-10-01 00:00:00", "NULL")
		s.loadOf("beta", "2026-10-05T10:00:00Z", "medium-model", 20000)
		held, ready := 0, 0
		planned := s.plan()
		s.must(planned.WriteEntries(io.Discard))
		s.must(plan.WriteCSV(io.Discard, planned))
		days := s.runner("page").Days(context.Background(), planned)
		s.must(page.Page{Plan: planned, Days: days, Timezone: time.UTC}.Write(io.Discard))
		for _, charge := range planned.Charges {
			switch {
			case charge.CustomerID == "beta" && charge.Status == plan.StatusReady:
				ready++
			case charge.Status == plan.StatusHeld && charge.Kind == plan.KindAdjustment:
				held++
			}
		}
		if held != 1 || ready != 1 {
			t.Errorf("%s: %+v", column, s.plan().Charges)
		}
		s.post("run_2")
		s.assertAmounts(10000, 10000)
	}
}
