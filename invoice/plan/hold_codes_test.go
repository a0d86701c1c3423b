package plan

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// holdCase is a way to be held: the only code that a plan of it has.
type holdCase struct {
	code   HoldCode
	change func(in *Inputs)
}

// holdCases are for a customer whose charge of October would be ready otherwise; first is the plan that has it so.
func holdCases(t *testing.T, first Plan) []holdCase {
	t.Helper()
	catalog := seedCatalog(t)
	usage := func(in *Inputs, small, medium string) {
		in.Periods = []aggregate.PeriodBalance{proOctober(catalog, "acme", small, medium, "0")}
	}
	known := func(id string, state subscription.StripeState) func(*Inputs) {
		return func(in *Inputs) { in.StripeStates = map[string]subscription.StripeState{id: state} }
	}
	own := subscription.Subscription{
		CustomerID: "acme", Product: "pro", StartsAt: utc("2026-10-01T00:00:00Z"), StripeSubscription: "sub_1",
	}
	frozen := func(state string, change func(*FrozenCharge)) func(*Inputs) {
		return func(in *Inputs) {
			in.Frozen = posted(first, state)
			if change != nil {
				change(&in.Frozen[0])
			}
		}
	}
	closed := func(state, small, medium string, change func(*Inputs)) func(*Inputs) {
		return func(in *Inputs) {
			in.Frozen = posted(first, state)
			usage(in, small, medium)
			if change != nil {
				change(in)
			}
		}
	}
	return []holdCase{
		{HoldNoCustomer, func(in *Inputs) { in.StripeCustomers = nil }},
		{HoldCustomerDeleted, known("cus_1", subscription.StripeState{Hold: subscription.StripeGone})},
		{HoldSubscriptionGone, func(in *Inputs) {
			in.Subscriptions = []subscription.Subscription{own}
			known("sub_1", subscription.StripeState{Hold: subscription.StripeGone})(in)
		}},
		{HoldNotCollected, func(in *Inputs) {
			in.Subscriptions = []subscription.Subscription{own}
			in.Subscriptions[0].StripeHold = "paused"
		}},
		{HoldNotCollected, func(in *Inputs) {
			in.Subscriptions = []subscription.Subscription{own}
			known("sub_1", subscription.StripeState{Hold: "paused"})(in)
		}},
		{HoldUnreachable, known("cus_1", subscription.StripeState{Hold: subscription.StripeNobody})},
		{HoldNotTaxable, func(in *Inputs) { in.AutomaticTax = true }},
		{HoldUnrated, func(in *Inputs) { in.Periods[0].UnratedEvents = 1 }},
		{HoldIncomplete, func(in *Inputs) {
			in.Gaps = []Gap{{Until: utc("2026-10-15T00:00:00Z"), Reason: "load ld_1 of a.jsonl is not done yet"}}
		}},
		{HoldAboveMax, func(in *Inputs) { in.MaxChargeMinor = 5000 }},
		{HoldAnomaly, func(in *Inputs) {
			in.AnomalyFactor = number("2")
			for i := range 3 {
				before := proOctober(catalog, "acme", "0", "100", "0")
				before.Period.Start = before.Period.Start.AddDate(0, i-3, 0)
				before.Period.End = before.Period.End.AddDate(0, i-3, 0)
				in.Periods = append(in.Periods, before)
			}
			slices.SortFunc(in.Periods, func(a, b aggregate.PeriodBalance) int {
				return a.Period.Start.Compare(b.Period.Start)
			})
		}},
		{HoldCredit, closed(StatePosted, "0", "15000", nil)},
		{HoldByPerson, func(in *Inputs) { in.Withheld = Withheld{first.Charges[0].ID: "held by ana: disputed"} }},
		{HoldBilledAgain, frozen(StatePosted, func(f *FrozenCharge) {
			f.Void = &Void{Invoice: "in_1", Reason: "wrong address", By: "ana", At: utc("2026-11-01T12:00:00Z")}
		})},
		{HoldLate, closed(StatePosted, "5000", "20000", func(in *Inputs) { in.AsOf = in.AsOf.Add(90 * 24 * time.Hour) })},
		{HoldEarlierOpen, closed(StateOpen, "5000", "20000", nil)},
		{HoldOtherCurrency, closed(StatePosted, "5000", "20000", func(in *Inputs) { in.Frozen[0].Currency = "eur" })},
		{HoldOverlap, func(in *Inputs) {
			in.Frozen = posted(first, StatePosted)
			other := proOctober(catalog, "acme", "0", "20000", "0")
			other.Period.Start = utc("2026-10-15T00:00:00Z")
			in.Periods = append(in.Periods, other)
		}},
		{HoldNotComputable, func(in *Inputs) { in.Periods[0].Used = number("20001") }},
		{HoldNotComputable, func(in *Inputs) {
			in.Periods = nil
			in.Problems = []aggregate.Problem{{
				CustomerID: "acme", Reason: "it does not fit",
				Period: schemas.Period{Start: utc("2026-10-01T00:00:00Z"), End: utc("2026-11-01T00:00:00Z")},
			}}
		}},
		{HoldRefused, frozen(StateRejected, nil)},
		{HoldUnreadable, frozen(StateOpen, func(f *FrozenCharge) { f.Unreadable = "its lines do not add up" })},
		{HoldBeingResolved, frozen(StateOpen, func(f *FrozenCharge) { f.Mode = ModeManual })},
	}
}

