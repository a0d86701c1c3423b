package stripe_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// TestPace asks a Stripe that takes so many requests a second, and no more, as fast as it may: none is refused, and the
// pace is kept.
func TestPace(t *testing.T) {
	clock := stripetest.NewClock()
	fake, err := stripefake.New(stripefake.Config{Now: clock.Now, ReadsPerSecond: 10, WritesPerSecond: 4})
	if err != nil {
		t.Fatal(err)
	}
	fake.AddPrice("price_pro", "usd", 10000)
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_pace", BaseURL: "http://127.0.0.1:1", Now: clock.Now, Sleep: clock.Sleep, NoRetries: true,
		Limits: stripe.Limits{Reads: 10, Writes: 4}, Transport: stripetest.InProcess(fake),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, pace := range []struct {
		name      string
		perSecond int
		ask       func() error
	}{
		{"reads", 10, func() error { _, err := client.Account(ctx, ""); return err }},
		{"writes", 4, func() error {
			key := "pace:" + clock.Now().String()
			sendCtx, _ := stripe.Announced(ctx, clock.Now())
			_, err := client.NewSession(sendCtx, key, &stripego.CheckoutSessionParams{
				Mode: stripego.String(string(stripego.CheckoutSessionModeSubscription)),
				LineItems: []*stripego.CheckoutSessionLineItemParams{
					{Price: stripego.String("price_pro"), Quantity: stripego.Int64(1)},
				},
				SuccessURL: stripego.String("https://example.com/"),
			})
			return err
		}},
	} {
		began := clock.Now()
		for range 3*pace.perSecond + 1 {
			if err := pace.ask(); err != nil {
				t.Fatalf("%s: %v", pace.name, err)
			}
		}
		if took := clock.Now().Sub(began); took < 3*time.Second || took > 3*time.Second+time.Second/2 {
			t.Errorf("%s: %d took %s", pace.name, 3*pace.perSecond+1, took)
		}
	}
	for _, request := range fake.Requests() {
		if request.Status != http.StatusOK {
			t.Fatalf("%+v", request)
		}
	}
}
