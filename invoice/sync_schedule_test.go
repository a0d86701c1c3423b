package invoice

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/invoice/sync"
)

// schedule gives a subscription a schedule: its present price until the first time, then each phase until the next. A
// phase is a price, an = and its end, and further parameters of Stripe's.
func (o *office) schedule(subscription, present string, until string, phases ...string) string {
	o.T.Helper()
	o.Request("POST", "/v1/subscription_schedules", "from_subscription="+subscription)
	all := o.Fake.Schedules()
	id := all[len(all)-1].ID
	o.reschedule(id, present, until, phases...)
	return id
}

func (o *office) reschedule(id, present, until string, phases ...string) {
	o.T.Helper()
	var start int64
	for _, schedule := range o.Fake.Schedules() {
		if schedule.ID == id {
			start = schedule.Phases[0].StartDate
		}
	}
	form := fmt.Sprintf("phases[0][start_date]=%d&phases[0][end_date]=%d&phases[0][items][0][price]=%s", start,
		utc(until).Unix(), present)
	for i, phase := range phases {
		price, rest, _ := strings.Cut(phase, "=")
		end, more, _ := strings.Cut(rest, "&")
		form += fmt.Sprintf("&phases[%d][items][0][price]=%s&phases[%[1]d][end_date]=%[3]d", i+1, price, utc(end).Unix())
		if more != "" {
			form += "&" + strings.ReplaceAll(more, "PHASE", fmt.Sprintf("phases[%d]", i+1))
		}
	}
	o.Request("POST", "/v1/subscription_schedules/"+id, form)
}

// scheduled is an office in which Stripe has Pro of acme since 25 October, and it is 20 November.
func scheduled(t *testing.T) (*office, string) {
	t.Helper()
	o := newRules(t, "2026-10-25T00:00:00Z", rulesCatalog, map[string]uint64{
		"2026-11-01T00:00:00Z": 150, "2026-11-26T00:00:00Z": 30, "2026-12-26T00:00:00Z": 600,
	})
	id := o.subscribe("acme", "price_pro")
	o.at("2026-11-20T00:00:00Z")
	o.wantSync("add acme pro 2026-10-25T00:00:00Z never", "")
	return o, id
}

const (
	present   = "price_pro"
	boundary  = "2026-11-25T00:00:00Z"
	proFigure = "pro 10-25 11-25 granted 100 used 150 billable 40 capped 10\n"
	downgrade = "change acme pro 2026-10-25T00:00:00Z 2026-11-25T00:00:00Z\nadd acme basic 2026-11-25T00:00:00Z never"
)

