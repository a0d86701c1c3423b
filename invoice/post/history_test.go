package post

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// kind says what goes on in a history beside kills, suspensions and faults.
type kind struct {
	// mode is how the charges reach their customer. Empty: ModeSubscription.
	mode string
	// drift: some runs froze other amounts. restore: the ledger is restored from a backup now and then.
	drift, restore bool
	// moved: where a backup knows nothing of the charges, they are frozen again, for another Stripe customer or another
	// way. skewed: each run's clock is off, by too much now and then.
	moved, skewed bool
	// left: some runs leave the charges to the next invoice that others put on the draft of a renewal.
	left bool
	// parts: the first night's charge is one of three items.
	parts bool
	// hostile: Stripe fails with 500 more often than not, and rivals are many.
	hostile bool
}

var hostile = kind{mode: plan.ModeSubscription, hostile: true}

// tally counts what histories went through.
type tally struct {
	histories, charges, runs, requests, faults, kills, restores int
	// doubles and losses are charges that ended at Stripe several times, and not at all.
	doubles, losses int
}

const (
	// moments are those of a night, rivals the most runs that begin in it.
	moments, rivals = 110, 8
)

// past is a history as it goes on.
type past struct {
	*bench
	how    kind
	weak   weakening
	random *rand.Rand
	tally  *tally
	// plans are the charges of the first night, and those of the second beside them, each as it was frozen by some runs
	// and by others.
	plans [2][]plan.FrozenCharge
	// nights is how many of them are due, runs how many have begun, troubled those of them that meet faults.
	nights, runs, troubled int
	live                   []*runner
	// anew are the charges that another way was chosen for, by id.
	anew map[string]plan.FrozenCharge
}

// history is one random run of posters that are killed, suspended and troubled, followed by nights without trouble.
// It returns what is wrong in the end, empty if nothing. It is the Go form of the model that the protocol was found
// with.
func history(t *testing.T, seed uint64, how kind, weak weakening, counted *tally) (wrong string) {
	h := &past{
		bench: newBench(t), how: how, weak: weak, random: rand.New(rand.NewPCG(seed, 1)), tally: counted,
		anew: map[string]plan.FrozenCharge{},
	}
	if how.mode == plan.ModeRenewal {
		h.bench = renewed(t)
	} else if h.random.IntN(3) == 0 { // a renewal comes in between
		h.Sub = h.Fake.AddSubscription("cus_1", "price_pro", h.Clock.Now().Add(-29*24*time.Hour))
	}
	for i, more := range []int64{0, 100} {
		second := h.charge(how.mode, 777+more)
		second.ID, second.Kind = "oc_second", plan.KindAdjustment
		h.plans[i] = []plan.FrozenCharge{h.charge(how.mode, 10000+more), h.frozen(second)}
		if how.parts {
			h.plans[i] = append(h.partsOf(h.plans[i][0], more), h.plans[i][1])
		}
	}
	if how.left {
		h.leave(h.plans[1])
	}
	defer h.end()
	for h.nights = 1; h.nights <= 2; h.nights++ {
		for range moments {
			h.moment()
		}
	}
	h.nights = 2
	h.quiet()
	counted.histories++
	counted.requests += len(h.Fake.Requests())
	for _, charge := range h.plans[0] {
		counted.charges++
		if problem := h.look(charge); problem != "" {
			wrong += fmt.Sprintf("%s %s ", charge.ID, problem)
		}
	}
	return wrong
}

// start begins a run.
func (h *past) start(faulty bool) *runner {
	h.runs++
	h.tally.runs++
	network := stripetest.InProcess(h.Fake)
	if faulty {
		network = troubled{stripetest.InProcess(h.Fake), h.Fake, h.random, h.how.hostile, h.tally}
	} else {
		h.Fake.ClearFaults()
	}
	if h.weak == blindList {
		network = blindNetwork{network}
	}
	p := h.poster(fmt.Sprintf("run_%d", h.runs))
	p.stripe = h.Client(network)
	if h.how.skewed && faulty {
		off := skews[h.random.IntN(len(skews))]
		p.now = func() time.Time { return h.Clock.Now().Add(off) }
		p.stripe = h.ClientAt(p.now, network)
	}
	if h.weak == noGuard {
		// The guard's clock stands still from the announcement on.
		var last time.Time
		p.now = func() time.Time {
			last = h.Clock.Now()
			return last
		}
		p.stripe = h.ClientAt(func() time.Time { return last }, network)
	}
	if h.weak == noSettle || h.weak == noVerify {
		p.events = &weakLog{EventLog: h.events, runID: p.runID, weak: h.weak}
	}
	due := len(h.plans[0]) - 2 + h.nights
	frozen := slices.Clone(h.plans[0][:due])
	if h.how.drift || h.how.left {
		frozen = slices.Clone(h.plans[h.runs%2][:due])
	}
	if h.how.mode == plan.ModeRenewal {
		h.choosesAnew(p, frozen)
	}
	return startRunner(p, frozen)
}

