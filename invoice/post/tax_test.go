package post

import (
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// TestTaxReachesStripe: how a product is taxed is on the item, whether Stripe computes it on the charge's own invoice.
func TestTaxReachesStripe(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeInvoice, 10000)
	charge.Tax = &schemas.Tax{Code: "txcd_10103001", Behavior: schemas.TaxExclusive}
	way := target{mode: plan.ModeInvoice, collection: &collection{method: "charge_automatically", automaticTax: true}}
	charge, err := goingBy(charge, way, plan.Wording{})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.FrozenTax(charge.Request); got == nil || *got != *charge.Tax {
		t.Fatalf("frozen with tax %v", got)
	}
	if report := b.post("run_1", charge)[0]; report.Status != plan.StatusPosted {
		t.Fatalf("%+v", report)
	}
	items, invoices := b.Items(charge.ID), b.Fake.Invoices()
	if len(items) != 1 || items[0].TaxCode != "txcd_10103001" || items[0].TaxBehavior != "exclusive" {
		t.Fatalf("%+v", items)
	}
	if last := invoices[len(invoices)-1]; !last.AutomaticTax.Enabled || last.Status == "draft" {
		t.Fatalf("%+v", last)
	}
}

// TestFrozenBeforeTax: what was frozen before charges had tax is sent as it was, to the last byte.
func TestFrozenBeforeTax(t *testing.T) {
	const before = `{"item":{"customer":"cus_1","currency":"usd","amount":10000,` +
		`"description":"pro: 10000 credits over the allowance, 2026-10-01 to 2026-11-01",` +
		`"period_start":1790812800,"period_end":1793491200,"metadata":{"charge_id":"oc_1"}},` +
		`"invoice":{"collection_method":"charge_automatically","description":"pro","metadata":{"bill_id":"oc_1"}}}`
	charge := plan.FrozenCharge{Request: []byte(before)}
	read, err := requestOf(charge)
	if err != nil {
		t.Fatal(err)
	}
	again, err := plan.Canonical(read)
	if err != nil || string(again) != before {
		t.Fatalf("%v\n%s", err, again)
	}
	if plan.FrozenTax(charge.Request) != nil {
		t.Fatal("a request without tax has tax")
	}
	item, invoice := read.Item.itemParams("in_1"), read.Invoice.invoiceParams(read.Item)
	if item.TaxCode != nil || item.TaxBehavior != nil || invoice.AutomaticTax != nil {
		t.Fatal("parameters were added to a frozen request")
	}
	if *item.Description != "pro: 10000 credits over the allowance, 2026-10-01 to 2026-11-01" {
		t.Fatal(*item.Description)
	}
}

// TestNegativeOnTaxedSubscription: a credit waits where Stripe computes the subscription's tax, and an invoice that is
// made at once for a charge is taxed as the subscription's others are.
func TestNegativeOnTaxedSubscription(t *testing.T) {
	b := newBench(t)
	p := b.poster("run_1")
	policy := Policy{BillNow: true, DaysUntilDue: 30}
	running, err := p.stripe.Subscription(t.Context(), b.Sub)
	if err != nil {
		t.Fatal(err)
	}
	running.AutomaticTax = &stripego.SubscriptionAutomaticTax{Enabled: true}
	charge := b.charge(plan.ModeBillNow, 10000).Charge
	way, held, err := p.onSubscription(t.Context(), running, charge, policy)
	if err != nil || held != (obstacle{}) || way.mode != plan.ModeBillNow || !way.collection.automaticTax {
		t.Fatalf("%+v, %+v, %v", way, held, err)
	}
	charge.AmountMinor = -500
	_, held, err = p.onSubscription(t.Context(), running, charge, policy)
	if err != nil || held.code != plan.HoldNotTaxable || !strings.Contains(held.reason, "make a credit note") ||
		!strings.Contains(held.reason, charge.ID) {
		t.Fatalf("%+v, %v", held, err)
	}
}

// TestItemRefusedUnderTax: what Stripe refuses on an invoice with automatic tax is for a person.
func TestItemRefusedUnderTax(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeInvoice, 10000)
	way := target{mode: plan.ModeInvoice, collection: &collection{method: "charge_automatically", automaticTax: true}}
	charge, err := goingBy(charge, way, plan.Wording{})
	if err != nil {
		t.Fatal(err)
	}
	if report := b.post("run_1", charge)[0]; report.Status != plan.StatusHeld {
		t.Fatalf("%+v", report)
	}
	if items := b.Items(charge.ID); len(items) != 0 {
		t.Fatalf("%+v", items)
	}
}
