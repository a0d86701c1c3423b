package invoice

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestTargetGone: what a charge was frozen for is gone before the charge is there: it takes another way, once,
// whether nothing was announced or a request was lost.
func TestTargetGone(t *testing.T) {
	tests := []struct {
		name, mode, status string
		gone               func(b *bench)
	}{
		{"subscription canceled, with a payment method or e-mail", ModeInvoice, "open", func(b *bench) {
			b.fake.SetEmail("cus_1", "a@example.com")
			b.request("DELETE", "/v1/subscriptions/"+b.sub, "")
		}},
		{"subscription replaced", ModeSubscription, "pending", func(b *bench) {
			b.request("DELETE", "/v1/subscriptions/"+b.sub, "")
			b.fake.AddSubscription("cus_1", "price_pro", b.clock.now())
		}},
		{"customer replaced", ModeInvoice, "open", func(b *bench) {
			b.request("DELETE", "/v1/customers/cus_1", "")
			b.fake.AddCustomer("cus_2")
			b.fake.SetEmail("cus_2", "a@example.com")
			b.customers = map[string]string{"acme": "cus_2"}
		}},
	}
	for _, test := range tests {
		for _, mode := range []string{ModeSubscription, ModeBillNow} {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/request lost %t", test.name, mode, lost), func(t *testing.T) {
					b := newBench(t)
					charge := b.charge(mode, 10000)
					if lost {
						b.fake.Inject(stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST", Times: -1})
						b.post("lost", charge)
						b.fake.ClearFaults()
					}
					test.gone(b)
					post := func(run string, charge FrozenCharge) Report {
						reports, err := b.refreezing(run).post(context.Background(), []FrozenCharge{charge})
						if err != nil {
							t.Fatal(err)
						}
						return reports[0]
					}
					if lost { // it may still be on its way
						if report := post("soon", charge); report.Status != StatusHeld ||
							!strings.Contains(report.Reason, "may be on its way: post again in") || b.anew != nil {
							t.Fatalf("%+v", report)
						}
						b.clock.advance(settleTime)
					}
					if report := post("anew", charge); report.Status != StatusPosted || b.anew == nil || b.anew.Mode != test.mode {
						t.Fatalf("%+v, %+v", report, b.anew)
					}
					items := b.items(charge.ID)
					if len(items) != 1 || items[0].Amount != 10000 {
						t.Fatalf("%+v", items)
					}
					sent := b.posts()
					if report := post("again", *b.anew); report.Status != StatusAlreadyPosted || b.posts() != sent {
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
	modes := []string{ModeSubscription, ModeBillNow, ModeInvoice, ModeDraft}
	for _, before := range modes {
		for _, after := range modes {
			for requests := 1; requests <= 3; requests++ {
				b := newBench(t)
				charge := b.charge(before, 10000)
				p := b.poster("first")
				killNth(p, "S10", requests-1, func() { _, _ = p.postCharge(context.Background(), charge) })
				there := len(b.items(charge.ID))
				b.events.truncate(0)
				b.clock.advance(25 * time.Hour)
				moved := b.movedTo("cus_2", charge, after)
				reports := b.post("second", moved)
				if items := b.items(charge.ID); len(items) != 1 || there == 1 && items[0].Customer != "cus_1" {
					t.Fatalf("%s, then %s, after %d requests: %+v, %+v", before, after, requests, items, reports)
				}
				wrote := b.posts()
				if report := b.post("third", moved)[0]; report.Status != StatusAlreadyPosted || b.posts() != wrote {
					t.Fatalf("%s, then %s, after %d requests: %+v", before, after, requests, report)
				}
			}
		}
	}
}

// movedTo freezes a charge again for another Stripe customer and in another mode.
func (b *bench) movedTo(customer string, charge FrozenCharge, mode string) FrozenCharge {
	b.t.Helper()
	b.fake.AddCustomer(customer)
	charge.StripeCustomer, charge.Mode, charge.Target = customer, mode, ""
	if mode == ModeSubscription || mode == ModeBillNow {
		charge.Target = b.fake.AddSubscription(customer, "price_pro", b.clock.now().Add(-24*time.Hour))
	}
	return b.frozen(charge)
}

// persons are what people do at Stripe while charges are posted.
var persons = map[string]func(b *bench){
	"cancels the subscription": func(b *bench) { b.try("DELETE", "/v1/subscriptions/"+b.sub, "") },
	"pauses the subscription": func(b *bench) {
		b.try("POST", "/v1/subscriptions/"+b.sub, "pause_collection[behavior]=void")
	},
	"deletes the customer": func(b *bench) { b.try("DELETE", "/v1/customers/cus_1", "") },
	"gives an address":     func(b *bench) { b.fake.SetEmail("cus_1", "a@example.com") },
	"moves to another customer": func(b *bench) {
		b.fake.AddCustomer("cus_2")
		b.fake.SetEmail("cus_2", "b@example.com")
		b.customers = map[string]string{"acme": "cus_2"}
	},
	"deletes the draft":   func(b *bench) { b.try("DELETE", "/v1/invoices/"+b.bill(), "") },
	"finalizes the draft": func(b *bench) { b.try("POST", "/v1/invoices/"+b.bill()+"/finalize", "") },
	"voids the invoice":   func(b *bench) { b.try("POST", "/v1/invoices/"+b.bill()+"/void", "") },
	"adds a line": func(b *bench) {
		b.try("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=5&invoice="+b.bill())
	},
	"deletes the item": func(b *bench) {
		for _, item := range b.fake.Items() {
			b.try("DELETE", "/v1/invoiceitems/"+item.ID, "")
		}
	},
	"lets a month pass": func(b *bench) { b.clock.advance(31 * 24 * time.Hour) },
	"restores a backup": func(b *bench) { b.events.truncate(0) },
}

// TestEveryChargeEnds walks random histories of people, faults and clocks that are off, and asks of each charge in the
// end that it is posted, or that a person can settle it: no state is left in which neither is so. It is at Stripe once
// at most.
func TestEveryChargeEnds(t *testing.T) {
	names := sortedKeys(persons)
	ends := map[string]int{}
	for seed := range histories(t, 400) {
		random := rand.New(rand.NewPCG(seed, 2))
		b := newBench(t)
		charge := b.charge([]string{ModeSubscription, ModeBillNow, ModeInvoice, ModeDraft}[random.IntN(4)], 10000)
		var walk []string
		for range 1 + random.IntN(5) {
			name := names[random.IntN(len(names))]
			walk = append(walk, name)
			persons[name](b)
			p := b.refreezing(fmt.Sprint("run_", len(walk)))
			off := skews[random.IntN(len(skews))]
			p.now = func() time.Time { return b.clock.now().Add(off) }
			p.stripe = b.clientAt(p.now, troubled{inProcess{b.fake}, b.fake, random, false, &tally{}})
			killNth(p, []string{"S2", "S4", "S6", "S9", "S10"}[random.IntN(5)], random.IntN(4), func() {
				_, _ = p.postCharge(context.Background(), b.latest(charge))
			})
			b.fake.ClearFaults()
			b.clock.advance(2 * settleTime)
		}
		end, items := b.end(charge), b.items(charge.ID)
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

func (b *bench) latest(charge FrozenCharge) FrozenCharge {
	if b.anew != nil {
		return *b.anew
	}
	return charge
}

// end posts without trouble for some nights and a month and says how the charge ended, empty if it did not.
func (b *bench) end(charge FrozenCharge) string {
	b.t.Helper()
	finalized := ""
	for _, days := range []int{1, 1, 1, 31, 1} {
		b.clock.advance(time.Duration(days) * 24 * time.Hour)
		reports, err := b.refreezing("night").post(context.Background(), []FrozenCharge{b.latest(charge)})
		if err != nil {
			b.t.Fatal(err)
		}
		switch report := reports[0]; {
		case report.Status == StatusAlreadyPosted:
			return "posted" + finalized
		case strings.Contains(report.Reason, "finalize it at Stripe"):
			persons["finalizes the draft"](b)
			finalized = " after a person finalized"
		}
	}
	b.clock.advance(settleTime)
	latest := b.latest(charge)
	events, err := b.events.Events(context.Background(), []string{charge.ID})
	if err != nil {
		b.t.Fatal(err)
	}
	if foldStep(events, stepItem).rejected {
		return "refused, settled by hand"
	}
	if _, err := b.poster("resolve").settleable(context.Background(), latest, events); err != nil {
		b.t.Log(err)
		return ""
	}
	return "settled by hand"
}
