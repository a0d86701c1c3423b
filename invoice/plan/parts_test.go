package plan

import (
	"testing"
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
