package invoice

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// clock is a clock that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// sleep passes the time at once.
func (c *clock) sleep(_ context.Context, by time.Duration) error {
	c.advance(by)
	return nil
}

// inProcess is a network of one handler: a cut connection is an error, as it is over TCP.
type inProcess struct{ handler http.Handler }

func (n inProcess) RoundTrip(request *http.Request) (response *http.Response, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if failure, isError := cause.(error); !isError || !errors.Is(failure, http.ErrAbortHandler) {
				panic(cause)
			}
			response, err = nil, io.ErrUnexpectedEOF
		}
	}()
	recorder := httptest.NewRecorder()
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
	} else {
		request.Body = http.NoBody
	}
	n.handler.ServeHTTP(recorder, request)
	return recorder.Result(), nil
}

// memoryLog is an eventLog that can be truncated.
type memoryLog struct {
	mu   sync.Mutex
	rows []ChargeEvent
}

func (m *memoryLog) Events(_ context.Context, ids []string) ([]ChargeEvent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var events []ChargeEvent
	for _, row := range m.rows {
		for _, id := range ids {
			if row.ChargeID == id {
				events = append(events, row)
			}
		}
	}
	return events, nil
}

func (m *memoryLog) Append(_ context.Context, events ...ChargeEvent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, events...)
	return nil
}

func (m *memoryLog) truncate(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = m.rows[:n]
}

// bench is a Stripe, a ledger and a clock on which posters work.
type bench struct {
	t      testing.TB
	clock  *clock
	fake   *stripefake.Server
	events *memoryLog
	sub    string
	// customers are Stripe's by customer, as a refreezing poster knows them; anew is the charge as it was frozen last.
	customers map[string]string
	anew      *FrozenCharge
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, clock: newClock(), events: &memoryLog{}}
	fake, err := stripefake.New(stripefake.Config{Now: b.clock.now, Date: b.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	b.fake = fake
	fake.AddCustomer("cus_1")
	fake.AddPrice("price_pro", "usd", 10000)
	b.sub = fake.AddSubscription("cus_1", "price_pro", b.clock.now().Add(-24*time.Hour))
	return b
}

// charge is one that is frozen already: $100.00 of October.
func (b *bench) charge(mode string, amountMinor int64) FrozenCharge {
	b.t.Helper()
	identity := Identity{
		StripeAccount: "acct_fake", CustomerID: "acme", Currency: "usd", LineCode: "overage:ai-credits",
		PeriodStart: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		PeriodEnd:   time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	charge := FrozenCharge{
		Charge: Charge{
			ID: identity.ChargeID(), CustomerID: "acme", StripeCustomer: "cus_1", Product: "pro",
			CreditSystem: "ai-credits", Kind: KindOverage, PeriodStart: identity.PeriodStart,
			PeriodEnd: identity.PeriodEnd, Currency: "usd", AmountMinor: amountMinor,
			BilledCredits: decimal.New(amountMinor, 0),
		},
		PlanSHA: "plan", StripeAccount: "acct_fake", Mode: mode, State: StateOpen, FrozenAt: b.clock.now(),
	}
	if mode == ModeSubscription || mode == ModeBillNow {
		charge.Target = b.sub
	}
	return b.frozen(charge)
}

// frozen freezes a charge again that was changed.
func (b *bench) frozen(charge FrozenCharge) FrozenCharge {
	b.t.Helper()
	var paid *collection
	if charge.Mode != ModeSubscription {
		paid = &collection{method: "charge_automatically"}
	}
	request, err := freezeRequest(charge.Charge, "plan", target{subscription: charge.Target, collection: paid}, time.UTC)
	if err != nil {
		b.t.Fatal(err)
	}
	charge.Request = request
	return charge
}

// client is a client of the fake without repeats of its own.
func (b *bench) client(network http.RoundTripper) *Stripe {
	b.t.Helper()
	return b.clientAt(b.clock.now, network)
}

func (b *bench) clientAt(now func() time.Time, network http.RoundTripper) *Stripe {
	b.t.Helper()
	client, err := NewStripe(StripeConfig{
		Key: "sk_test_bench", BaseURL: "http://127.0.0.1:1", Now: now, Sleep: b.clock.sleep, NoRetries: true,
		Transport: network,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

func (b *bench) poster(runID string) *poster {
	b.t.Helper()
	return &poster{
		stripe: b.client(inProcess{b.fake}), events: b.events, now: b.clock.now, sleep: b.clock.sleep, runID: runID,
		parallel: 1, at: func(string) {},
	}
}

// refreezing is a poster that may choose another way for charges, as a Runner's does.
func (b *bench) refreezing(runID string) *poster {
	p := b.poster(runID)
	p.customers, p.policy = b.customers, Policy{DaysUntilDue: 30}
	p.refreeze = func(_ context.Context, charge FrozenCharge, way target) (FrozenCharge, error) {
		request, err := freezeRequest(charge.Charge, charge.PlanSHA, way, time.UTC)
		charge.Mode, charge.Target, charge.Request = way.mode, way.subscription, request
		b.anew = &charge
		return charge, err
	}
	return p
}

// post runs a whole poster over the charges.
func (b *bench) post(runID string, charges ...FrozenCharge) []Report {
	b.t.Helper()
	reports, err := b.poster(runID).post(context.Background(), charges)
	if err != nil {
		b.t.Fatal(err)
	}
	return reports
}

// items are the fake's items of a charge.
func (b *bench) items(chargeID string) []stripefake.InvoiceItem {
	var own []stripefake.InvoiceItem
	for _, item := range b.fake.Items() {
		if item.Metadata[metadataChargeID] == chargeID {
			own = append(own, item)
		}
	}
	return own
}

// posts counts the writes that reached the fake.
func (b *bench) posts() int {
	count := 0
	for _, request := range b.fake.Requests() {
		if request.Method == http.MethodPost {
			count++
		}
	}
	return count
}
