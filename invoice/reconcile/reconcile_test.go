package reconcile

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// frozen is a posted charge of October.
func frozen(id string, minor int64) plan.FrozenCharge {
	return plan.FrozenCharge{
		Charge: plan.Charge{
			ID: id, CustomerID: "acme", StripeCustomer: "cus_1", Product: "pro", Kind: plan.KindOverage,
			PeriodStart: invoicetest.UTC("2026-10-01T00:00:00Z"), PeriodEnd: invoicetest.UTC("2026-11-01T00:00:00Z"),
			Currency: "usd", AmountMinor: minor,
		},
		Mode: plan.ModeSubscription, State: plan.StatePosted, PostedMinor: minor,
	}
}

// TestFindings are states that need a person, each made by somebody at Stripe's dashboard.
func TestFindings(t *testing.T) {
	b := stripetest.New(t)
	charge := frozen("oc_first", 10000)
	b.Request("POST", "/v1/invoiceitems", "customer=cus_1&subscription="+b.Sub+
		"&currency=usd&amount=10000&metadata[charge_id]=oc_first")
	charge.StripeID = b.Items(charge.ID)[0].ID
	compare := func(charges ...plan.FrozenCharge) string {
		t.Helper()
		client := b.Client(stripetest.InProcess(b.Fake))
		items, err := client.InvoiceItems(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		bills, err := client.Invoices(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		found := Compare(Books{
			Frozen: charges, Items: items, Bills: bills, Catalog: invoicetest.SeedCatalog(t), Now: b.Fake.Now(),
		})
		return fmt.Sprint(found.Counts)
	}
	assert := func(got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("found %s, want %s", got, want)
		}
	}
	assert(compare(charge), "map[MATCHED:1]")
	assert(compare(), "map[EXTRA:1]")
	other := charge
	other.AmountMinor = 9999
	assert(compare(other), "map[AMOUNT_DRIFT:1]")
	refused := charge
	refused.State, refused.StripeID = plan.StateRejected, ""
	assert(compare(refused), "map[HELD:1]")
	open := charge
	open.State, open.StripeID = plan.StateOpen, ""
	assert(compare(open), "map[OPEN:1]")

	// The subscription is paused, so its renewal takes the item on a draft that nobody collects; then it is void.
	b.Request("POST", "/v1/subscriptions/"+b.Sub, "pause_collection[behavior]=void")
	b.Fake.Advance(31 * 24 * time.Hour)
	bill := *b.Items(charge.ID)[0].Invoice
	b.Request("POST", "/v1/invoices/"+bill+"/finalize", "")
	b.Fake.Void(bill)
	assert(compare(charge), "map[ON_VOID:1]")

	b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
	// A second charge is on a subscription that ended: no invoice will take it.
	stuck := frozen("oc_stuck", 500)
	b.Request("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=500&metadata[charge_id]=oc_stuck")
	stuck.StripeID = "ii_1"
	b.Clock.Advance(70 * 24 * time.Hour)
	assert(compare(stuck, charge), "map[ON_VOID:1 STUCK_PENDING:1]")

	b.Request("DELETE", "/v1/invoiceitems/"+b.Items("oc_stuck")[0].ID, "")
	assert(compare(stuck, charge), "map[MISSING:1 ON_VOID:1]")

	b.Request("POST", "/v1/invoices", "customer=cus_1&metadata[bill_id]=oc_stuck")
	b.Clock.Advance(25 * time.Hour)
	assert(compare(charge), "map[ON_VOID:1 STALE_DRAFT:1]")
	b.Fake.Inject(stripefake.Fault{Kind: stripefake.EmptyObject, Method: "GET"})
	if _, err := b.Client(stripetest.InProcess(b.Fake)).InvoiceItems(context.Background(), nil); err == nil {
		t.Fatal("a list that may not be whole was taken")
	}
}