// TestSyncSchedule: what a schedule at Stripe has in store is a change that is scheduled here, from Stripe's boundary
// on, with the figures of the new product; it is taken back or changed with the schedule. Once it took effect it stays.
func TestSyncSchedule(t *testing.T) {
	t.Run("takes effect", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		plan := o.wantSync(downgrade, "")
		if why := plan.Changes[1].Why; why != "Stripe's schedule begins it" {
			t.Fatalf("why: %s", why)
		}
		figures := proFigure + "basic 11-25 12-25 granted 20 used 30 billable 10 capped 0\n" +
			"basic 12-25 01-25 granted 20 used 600 billable 580 capped 0"
		o.wantFigures("2026-12-27T00:00:00Z", figures)
		for _, at := range []string{"2026-11-25T00:00:00Z", "2026-11-25T03:00:00Z", "2026-12-26T00:00:00Z"} {
			o.at(at)
			o.wantSync("", "")
		}
		o.wantFigures("2026-12-27T00:00:00Z", figures)
		o.at("2027-11-26T00:00:00Z") // the schedule is completed, and the subscription goes on
		o.wantSync("", "")
	})
	t.Run("released before", func(t *testing.T) {
		o, id := scheduled(t)
		schedule := o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		o.wantSync(downgrade, "")
		o.Request("POST", "/v1/subscription_schedules/"+schedule+"/release", "")
		plan := o.wantSync("change acme pro 2026-10-25T00:00:00Z never\nremove acme basic 2026-11-25T00:00:00Z never", "")
		if why := plan.Changes[0].Why; why != "it ends never instead of 2026-11-25T00:00:00Z" {
			t.Fatalf("why: %s", why)
		}
		o.at("2026-11-26T00:00:00Z")
		o.wantSync("", "")
		o.wantFigures("2026-11-27T00:00:00Z", proFigure+"pro 11-25 12-25 granted 100 used 30 billable 0 capped 0")
	})
	t.Run("released after", func(t *testing.T) {
		o, id := scheduled(t)
		schedule := o.schedule(id, present, boundary, "price_basic=2026-12-25T00:00:00Z", "price_team=2027-12-25T00:00:00Z")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-25T00:00:00Z\n"+
			"add acme basic 2026-11-25T00:00:00Z 2026-12-25T00:00:00Z\nadd acme team 2026-12-25T00:00:00Z never", "")
		o.wantFigures("2026-12-27T00:00:00Z", proFigure+"basic 11-25 12-25 granted 20 used 30 billable 10 capped 0\n"+
			"team 12-25 01-25 granted 500 used 600 billable 100 capped 0")
		o.at("2026-12-01T00:00:00Z")
		o.wantSync("", "")
		o.Request("POST", "/v1/subscription_schedules/"+schedule+"/release", "")
		o.wantSync("change acme basic 2026-11-25T00:00:00Z never\nremove acme team 2026-12-25T00:00:00Z never", "")
	})
	t.Run("changed before", func(t *testing.T) {
		o, id := scheduled(t)
		schedule := o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		o.wantSync(downgrade, "")
		o.reschedule(schedule, present, "2026-12-25T00:00:00Z", "price_team=2027-12-25T00:00:00Z")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-12-25T00:00:00Z\n"+
			"remove acme basic 2026-11-25T00:00:00Z never\nadd acme team 2026-12-25T00:00:00Z never", "")
		o.wantFigures("2026-12-27T00:00:00Z", proFigure+"pro 11-25 12-25 granted 100 used 30 billable 0 capped 0\n"+
			"team 12-25 01-25 granted 500 used 600 billable 100 capped 0")
	})
	t.Run("ends with it", func(t *testing.T) {
		o, id := scheduled(t)
		schedule := o.schedule(id, present, boundary, "price_basic=2026-12-25T00:00:00Z")
		o.Request("POST", "/v1/subscription_schedules/"+schedule, "end_behavior=cancel")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-25T00:00:00Z\n"+
			"add acme basic 2026-11-25T00:00:00Z 2026-12-25T00:00:00Z", "")
		o.at("2026-12-25T00:00:00Z")
		o.wantSync("", "")
		o.wantFigures("2026-12-27T00:00:00Z", proFigure+"basic 11-25 12-25 granted 20 used 30 billable 10 capped 0\n"+
			"free 12-25 01-01 granted 50 used 600 billable 0 capped 550")
	})
	t.Run("canceled at once", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		o.wantSync(downgrade, "")
		o.Request("DELETE", "/v1/subscriptions/"+id, "")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-20T00:00:00Z\n"+
			"remove acme basic 2026-11-25T00:00:00Z never", "")
	})
	t.Run("in the middle of a period, cycle begun anew", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, "2026-11-22T00:00:00Z",
			"price_team=2027-11-22T00:00:00Z&PHASE[billing_cycle_anchor]=phase_start")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-22T00:00:00Z\n"+
			"add acme team 2026-11-22T00:00:00Z never", "")
		figures := "pro 10-25 11-22 granted 100 used 150 billable 40 capped 10\n" +
			"team 11-22 12-22 granted 500 used 30 billable 0 capped 0\n" +
			"team 12-22 01-22 granted 500 used 600 billable 100 capped 0"
		o.wantFigures("2026-12-27T00:00:00Z", figures)
		o.at("2026-11-23T00:00:00Z")
		o.wantSync("", "")
		o.wantFigures("2026-12-27T00:00:00Z", figures)
	})
	t.Run("with a trial", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, boundary, fmt.Sprintf("price_team=2027-11-25T00:00:00Z&PHASE[trial_end]=%d",
			utc("2026-12-25T00:00:00Z").Unix()))
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-25T00:00:00Z\nadd acme team 2026-11-25T00:00:00Z never", "")
		o.at("2026-11-26T00:00:00Z")
		o.wantSync("", "")
	})
}

