package post

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// TestTargetGone: what a charge was frozen for is gone before the charge is there: it takes another way, once,
// whether nothing was announced or a request was lost.
func TestTargetGone(t *testing.T) {
	tests := []struct {
		name, mode, status string
		gone               func(b *bench)
	}{
		{"subscription canceled, with a payment method or e-mail", plan.ModeInvoice, "open", func(b *bench) {
			b.Fake.SetEmail("cus_1", "a@example.com")
			b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
		}},
		{"subscription replaced", plan.ModeSubscription, "pending", func(b *bench) {
			b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
			b.Fake.AddSubscription("cus_1", "price_pro", b.Clock.Now())
		}},
		{"customer replaced", plan.ModeInvoice, "open", func(b *bench) {
			b.Request("DELETE", "/v1/customers/cus_1", "")
			b.Fake.AddCustomer("cus_2")
			b.Fake.SetEmail("cus_2", "a@example.com")
			b.customers = map[string]string{"acme": "cus_2"}
		}},
	}
	for _, test := range tests {
		for _, mode := range []string{plan.ModeSubscription, plan.ModeBillNow} {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/request lost %t", test.name, mode, lost), func(t *testing.T) {
					b := newBench(t)
					charge := b.charge(mode, 10000)
					if lost {
						b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST", Times: -1})
						b.post("lost", charge)
						b.Fake.ClearFaults()
					}
					test.gone(b)
					post := func(run string, charge plan.FrozenCharge) Report {
						reports, err := b.refreezing(run).Post(context.Background(), []plan.FrozenCharge{charge}, b.customers)
						if err != nil {
							t.Fatal(err)
						}
						return reports[0]
					}
					if lost { // it may still be on its way
						if report := post("soon", charge); report.Status != plan.StatusHeld ||
							!strings.Contains(report.Reason, "may be on its way: post again in") || b.anew != nil {
							t.Fatalf("%+v", report)
						}
						b.Clock.Advance(ledger.SettleTime)
					}
					if report := post("anew", charge); report.Status != plan.StatusPosted || b.anew == nil ||
						b.anew.Mode != test.mode {
						t.Fatalf("%+v, %+v", report, b.anew)
					}
					items := b.Items(charge.ID)
					if len(items) != 1 || items[0].Amount != 10000 {
						t.Fatalf("%+v", items)
					}
					sent := b.Posts()
					if report := post("again", *b.anew); report.Status != plan.StatusAlreadyPosted || b.Posts() != sent {
						t.Fatalf("%+v", report)
					}
				})
			}
		}
	}
}

// TestMovedCustomer: the ledger was lost, and the customer has another Stripe customer by now. What was posted to the
// former one is found, and not posted again.
func TestMovedCustomer(t *testing.T) {
	for _, before := range modes {
		for _, after := range modes {
			for requests := 1; requests <= 3; requests++ {
				b := newBench(t)
				charge := b.charge(before, 10000)
				p := b.poster("first")
				killNth(p, "S10", requests-1, func() { _, _ = p.postCharge(context.Background(), charge) })
				there := len(b.Items(charge.ID))
				b.events.truncate(0)
				b.Clock.Advance(25 * time.Hour)
				moved := b.movedTo("cus_2", charge, after)
				reports := b.post("second", moved)
				if items := b.Items(charge.ID); len(items) != 1 || there == 1 && items[0].Customer != "cus_1" {
					t.Fatalf("%s, then %s, after %d requests: %+v, %+v", before, after, requests, items, reports)
				}
				wrote := b.Posts()
				if report := b.post("third", moved)[0]; report.Status != plan.StatusAlreadyPosted || b.Posts() != wrote {
					t.Fatalf("%s, then %s, after %d requests: %+v", before, after, requests, report)
				}
			}
		}
	}
}

// movedTo freezes a charge again for another Stripe customer and in another mode.
func (b *bench) movedTo(customer string, charge plan.FrozenCharge, mode string) plan.FrozenCharge {
	b.T.Helper()
	b.Fake.AddCustomer(customer)
	charge.StripeCustomer, charge.Mode, charge.Target = customer, mode, ""
	switch mode {
	case plan.ModeRenewal:
		charge.Target = b.renewing(customer)
	case plan.ModeSubscription, plan.ModeBillNow:
		charge.Target = b.Fake.AddSubscription(customer, "price_pro", b.Clock.Now().Add(-24*time.Hour))
	}
	return b.frozen(charge)
}

