package stripe_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// A client asks whose key it has; a live key needs consent.
func ExampleNew() {
	config := stripe.Config{
		Key: "sk_test_1", BaseURL: "http://127.0.0.1:1", Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { return nil },
	}
	fake, err := stripefake.New(stripefake.Config{Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	config.Transport = stripetest.InProcess(fake)
	client, err := stripe.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Account(context.Background(), ""))

	config.Key = "sk_live_1"
	_, err = stripe.New(config)
	fmt.Println(err)
	// Output:
	// acct_fake <nil>
	// use a live key: it charges customers; give --live to do so: Stripe setting is wrong
}