// TestHoldCodes: each way to be held has its code beside its reason, in the entry, and no other; a charge that is
// not held has none. A hold that can be released is one that the plan says can be.
func TestHoldCodes(t *testing.T) {
	ready := seedInputs(t, proOctober(seedCatalog(t), "acme", "0", "20000", "0"))
	first := mustPlan(t, ready)
	if entry := NewEntry(first.Charges[0]); first.Charges[0].Status != StatusReady || entry.HoldCodes == nil ||
		len(entry.HoldCodes) != 0 || len(first.HeldByCode()) != 0 {
		t.Fatalf("%+v", entry)
	}
	var seen []HoldCode
	for _, test := range holdCases(t, first) {
		t.Run(string(test.code), func(t *testing.T) {
			in := seedInputs(t, proOctober(seedCatalog(t), "acme", "0", "20000", "0"))
			test.change(&in)
			plan := mustPlan(t, in)
			held := 0
			for charge := range plan.Entries() {
				if charge.Status != StatusHeld || test.code == HoldUnreadable && len(charge.Lines) == 0 {
					continue // what is unreadable leaves the rest of its period without figures
				}
				held++
				if !slices.Equal(charge.HoldCodes, []HoldCode{test.code}) || charge.HoldReason == "" {
					t.Errorf("%v: %s", charge.HoldCodes, charge.HoldReason)
				}
				if test.code.Releasable() != (len(charge.Releasable) > 0) {
					t.Errorf("releasable: %v", charge.Releasable)
				}
			}
			if counts := plan.HeldByCode(); held != 1 || counts[test.code] != 1 {
				t.Errorf("%d held, %v", held, counts)
			}
		})
		seen = append(seen, test.code)
	}
	for _, code := range PlannedHoldCodes() {
		if !slices.Contains(seen, code) {
			t.Errorf("no charge is held for %s here", code)
		}
	}
}

// TestHoldCodesTogether: a charge held for several reasons has the code of each once, in the order of the words.
func TestHoldCodesTogether(t *testing.T) {
	in := seedInputs(t, proOctober(seedCatalog(t), "stranger", "0", "60000", "0"))
	in.Periods[0].UnratedEvents, in.MaxChargeMinor = 3, 20000
	charge := mustPlan(t, in).Charges[0]
	if got := JoinCodes(charge.HoldCodes); got != "no_stripe_customer unrated above_max_charge" {
		t.Errorf("%s: %s", got, charge.HoldReason)
	}
}

// TestHoldCodesDocumented: docs/finance.md has a row for each code, and none for what is no code.
func TestHoldCodesDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "finance.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| code | held because | ends when |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []HoldCode
	for row := range strings.Lines(table) {
		code, _, _ := strings.Cut(strings.TrimPrefix(row, "| `"), "`")
		documented = append(documented, HoldCode(code))
	}
	if !slices.Equal(documented, HoldCodes()) {
		t.Errorf("documented %v, want %v", documented, HoldCodes())
	}
}
