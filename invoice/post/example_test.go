package post_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/schemas"
)

// eventsInMemory is a ledger that is gone with the process.
type eventsInMemory struct{ rows []ledger.Event }

func (e *eventsInMemory) Events(_ context.Context, ids []string) (events []ledger.Event, err error) {
	for _, row := range e.rows {
		if slices.Contains(ids, row.ChargeID) {
			events = append(events, row)
		}
	}
	return events, nil
}

func (e *eventsInMemory) Append(_ context.Context, events ...ledger.Event) error {
	e.rows = append(e.rows, events...)
	return nil
}

// An overage of $20.00 is planned, made ready for its customer, and posted. A second run finds it in the ledger and at
// Stripe, and sends nothing.
func ExamplePoster_Post() {
	planned, err := october()
	if err != nil {
		fmt.Println(err)
		return
	}
	clock := stripetest.NewClock()
	fake, err := stripefake.New(stripefake.Config{Now: clock.Now, Date: clock.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	fake.AddCustomer("cus_1")
	fake.SetEmail("cus_1", "billing@acme.example")
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_1", BaseURL: "http://127.0.0.1:1", Now: clock.Now, Sleep: clock.Sleep,
		Transport: stripetest.InProcess(fake),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	config := post.Config{
		Stripe: client, Events: &eventsInMemory{}, Account: ledger.Account{ID: "acct_fake"}, Now: clock.Now,
		Sleep: clock.Sleep, RunID: "first",
	}
	ctx := context.Background()
	charges, held, err := post.New(config).Choose(ctx, planned, planned.Charges, nil)
	if err != nil || len(held) > 0 {
		fmt.Println(held, err)
		fmt.Println(err)
		return
	}
	for _, config.RunID = range []string{"first", "second"} {
		reports, err := post.New(config).Post(ctx, charges, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(config.RunID, reports[0].CustomerID, reports[0].Status, len(fake.Items()), "item")
	}
	// Output:
	// first acme posted 1 item
	// second acme already_posted 1 item
}

// october is the plan of a customer who used 12,000 credits of 10,000; 2,000 cost a cent each.
func october() (plan.Plan, error) {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - id: pro
    default: true
    credits: {system: ai, included: 10000, every: month, overage: {per_credit: "0.01"}}
`))
	if problems.Err() != nil {
		return plan.Plan{}, problems.Err()
	}
	period := schemas.IntervalMonth.PeriodAt(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), nil, time.UTC)
	product, _ := catalog.Product("pro")
	used := decimal.NewFromInt(12000)
	return plan.Build(plan.Inputs{
		AsOf: period.End, Catalog: catalog, StripeAccount: "acct_fake",
		StripeCustomers: map[string]string{"acme": "cus_1"},
		Periods: []aggregate.PeriodBalance{{
			CustomerID: "acme", Product: "pro", CreditSystem: "ai", Period: period, Terms: product.At(period.Start),
			Used: used, Billable: decimal.NewFromInt(2000),
			Features: []aggregate.FeatureSpend{{FeatureID: "text", Credits: used}},
		}},
	})
}
