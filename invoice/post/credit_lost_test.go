package post

import (
	"context"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
)

// TestCreditNoteOfALostLedger: a credit is a credit note, and the ledger that knew it is lost. Frozen again for another
// way, since too little is left on the invoice by now, it is found, and ended as it is.
func TestCreditNoteOfALostLedger(t *testing.T) {
	for mode, way := range map[string]target{
		plan.ModeSubscription: {mode: plan.ModeSubscription, subscription: "sub_1"},
		plan.ModeBillNow:      target{subscription: "sub_1", byInvoice: collection{method: "charge_automatically"}}.atOnce(),
		plan.ModeInvoice:      {mode: plan.ModeInvoice, collection: &collection{method: "send_invoice", daysUntilDue: 30}},
	} {
		b, charged, credit := credited(t, true)
		first := b.creditWay(charged, credit)
		reports, err := b.crediting("first").Post(context.Background(), []plan.FrozenCharge{first}, nil)
		if err != nil || reports[0].Status != plan.StatusPosted {
			t.Fatalf("%v, %+v", err, reports)
		}
		b.events.truncate(0)
		p := b.crediting("restored")
		again, err := goingBy(p.open(credit, "plan"), way, plan.Wording{})
		if err != nil {
			t.Fatal(err)
		}
		sent := b.Posts()
		reports, err = p.Post(context.Background(), []plan.FrozenCharge{again}, nil)
		if err != nil || reports[0].Status != plan.StatusPosted || !strings.HasPrefix(reports[0].StripeID, "cn_") ||
			b.Posts() != sent {
			t.Fatalf("%s: %v, %+v, %d requests more", mode, err, reports, b.Posts()-sent)
		}
		b.assertCredited(again, 1, 0)
	}
}
