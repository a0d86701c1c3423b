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
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// TestPartsKilledAtEveryStep: a charge in three items is killed at any step of any of its requests, and each is there
// once a moment or a day later: where it has an invoice of its own, on that alone.
func TestPartsKilledAtEveryStep(t *testing.T) {
	for _, mode := range modes {
		requests := map[string]int{plan.ModeInvoice: 7, plan.ModeDraft: 4, plan.ModeBillNow: 9}[mode]
		for _, step := range []string{"S2", "S6", "S8", "S9", "S10", "S12"} {
			for nth := range max(3, requests) {
				for _, later := range []time.Duration{time.Second, 25 * time.Hour} {
					b := newBench(t)
					parts := b.partsOf(b.charge(mode, 10000), 0)
					p := b.poster("killed")
					killNth(p, step, nth, func() {
						if _, err := p.Post(context.Background(), parts, nil); err != nil {
							t.Error(err)
						}
					})
					b.Clock.Advance(later)
					b.post("next", parts...)
					b.assertParts(parts)
				}
			}
		}
	}
}

// assertParts: each part is one item of its amount, those with an invoice of their own are on the same, and nothing
// more is sent.
func (b *bench) assertParts(parts []plan.FrozenCharge) {
	b.T.Helper()
	sum, on := int64(0), map[string]bool{}
	for _, part := range parts {
		items := b.Items(part.ID)
		if len(items) != 1 || items[0].Amount != part.AmountMinor ||
			items[0].Metadata[stripe.MetadataPartOf] != parts[0].ID {
			b.T.Fatalf("%s: Stripe holds %+v", part.ID, items)
		}
		sum += items[0].Amount
		if items[0].Invoice != nil {
			on[*items[0].Invoice] = true
		}
	}
	if sum != parts[0].Group.AmountMinor {
		b.T.Fatalf("the parts come to %d", sum)
	}
	for _, invoice := range b.Fake.Invoices() {
		own := invoice.Metadata[stripe.MetadataBillID] != "" && parts[0].OwnInvoice()
		want := map[string]string{plan.ModeInvoice: "paid", plan.ModeDraft: "draft"}[parts[0].Mode]
		if own && (invoice.Status != want || invoice.Total != sum || len(on) != 1) {
			b.T.Fatalf("invoice is %s over %d; the items are on %v", invoice.Status, invoice.Total, on)
		}
	}
	before := b.Posts()
	for _, report := range b.post("again", parts...) {
		if report.Status != plan.StatusAlreadyPosted || b.Posts() != before {
			b.T.Fatalf("second post: %+v, %d requests", report, b.Posts()-before)
		}
	}
}

// TestPartsTogether: where one part has no way, none is frozen, for the others would wait for it.
func TestPartsTogether(t *testing.T) {
	b := newBench(t)
	var charges []plan.Charge
	for i, part := range b.partsOf(b.charge(plan.ModeSubscription, 10000), 0) {
		if i == 1 {
			part.StripeCustomer = "cus_gone"
		}
		charges = append(charges, part.Charge)
	}
	alone := b.charge(plan.ModeSubscription, 500).Charge
	alone.ID = "oc_alone"
	frozen, reports := b.chosen(b.poster("choosing"), append(charges, alone)...)
	if len(frozen) != 1 || frozen[0].ID != "oc_alone" || len(reports) != 3 {
		t.Fatalf("%+v, %+v", frozen, reports)
	}
	for _, report := range reports {
		if report.Status != plan.StatusHeld || report.Reason != "Stripe has no customer cus_gone" {
			t.Errorf("%+v", report)
		}
	}
}

// TestEveryPartEnds walks random histories of people, faults and clocks over a charge of three items and asks of each
// that it is posted, or that a person can settle it, whereupon the others go on. Each is at Stripe once at most.
func TestEveryPartEnds(t *testing.T) {
	names, ends := slices.Sorted(maps.Keys(persons)), map[string]int{}
	for seed := range histories(t, 300) {
		random := rand.New(rand.NewPCG(seed, 3))
		b := newBench(t)
		parts := b.partsOf(b.charge(modes[random.IntN(len(modes))], 10000), 0)
		poster := func(runID string) *Poster {
			p := b.refreezing(runID)
			refreeze := p.refreeze
			p.refreeze = func(ctx context.Context, charge plan.FrozenCharge, way target) (plan.FrozenCharge, error) {
				now, err := refreeze(ctx, charge, way)
				for i := range parts {
					if parts[i].ID == now.ID {
						parts[i] = now
					}
				}
				return now, err
			}
			return p
		}
		var walk []string
		for range 1 + random.IntN(5) {
			name := names[random.IntN(len(names))]
			walk = append(walk, name)
			persons[name](b)
			p := poster(fmt.Sprint("run_", len(walk)))
			off := skews[random.IntN(len(skews))]
			p.now = func() time.Time { return b.Clock.Now().Add(off) }
			p.stripe = b.ClientAt(p.now, troubled{stripetest.InProcess(b.Fake), b.Fake, random, false, &tally{}})
			killNth(p, []string{"S2", "S4", "S6", "S9", "S10"}[random.IntN(5)], random.IntN(9), func() {
				_, _, _ = p.postCustomer(context.Background(), slices.Clone(parts))
			})
			b.Fake.ClearFaults()
			b.Clock.Advance(2 * ledger.SettleTime)
		}
		for id, end := range b.endParts(poster, &parts) {
			ends[end]++
			if items := b.Items(id); end == "" || len(items) > 1 {
				t.Errorf("seed %d: %s: %s ends %q with %d items", seed, strings.Join(walk, ", "), id, end, len(items))
			}
		}
	}
	t.Logf("%v", ends)
	if ends["posted"] == 0 || ends["settled"] == 0 {
		t.Errorf("no history ends so: %v", ends)
	}
}

// endParts posts without trouble for some nights, has a person settle what can be settled, and goes on so until all
// have ended. It says how each did, empty where it did not.
func (b *bench) endParts(poster func(string) *Poster, parts *[]plan.FrozenCharge) map[string]string {
	b.T.Helper()
	ends := map[string]string{}
	for _, part := range *parts {
		ends[part.ID] = ""
	}
	for night := range 12 {
		b.Clock.Advance(25 * time.Hour)
		reports, err := poster("night").Post(context.Background(), slices.Clone(*parts), b.customers)
		if err != nil {
			b.T.Fatal(err)
		}
		for i, report := range reports {
			switch {
			case ends[report.ChargeID] != "":
			case report.Status == plan.StatusAlreadyPosted:
				ends[report.ChargeID] = "posted"
			case strings.Contains(report.Reason, "finalize it at Stripe"):
				persons["finalizes the draft"](b)
			case night >= 4:
				b.settle(poster, (*parts)[i], ends)
			}
		}
	}
	return ends
}

// settle has a person settle a part, where that is possible.
func (b *bench) settle(poster func(string) *Poster, part plan.FrozenCharge, ends map[string]string) {
	b.T.Helper()
	b.Clock.Advance(ledger.SettleTime)
	events, err := b.events.Events(context.Background(), []string{part.ID})
	if err != nil {
		b.T.Fatal(err)
	}
	if !ledger.Fold(events, ledger.StepItem).Rejected {
		if _, err := poster("resolve").settleable(context.Background(), part, events); err != nil {
			return
		}
	}
	ends[part.ID] = "settled"
	_ = b.events.Append(context.Background(), ledger.Event{
		ChargeID: part.ID, Step: ledger.StepItem, Kind: ledger.Manual, At: b.Clock.Now(),
	})
}
