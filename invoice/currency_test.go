package invoice

import (
	"context"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// TestAdjustmentOfOtherCurrency: a period that was charged in dollars keeps them when the catalog goes over to euros.
// Billed again it is not adjusted in euros as if they were the same: the credits are told, without an amount, and held.
func TestAdjustmentOfOtherCurrency(t *testing.T) {
	s := newShop(t, true)
	s.post("run_1")
	text := strings.Replace(string(s.catalog.Text), "currency: usd", "currency: eur", 1)
	text = strings.Replace(text, `per_credit: "0.01"`, `per_credit: "0.009"`, 1)
	euros, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if euros == nil || euros.Currency.Code != "eur" {
		t.Fatal(problems)
	}
	s.catalog = euros
	if planned := s.plan(); len(planned.Charges) != 1 || planned.Charges[0].Status != plan.StatusPosted {
		t.Fatalf("%+v", planned.Charges)
	}
	s.load("2026-10-20T10:00:00Z", "medium-model", 1000)
	late := s.plan().Charges
	if len(late) != 2 || late[1].Status != plan.StatusReady || late[1].Currency != "usd" || late[1].AmountMinor != 1000 {
		t.Fatalf("%+v", late)
	}
	explained, err := s.explain(late[1].ID)
	s.must(err)
	if explained.OtherCurrency() || explained.TotalMinor != 11000 {
		t.Fatalf("%+v", explained)
	}
	_, err = s.runner("run_rebill").Rebill(context.Background(), Rebilling{
		CustomerID: "acme", Period: schemas.Period{Start: utc("2026-10-01T00:00:00Z")}, Reason: "in euros", By: "anna",
	})
	s.must(err)
	planned := s.plan()
	adjustment := planned.Charges[1]
	if len(planned.Charges) != 2 || adjustment.Kind != plan.KindAdjustment || adjustment.Status != plan.StatusHeld ||
		adjustment.Currency != "eur" || adjustment.AmountMinor != 0 || !adjustment.AmountExact.IsZero() ||
		!adjustment.BilledCredits.Equal(number("1000")) ||
		!strings.Contains(adjustment.HoldReason, "charged in usd and the catalog is in eur now") {
		t.Fatalf("%+v", planned.Charges)
	}
	s.post("run_2")
	s.assertAmounts(10000)
	want := map[string]plan.Totals{"eur": {}, "usd": {PostedMinor: 10000}}
	if totals := planned.Totals(); len(totals) != 2 || totals["eur"] != want["eur"] || totals["usd"] != want["usd"] {
		t.Errorf("%+v", totals)
	}
}