// TestSyncScheduleOthers: schedules beside what was attached by hand, and beside another subscription.
func TestSyncScheduleOthers(t *testing.T) {
	t.Run("attached by hand, too", func(t *testing.T) {
		o, id := scheduled(t)
		o.attach("basic", "2026-11-10T00:00:00Z")
		o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		plan := o.wantSync("change acme basic 2026-11-25T00:00:00Z never", "")
		if len(plan.Notes) != 0 || plan.Changes[0].StripeSubscription != id {
			t.Fatalf("%+v", plan)
		}
		o.at("2026-11-26T00:00:00Z")
		o.wantSync("", "")
	})
	t.Run("another attached by hand", func(t *testing.T) {
		o, id := scheduled(t)
		o.attach("basic", "2026-11-10T00:00:00Z")
		o.schedule(id, present, boundary, "price_team=2027-11-25T00:00:00Z")
		o.wantSync("remove acme basic 2026-11-25T00:00:00Z never\nadd acme team 2026-11-25T00:00:00Z never", "")
	})
	t.Run("attached before it", func(t *testing.T) {
		o, id := scheduled(t)
		o.attach("basic", "2026-11-10T00:00:00Z")
		o.schedule(id, present, "2026-12-25T00:00:00Z", "price_team=2027-12-25T00:00:00Z")
		o.wantSync("change acme basic 2026-11-25T00:00:00Z 2026-12-25T00:00:00Z\n"+
			"add acme team 2026-12-25T00:00:00Z never", "")
	})
	t.Run("two at once", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		o.Request("POST", "/v1/subscriptions", "customer=cus_acme&items[0][price]=price_team"+
			"&metadata[creditmill_customer]=acme")
		o.at("2026-11-21T00:00:00Z")
		o.wantSync("", "pro from 2026-10-25T00:00:00Z ("+id+") and team from 2026-11-20T00:00:00Z")
	})
	t.Run("price of no product", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, boundary, "price_other=2027-11-25T00:00:00Z")
		o.wantSync("", "moves subscription "+id+" at 2026-11-25T00:00:00Z to price_other, which no product of the catalog "+
			"has")
		o.at("2026-11-26T00:00:00Z")
		o.wantSync("", "subscription "+id+" is to price_other, which no product of the catalog has")
	})
	t.Run("attach while one is in store", func(t *testing.T) {
		o, id := scheduled(t)
		o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
		o.wantSync(downgrade, "")
		_, err := subscription.Attach(t.Context(), o.w.w, subscription.Change{
			CustomerID: "acme", Product: "team", At: utc("2026-11-21T00:00:00Z"), Catalog: o.catalog,
		}, o.Clock.Now())
		if err == nil || !strings.Contains(err.Error(), "change its schedule at Stripe, then run `creditmill sync`") {
			t.Fatalf("%v", err)
		}
	})
}

// TestSyncScheduledSeats: a phase that keeps the product and changes the number of seats counts from its start, not
// from when a sync sees it.
func TestSyncScheduledSeats(t *testing.T) {
	o, id := scheduled(t)
	schedule := o.schedule(id, present, boundary, "price_pro=2026-12-25T00:00:00Z&PHASE[items][0][quantity]=3",
		"price_pro=2027-12-25T00:00:00Z&PHASE[items][0][quantity]=2")
	plan := o.wantSync("change acme pro 2026-10-25T00:00:00Z never", "")
	if why := plan.Changes[0].Why; why != "Stripe's schedule has 3 seats from 2026-11-25T00:00:00Z, 2 seats from "+
		"2026-12-25T00:00:00Z" {
		t.Fatalf("why: %s", why)
	}
	figures := proFigure + "pro 11-25 12-25 granted 300 used 30 billable 0 capped 0\n" +
		"pro 12-25 01-25 granted 200 used 600 billable 80 capped 320"
	o.wantFigures("2026-12-27T00:00:00Z", figures)
	for _, at := range []string{"2026-11-25T00:00:00Z", "2026-12-25T09:00:00Z"} {
		o.at(at)
		o.wantSync("", "")
	}
	o.wantFigures("2026-12-27T00:00:00Z", figures)

	o.Request("POST", "/v1/subscription_schedules/"+schedule+"/release", "")
	o.wantSync("", "")
	o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_pro&items[0][quantity]=1")
	o.at("2026-12-26T00:00:00Z")
	o.wantSync("change acme pro 2026-10-25T00:00:00Z never", "")
}

// TestSyncScheduleLate: between the start of a phase and Stripe's move to it, a sync does not go back and forth.
func TestSyncScheduleLate(t *testing.T) {
	o, id := scheduled(t)
	o.schedule(id, present, boundary, "price_basic=2027-11-25T00:00:00Z")
	o.wantSync(downgrade, "")
	state, err := sync.ReadState(t.Context(), o.Client(stripetest.InProcess(o.Fake)), sync.Prices(o.catalog))
	o.w.must(err)
	stored, err := subscription.All(t.Context(), o.w.w)
	o.w.must(err)
	for _, late := range []time.Duration{0, time.Second, time.Hour} {
		plan := sync.Compare(sync.Inputs{
			Stripe: state, Catalog: o.catalog, Stored: stored, Now: utc(boundary).Add(late),
			StripeCustomers: map[string]string{"acme": "cus_acme"},
		})
		if len(plan.Changes) > 0 || len(plan.Problems) > 0 {
			t.Errorf("%s late: %+v", late, plan)
		}
	}
}
