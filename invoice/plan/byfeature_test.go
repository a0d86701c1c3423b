package plan

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/money"
)

// TestByFeature: the parts of any charge have the charge's sign, are none of them nothing, are no more than a customer
// reads, and come to the charge; joined again they are the charge, line by line.
func TestByFeature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]string{"usd", "jpy", "kwd"}).Draw(t, "currency")
		currency, err := money.LookupCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		sign := rapid.SampledFrom([]int64{1, -1}).Draw(t, "sign")
		whole := Charge{ID: Identity{CustomerID: "acme"}.ChargeID(), CustomerID: "acme", Currency: code, Kind: KindOverage}
		count := rapid.SampledFrom([]int{1, 2, 3, 39, 40, 41, 90}).Draw(t, "lines")
		for i := range count {
			amount := sign * rapid.Int64Range(0, 50).Draw(t, "steps") * currency.Step
			whole.Lines = append(whole.Lines, Line{
				FeatureID: fmt.Sprintf("f%02d", i), AmountMinor: amount, Credits: number("1"),
			})
			whole.AmountMinor += amount
		}
		whole.BillableCredits, whole.BilledCredits = number("5.5"), number("6")
		whole.AmountExact, whole.Residual = currency.FromMinor(whole.AmountMinor).Sub(number("0.001")), number("0.001")
		parts := byFeature(whole, Identity{CustomerID: "acme"}, currency)
		ids := map[string]bool{}
		for _, part := range parts {
			ids[part.ID] = true
			if err := part.Check(currency); err != nil {
				t.Fatal(err)
			}
			if len(parts) > 1 && (part.AmountMinor*sign <= 0 || part.PartOf != whole.ID || part.Group.Head() != whole.ID) {
				t.Fatalf("part %+v of %d", part, whole.AmountMinor)
			}
		}
		if len(ids) != len(parts) || !ids[whole.ID] || len(parts) > mostItems {
			t.Fatalf("%d parts have %d ids", len(parts), len(ids))
		}
		joined := Join(parts[0], parts)
		same := joined.AmountMinor == whole.AmountMinor && joined.AmountExact.Equal(whole.AmountExact) &&
			joined.Residual.Equal(whole.Residual) && joined.BilledCredits.Equal(whole.BilledCredits) &&
			joined.BillableCredits.Equal(whole.BillableCredits) && len(joined.Lines) == len(whole.Lines)
		for i := range whole.Lines {
			same = same && joined.Lines[i].FeatureID == whole.Lines[i].FeatureID &&
				joined.Lines[i].AmountMinor == whole.Lines[i].AmountMinor
		}
		if !same {
			t.Fatalf("joined %+v\nwhole %+v", joined, whole)
		}
	})
}

// TestPlanByFeature: a charge of several features is planned as one item each. Frozen and posted, they close the
// period, the plan's hash stays, and what comes late is an adjustment in parts of its own.
func TestPlanByFeature(t *testing.T) {
	in := seedInputs(t, proOctober(seedCatalog(t), "acme", "0", "12000", "8000"))
	whole := mustPlan(t, in).Charges
	in.ByFeature = true
	plan := mustPlan(t, in)
	var sum int64
	compared := 0
	for entry := range plan.Entries() {
		sum += entry.AmountMinor
		if entry.Status != StatusReady || len(entry.Lines) != 1 || entry.PartOf != whole[0].ID {
			t.Fatalf("%+v", entry)
		}
		if entry.Granted == nil || !entry.Used.Equal(number("20000")) || !entry.Overage.Equal(number("10000")) ||
			!entry.Capped.IsZero() || entry.PerCredit == nil {
			t.Fatalf("the period's figures are not with %+v", entry)
		}
		if entry.ChangeMinor != nil {
			compared++
			if entry.ID != whole[0].ID || *entry.ChangeMinor != whole[0].AmountMinor {
				t.Fatalf("%+v", entry)
			}
		}
	}
	if len(whole) != 1 || len(plan.Charges) != 2 || sum != whole[0].AmountMinor || compared != 1 {
		t.Fatalf("%d parts come to %d, %d are compared", len(plan.Charges), sum, compared)
	}
	in.Frozen = posted(plan, StatePosted)
	if again := mustPlan(t, in); again.SHA != plan.SHA {
		t.Fatalf("posting changed the plan: %+v", again.Charges)
	}
	in.Periods = seedInputs(t, proOctober(in.Catalog, "acme", "0", "12500", "8500")).Periods
	late := mustPlan(t, in)
	ready := map[string]int64{}
	for _, charge := range late.Charges {
		if charge.Status == StatusReady {
			ready[charge.Kind] += charge.AmountMinor
		}
	}
	if len(late.Charges) != 4 || ready[KindAdjustment] != 1000 {
		t.Fatalf("%+v", late.Charges)
	}
}

// TestHoldPart: a part that a person holds keeps the others back, too, whichever it is, until it is released.
func TestHoldPart(t *testing.T) {
	in := seedInputs(t, proOctober(seedCatalog(t), "acme", "0", "12000", "8000"))
	in.ByFeature = true
	for _, part := range mustPlan(t, in).Charges {
		in.Withheld = Withheld{part.ID: "held by ana: disputed"}
		for _, charge := range mustPlan(t, in).Charges {
			if charge.Status != StatusHeld || len(charge.Releasable) != 1 {
				t.Errorf("%s held: %+v", part.ID, charge)
			}
		}
	}
}

// TestWordsByFeature: a part names its feature and says what it is a share of; its invoice names the whole.
func TestWordsByFeature(t *testing.T) {
	in := seedInputs(t, proOctober(seedCatalog(t), "acme", "0", "12000", "8000"))
	in.ByFeature = true
	charges, words := mustPlan(t, in).Charges, Wording{Catalog: in.Catalog}
	texts := map[string]bool{}
	for _, charge := range charges {
		texts[words.Line(charge)] = true
		if whole := words.WholeLine(charge); whole != "Pro: 10,000 credits over the allowance, 1–31 Oct 2026" {
			t.Errorf("the invoice says %q", whole)
		}
	}
	for _, line := range mustPlan(t, in).Charges {
		want := "Pro: " + line.Lines[0].FeatureID + ", of 10,000 credits over the allowance, 1–31 Oct 2026"
		if !texts[want] {
			t.Errorf("no item says %q: %v", want, texts)
		}
	}
}