// leave freezes charges of a renewal as those that are left to the next invoice, with the same figures.
func (h *past) leave(charges []plan.FrozenCharge) {
	for i, charge := range h.plans[0] {
		charge.Mode = plan.ModeSubscription
		charges[i] = h.frozen(charge)
	}
}

// choosesAnew lets a run choose another way for charges whose draft is gone, and read what others chose before.
func (h *past) choosesAnew(p *Poster, frozen []plan.FrozenCharge) {
	for i, charge := range frozen {
		if now, moved := h.anew[charge.ID]; moved {
			frozen[i] = now
		}
	}
	p.policy = Policy{Renewal: true, DaysUntilDue: 30}
	p.refreeze = func(_ context.Context, charge plan.FrozenCharge, way target) (plan.FrozenCharge, error) {
		charge, err := goingBy(charge, way, p.words)
		charge.Revision = h.anew[charge.ID].Revision + 1
		h.anew[charge.ID] = charge
		return charge, err
	}
}

// skews are how far clocks are off; above maxSkew nothing is sent.
var skews = []time.Duration{
	0, 100 * time.Second, -100 * time.Second, 11 * time.Minute, -11 * time.Minute, 25 * time.Hour, -25 * time.Hour,
}

var pauses = []float64{30, 5 * 60, 22.97 * 60, 23 * 60, 24.2 * 60, 26 * 60}

// moment lets one thing happen.
func (h *past) moment() {
	random := h.random
	switch x := random.IntN(100); {
	case x == 99 && h.how.mode == plan.ModeRenewal:
		h.meddle()
	case x < 10 && h.troubled < rivals*h.nights:
		h.troubled++
		h.live = append(h.live, h.start(true))
	case x < 15 && len(h.live) > 0:
		i := random.IntN(len(h.live))
		h.live[i].step(false)
		h.tally.kills++
		h.live = append(h.live[:i], h.live[i+1:]...)
	case x < 20:
		h.Clock.Advance(time.Duration(pauses[random.IntN(len(pauses))] * float64(time.Minute)))
	case x < 35:
		h.Clock.Advance(time.Duration(random.IntN(90)) * time.Second)
	case x < 36 && h.how.restore && len(h.events.rows) > 0:
		h.end()
		h.events.truncate(random.IntN(len(h.events.rows) + 1))
		h.Clock.Advance(2 * ledger.SettleTime)
		h.tally.restores++
		if h.how.moved {
			h.events.truncate(0)
			h.move()
		}
	case len(h.live) > 0:
		going := h.live[random.IntN(len(h.live))]
		for range 1 + random.IntN(5) {
			going.step(true)
		}
	}
}

// meddle is what others do to the draft of a renewal: they finalize it, or put a line of their own on it.
func (h *past) meddle() {
	draft := "/v1/invoices/" + h.draft().ID
	if h.random.IntN(2) == 0 {
		h.Try("POST", draft+"/finalize", "")
		return
	}
	h.Try("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=500&invoice="+h.draft().ID)
}

// move freezes all charges again, for one of two Stripe customers and in any mode.
func (h *past) move() {
	modes := []string{plan.ModeSubscription, plan.ModeBillNow, plan.ModeInvoice, plan.ModeDraft}
	customer, mode := fmt.Sprint("cus_", 1+h.random.IntN(2)), modes[h.random.IntN(len(modes))]
	for _, plan := range h.plans {
		for i, charge := range plan {
			plan[i] = h.movedTo(customer, charge, mode)
		}
	}
	clear(h.anew)
}

// end kills all runs.
func (h *past) end() {
	for _, r := range h.live {
		r.step(false)
	}
	h.live = nil
}

// quiet is six nights without trouble, in which those that were suspended wake up now and then; in the end all do.
func (h *past) quiet() {
	for night := range 6 {
		h.Clock.Advance(2 * ledger.SettleTime)
		if night > 0 {
			h.Clock.Advance(24 * time.Hour)
		}
		for last := h.start(false); !last.ended; {
			last.step(true)
		}
		for _, zombie := range h.live {
			for range h.random.IntN(4) {
				zombie.step(true)
			}
		}
	}
	h.Fake.ClearFaults()
	for _, zombie := range h.live {
		for !zombie.ended {
			zombie.step(true)
		}
	}
	h.Clock.Advance(2 * time.Hour)
}

