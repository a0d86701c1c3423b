package post

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestRenewalKinds: which invoice a charge is on, however its period came to end. The invoice of the renewal and that
// of a trial's end are drafts for an hour, also with a pending item of somebody else on them; that of a new
// subscription is final at once, and a new anchor may have none: then it is on the next one.
func TestRenewalKinds(t *testing.T) {
	const month = 31 * 24 * time.Hour // from 2 October
	for _, test := range []struct {
		name string
		// begun is how long before the end of the charge's period the subscription began. That end is twelve minutes ago.
		begun      time.Duration
		trial      bool
		before     func(b *bench)
		mode, told string
		minor      int64 // what the invoice that ends the period comes to
	}{
		{name: "renewal", begun: month, mode: plan.ModeRenewal, minor: 20000},
		{
			name: "renewal with a pending item", begun: month, mode: plan.ModeRenewal, minor: 20500,
			before: func(b *bench) { b.Request("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=500") },
		},
		{
			name: "end of a trial", trial: true, begun: 14 * 24 * time.Hour, mode: plan.ModeRenewal, minor: 20000,
		},
		{
			name: "a subscription that begins",
			mode: plan.ModeSubscription, told: "was paid before the charge was ready", minor: 10000,
		},
		{
			name: "a new anchor", begun: 20 * 24 * time.Hour, mode: plan.ModeSubscription,
			before: func(b *bench) { b.Fake.ResetAnchor(b.Sub) },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
			now, ended := b.Clock.Now(), b.Clock.Now().Add(-12*time.Minute)
			b.Clock.Advance(-test.begun - 12*time.Minute)
			form := "customer=cus_1&items[0][price]=price_pro"
			if test.trial {
				form += fmt.Sprint("&trial_end=", ended.Unix())
			}
			b.Request("POST", "/v1/subscriptions", form)
			subscriptions := b.Fake.Subscriptions()
			b.Sub = subscriptions[len(subscriptions)-1].ID
			if test.before != nil {
				b.Clock.Advance(ended.Sub(b.Clock.Now()) - time.Second)
				test.before(b)
			}
			b.Clock.Advance(now.Sub(b.Clock.Now()))
			b.Fake.Advance(0)
			charge := b.charge(plan.ModeSubscription, 10000).Charge
			charge.PeriodEnd = ended
			p := b.toRenewal("first")
			frozen, held := b.chosen(p, charge)
			if len(frozen) != 1 || frozen[0].Mode != test.mode {
				t.Fatalf("%+v, %+v", frozen, held)
			}
			reports, err := p.Post(context.Background(), frozen, nil)
			if err != nil || reports[0].Status != plan.StatusPosted || !strings.Contains(reports[0].Reason, test.told) ||
				(test.told == "") != (reports[0].Reason == "") {
				t.Fatalf("%v, %+v", err, reports)
			}
			if got := b.lastOf(b.Sub); test.minor != 0 && got.Total != test.minor {
				t.Fatalf("%+v", got)
			}
		})
	}
}

// lastOf is the newest invoice of a subscription.
func (b *bench) lastOf(subscription string) stripefake.Invoice {
	var newest stripefake.Invoice
	for _, invoice := range b.Fake.Invoices() {
		if invoice.Subscription != nil && *invoice.Subscription == subscription {
			newest = invoice
		}
	}
	return newest
}