// persons are what people do at Stripe while charges are posted.
var persons = map[string]func(b *bench){
	"cancels the subscription": func(b *bench) { b.Try("DELETE", "/v1/subscriptions/"+b.Sub, "") },
	"pauses the subscription": func(b *bench) {
		b.Try("POST", "/v1/subscriptions/"+b.Sub, "pause_collection[behavior]=void")
	},
	"deletes the customer": func(b *bench) { b.Try("DELETE", "/v1/customers/cus_1", "") },
	"gives an address":     func(b *bench) { b.Fake.SetEmail("cus_1", "a@example.com") },
	"moves to another customer": func(b *bench) {
		b.Fake.AddCustomer("cus_2")
		b.Fake.SetEmail("cus_2", "b@example.com")
		b.customers = map[string]string{"acme": "cus_2"}
	},
	"deletes the draft": func(b *bench) { b.Try("DELETE", "/v1/invoices/"+b.bill(), "") },
	"finalizes the renewal": func(b *bench) {
		if b.renews(b.Sub) {
			b.Try("POST", "/v1/invoices/"+b.draft().ID+"/finalize", "")
		}
	},
	"finalizes the draft": func(b *bench) { b.Try("POST", "/v1/invoices/"+b.bill()+"/finalize", "") },
	"voids the invoice":   func(b *bench) { b.Try("POST", "/v1/invoices/"+b.bill()+"/void", "") },
	"adds a line": func(b *bench) {
		b.Try("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=5&invoice="+b.bill())
	},
	"deletes the item": func(b *bench) {
		for _, item := range b.Fake.Items() {
			b.Try("DELETE", "/v1/invoiceitems/"+item.ID, "")
		}
	},
	"lets a month pass": func(b *bench) { b.Clock.Advance(31 * 24 * time.Hour) },
	"restores a backup": func(b *bench) { b.events.truncate(0) },
}

// TestEveryChargeEnds walks random histories of people, faults and clocks that are off, and asks of each charge in the
// end that it is posted, or that a person can settle it: no state is left in which neither is so. It is at Stripe once
// at most.
func TestEveryChargeEnds(t *testing.T) {
	names := slices.Sorted(maps.Keys(persons))
	ends := map[string]int{}
	for seed := range histories(t, 400) {
		random := rand.New(rand.NewPCG(seed, 2))
		b := newBench(t)
		charge := b.charge(modes[random.IntN(len(modes))], 10000)
		var walk []string
		for range 1 + random.IntN(5) {
			name := names[random.IntN(len(names))]
			walk = append(walk, name)
			persons[name](b)
			p := b.refreezing(fmt.Sprint("run_", len(walk)))
			off := skews[random.IntN(len(skews))]
			p.now = func() time.Time { return b.Clock.Now().Add(off) }
			p.stripe = b.ClientAt(p.now, troubled{stripetest.InProcess(b.Fake), b.Fake, random, false, &tally{}})
			killNth(p, []string{"S2", "S4", "S6", "S9", "S10"}[random.IntN(5)], random.IntN(4), func() {
				_, _ = p.postCharge(context.Background(), b.latest(charge))
			})
			b.Fake.ClearFaults()
			b.Clock.Advance(2 * ledger.SettleTime)
		}
		end, items := b.end(charge), b.Items(charge.ID)
		ends[end]++
		if end == "" || len(items) > 1 {
			t.Errorf("seed %d: %s: ends %q with %d items", seed, strings.Join(walk, ", "), end, len(items))
		}
	}
	t.Logf("%v", ends)
	for _, want := range []string{"posted", "settled by hand", "posted after a person finalized"} {
		if ends[want] == 0 {
			t.Errorf("no history ends %s", want)
		}
	}
}

func (b *bench) latest(charge plan.FrozenCharge) plan.FrozenCharge {
	if b.anew != nil {
		return *b.anew
	}
	return charge
}

// end posts without trouble for some nights and a month and says how the charge ended, empty if it did not.
func (b *bench) end(charge plan.FrozenCharge) string {
	b.T.Helper()
	finalized := ""
	for _, days := range []int{1, 1, 1, 31, 1} {
		b.Clock.Advance(time.Duration(days) * 24 * time.Hour)
		reports, err := b.refreezing("night").Post(context.Background(), []plan.FrozenCharge{b.latest(charge)}, b.customers)
		if err != nil {
			b.T.Fatal(err)
		}
		switch report := reports[0]; {
		case report.Status == plan.StatusAlreadyPosted:
			return "posted" + finalized
		case strings.Contains(report.Reason, "finalize it at Stripe"):
			persons["finalizes the draft"](b)
			finalized = " after a person finalized"
		}
	}
	b.Clock.Advance(ledger.SettleTime)
	latest := b.latest(charge)
	events, err := b.events.Events(context.Background(), []string{charge.ID})
	if err != nil {
		b.T.Fatal(err)
	}
	if ledger.Fold(events, ledger.StepItem).Rejected {
		return "refused, settled by hand"
	}
	if _, err := b.poster("resolve").settleable(context.Background(), latest, events); err != nil {
		b.T.Log(err)
		return ""
	}
	return "settled by hand"
}