// look says what is wrong with a charge at Stripe. It should be one item of its amount, on one line of one invoice at
// most, and one more run should find it so and send nothing.
func (h *past) look(charge plan.FrozenCharge) string {
	items := h.Items(charge.ID)
	switch {
	case len(items) == 0:
		h.tally.losses++
		return "is lost"
	case len(items) > 1:
		h.tally.doubles++
		return fmt.Sprintf("is there %d times", len(items))
	}
	item := items[0]
	if item.Amount != charge.AmountMinor && (!h.how.drift || item.Amount != charge.AmountMinor+100) {
		return fmt.Sprintf("comes to %d", item.Amount)
	}
	lines, bills := 0, []stripefake.Invoice{}
	status := "pending"
	for _, invoice := range h.Fake.Invoices() {
		if invoice.Metadata[stripe.MetadataBillID] == billed(charge).ID {
			bills = append(bills, invoice)
		}
		for _, line := range invoice.LineItems {
			if line.InvoiceItem != nil && *line.InvoiceItem == item.ID {
				lines++
				status = invoice.Status
			}
		}
	}
	if h.how.moved { // an empty draft that was left behind bills nobody
		bills = slices.DeleteFunc(bills, func(bill stripefake.Invoice) bool { return bill.Total == 0 })
	}
	apart := h.how.moved && charge.Group != nil // its parts may be at both customers, each once
	if len(bills) > 1 && !apart || lines > 1 {
		h.tally.doubles++
		return fmt.Sprintf("is on %d lines, with %d invoices", lines, len(bills))
	}
	want := map[string]string{plan.ModeInvoice: "paid", plan.ModeBillNow: "paid", plan.ModeDraft: "draft"}[charge.Mode]
	report, sent := h.again(charge)
	switch {
	case h.how.moved && status != "pending" && status != "draft" && status != "paid":
		return "is on an invoice that is " + status
	case h.how.moved && (report.Status != plan.StatusAlreadyPosted || sent != 0):
		return fmt.Sprintf("is reported as %+v, %d requests more", report, sent)
	case h.how.moved: // where it was first is where it stays
	case charge.Mode != plan.ModeSubscription && charge.Mode != plan.ModeRenewal && status != want:
		h.tally.losses++
		return "is on an invoice that is " + status
	case report.Status != plan.StatusAlreadyPosted || report.AmountMinor != item.Amount || sent != 0:
		return fmt.Sprintf("is reported as %+v, %d requests more", report, sent)
	case charge.OwnInvoice() && bills[0].Total != h.invoiced(charge):
		return fmt.Sprintf("is on an invoice over %d", bills[0].Total)
	}
	return ""
}

// invoiced is what the invoice of a charge's own comes to: its item, or those of all parts.
func (h *past) invoiced(charge plan.FrozenCharge) int64 {
	sum := int64(0)
	for _, id := range idsOf(charge) {
		for _, item := range h.Items(id) {
			sum += item.Amount
		}
	}
	return sum
}

// again posts a charge once more.
func (h *past) again(charge plan.FrozenCharge) (report Report, sent int) {
	before := h.Posts()
	reports, err := h.poster("again").Post(context.Background(), []plan.FrozenCharge{charge}, nil)
	if err != nil {
		h.T.Fatal(err)
	}
	return reports[0], h.Posts() - before
}

// TestHistories runs random histories against the real poster and the real stripe-go. In every one each charge is at
// Stripe exactly once in the end, with its amount, and on the invoice it belongs on.
func TestHistories(t *testing.T) {
	count := histories(t, 75)
	total := &tally{}
	for _, mode := range modes {
		for _, test := range []struct {
			name           string
			drift, restore bool
			moved, skewed  bool
			left, parts    bool
		}{
			{name: "one plan"},
			{name: "two plans", drift: true},
			{name: "ledger restored", restore: true},
			{name: "both", drift: true, restore: true},
			{name: "ledger lost, customer moved", restore: true, moved: true},
			{name: "clocks apart", restore: true, skewed: true},
			{name: "left to the next invoice by some", restore: true, left: true},
			{name: "by feature", restore: true, parts: true},
			{name: "by feature, two plans", drift: true, parts: true},
			{name: "by feature, customer moved", restore: true, moved: true, parts: true},
		} {
			if test.left && mode != plan.ModeRenewal {
				continue
			}
			t.Run(mode+"/"+test.name, func(t *testing.T) {
				for seed := range count {
					how := kind{
						mode: mode, drift: test.drift, restore: test.restore, moved: test.moved, skewed: test.skewed,
						left: test.left, parts: test.parts,
					}
					if wrong := history(t, seed, how, whole, total); wrong != "" {
						t.Errorf("seed %d: %s", seed, wrong)
					}
				}
			})
		}
	}
	t.Logf("%+v", *total)
}
