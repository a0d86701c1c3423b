package invoice

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestGuardByTheWall: a look at Stripe before the machine slept is old when it wakes.
func TestGuardByTheWall(t *testing.T) {
	now := time.Now()
	if now.String() == now.Round(0).String() {
		t.Fatal("the system's clock has no monotonic reading; want one, to see it dropped")
	}
	if _, sending := withSending(t.Context(), now); sending.lookedAt != now.Round(0) {
		t.Error("the age of a look is counted by the monotonic clock, which stands still while the machine sleeps")
	}
}

// TestPace asks a Stripe that takes so many requests a second, and no more, as fast as it may: none is refused, and the
// pace is kept.
func TestPace(t *testing.T) {
	clock := newClock()
	fake, err := stripefake.New(stripefake.Config{Now: clock.now, ReadsPerSecond: 10, WritesPerSecond: 4})
	if err != nil {
		t.Fatal(err)
	}
	fake.AddPrice("price_pro", "usd", 10000)
	client, err := NewStripe(StripeConfig{
		Key: "sk_test_pace", BaseURL: "http://127.0.0.1:1", Now: clock.now, Sleep: clock.sleep, NoRetries: true,
		ReadsPerSecond: 10, WritesPerSecond: 4, Transport: inProcess{fake},
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
			params := CheckoutRequest{Price: "price_pro", SuccessURL: "https://example.com/"}.params(clock.now())
			params.Context, _ = withSending(ctx, clock.now())
			_, err := client.api.CheckoutSessions.New(params)
			return err
		}},
	} {
		began := clock.now()
		for range 3*pace.perSecond + 1 {
			if err := pace.ask(); err != nil {
				t.Fatalf("%s: %v", pace.name, err)
			}
		}
		if took := clock.now().Sub(began); took < 3*time.Second || took > 3*time.Second+time.Second/2 {
			t.Errorf("%s: %d took %s", pace.name, 3*pace.perSecond+1, took)
		}
	}
	for _, request := range fake.Requests() {
		if request.Status != http.StatusOK {
			t.Fatalf("%+v", request)
		}
	}
}
