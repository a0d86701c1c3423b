package plan

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/money"
)

// TestSplit: a released amount above Stripe's limit is in parts that are within it and add up, each with an id of its
// own and an invoice of its own; the first has the id that was released.
func TestSplit(t *testing.T) {
	catalog := seedCatalog(t)
	// 10,000 are included; 250,000,001 credits of two features beyond are $2,500,000.01.
	in := seedInputs(t, proOctober(catalog, "acme", "0", "125010001", "125000000"))
	held := mustPlan(t, in).Charges
	if len(held) != 1 || held[0].Status != StatusHeld || held[0].AmountMinor != 250000001 {
		t.Fatalf("%+v", held)
	}
	in.Releases = Releases{held[0].ID: {250000001}}
	parts := mustPlan(t, in).Charges
	var sum int64
	exact := number("0")
	ids, perFeature := map[string]bool{}, map[string]int64{}
	for _, part := range parts {
		if part.AmountMinor > maxChargeMinor || part.Status != StatusReady || !part.Split {
			t.Fatalf("%+v", part)
		}
		sum, exact, ids[part.ID] = sum+part.AmountMinor, exact.Add(part.AmountExact), true
		for _, line := range part.Lines {
			perFeature[line.FeatureID] += line.AmountMinor
		}
	}
	for _, line := range held[0].Lines {
		if perFeature[line.FeatureID] != line.AmountMinor {
			t.Errorf("%s comes to %d in parts, to %d in whole", line.FeatureID, perFeature[line.FeatureID], line.AmountMinor)
		}
	}
	if len(parts) != 3 || len(ids) != 3 || sum != 250000001 || !exact.Equal(held[0].AmountExact) || !ids[held[0].ID] {
		t.Fatalf("%d parts of %d come to %d, exactly %s", len(parts), len(ids), sum, exact)
	}
	if charges := mustPlan(t, Inputs{
		AsOf: in.AsOf, Catalog: in.Catalog, StripeAccount: in.StripeAccount, Periods: in.Periods,
		StripeCustomers: in.StripeCustomers, Frozen: posted(mustPlan(t, in), StatePosted),
	}).Charges; len(charges) != 3 {
		t.Fatalf("once posted, the parts bring %d charges", len(charges))
	}
}

// TestSplitNearTheLimit: an amount that leaves no room for the base price is in parts; one that does is not.
func TestSplitNearTheLimit(t *testing.T) {
	for amount, parts := range map[string]int{"97000000": 1, "97000001": 2, "99999999": 2} {
		charges := mustPlan(t, seedInputs(t, proOctober(seedCatalog(t), "acme", "0", amount, "10000"))).Charges
		if len(charges) != parts || charges[0].Status != StatusReady {
			t.Errorf("%s is in %d parts, %+v", amount, len(charges), charges[0])
		}
	}
}

// TestSplitAndJoin: the parts of any charge are within the limit, of one sign, in whole steps of the currency, and
// joined again they are the charge, line by line.
func TestSplitAndJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]string{"usd", "jpy", "kwd"}).Draw(t, "currency")
		currency, err := money.LookupCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		sign := rapid.SampledFrom([]int64{1, -1}).Draw(t, "sign")
		whole := Charge{ID: "oc_whole", CustomerID: "acme", Currency: code, Kind: KindOverage}
		for i := range rapid.IntRange(1, 4).Draw(t, "lines") {
			steps := rapid.Int64Range(0, 3*MaxPartMinor/currency.Step).Draw(t, "steps")
			whole.Lines = append(whole.Lines, Line{
				FeatureID: string(rune('a' + i)), AmountMinor: sign * steps * currency.Step, Credits: number("1"),
			})
			whole.AmountMinor += sign * steps * currency.Step
		}
		if whole.AmountMinor == 0 {
			return
		}
		whole.BillableCredits, whole.BilledCredits = number("5.5"), number("6")
		whole.AmountExact, whole.Residual = currency.FromMinor(whole.AmountMinor).Sub(number("0.001")), number("0.001")
		parts := split(whole, Identity{CustomerID: "acme"}, currency)
		ids := map[string]bool{}
		for _, part := range parts {
			ids[part.ID] = true
			if part.inParts() || part.AmountMinor*sign <= 0 || part.AmountMinor%currency.Step != 0 {
				t.Fatalf("part %+v of %d", part, whole.AmountMinor)
			}
			var lines int64
			for _, line := range part.Lines {
				lines += line.AmountMinor
			}
			if lines != part.AmountMinor {
				t.Fatalf("a part of %d has lines of %d", part.AmountMinor, lines)
			}
		}
		if len(ids) != len(parts) || !ids[whole.ID] {
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
