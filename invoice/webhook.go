package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
	"golang.org/x/sync/singleflight"

	"github.com/creditmill/creditmill/invoice/stripe"
)

// WebhookConfig is what Webhooks work with. All but Sync and Log are required.
type WebhookConfig struct {
	// Secret is the endpoint's, as Stripe shows it: whsec_….
	Secret   string
	Livemode bool
	// Renew posts what belongs on the drafts of renewals, as Runner.Renew does under the writer lock.
	Renew func(context.Context) ([]Renewal, error)
	// Sync takes changed subscriptions from Stripe. Nil: they are left to the next sync.
	Sync func(context.Context) error
	Now  func() time.Time
	Log  zerolog.Logger
}

// Webhooks answer the events that Stripe sends to an endpoint. An event is a hint and never a fact: what it says is
// looked up at Stripe, so that events that come twice, late or in another order do no harm.
type Webhooks struct {
	config            WebhookConfig
	renewing, syncing shared
}

// NewWebhooks returns Webhooks.
func NewWebhooks(config WebhookConfig) *Webhooks { return &Webhooks{config: config} }

// Answer is what is sent back to Stripe: with a status other than 2xx it sends the event again, for up to three days.
type Answer struct {
	Status int
	Detail string
}

const (
	// signatureLasts is how old a signature may be.
	signatureLasts = 5 * time.Minute
	// patience is how long an event waits for its work; Stripe waits a little longer. Then it is told to come again.
	patience = 8 * time.Second
	// draftWaits is how long the draft of a renewal is kept for charges that are not complete. Stripe finalizes it after
	// three days whatever is answered.
	draftWaits = 60 * time.Hour
)

// Handle checks the signature of an event and does what it asks for. invoice.created is answered with 2xx once the
// invoice has all charges that belong on it: until then Stripe keeps it a draft and sends the event again
// (docs.stripe.com/billing/subscriptions/webhooks).
func (w *Webhooks) Handle(ctx context.Context, payload []byte, signature string) Answer {
	event, err := webhook.ConstructEventWithOptions(payload, signature, w.config.Secret, webhook.ConstructEventOptions{
		IgnoreTolerance: true, IgnoreAPIVersionMismatch: true,
	})
	if err != nil {
		return Answer{http.StatusBadRequest, "the signature is not that of the endpoint's secret"}
	}
	if signed, known := signedAt(signature); !known || w.config.Now().Sub(signed).Abs() > signatureLasts {
		return Answer{http.StatusBadRequest, "the signature is older than five minutes, or this machine's clock is wrong"}
	}
	if event.Livemode != w.config.Livemode {
		return Answer{http.StatusOK, "nothing to do: the event is of the other mode"}
	}
	answer := Answer{http.StatusOK, "nothing to do"}
	switch {
	case event.Type == "invoice.created":
		answer = w.created(ctx, event)
	case strings.HasPrefix(string(event.Type), "customer.subscription.") && w.config.Sync != nil:
		answer = w.changed(ctx)
	}
	w.config.Log.Info().Str("event_id", event.ID).Str("type", string(event.Type)).Int("status", answer.Status).
		Str("detail", answer.Detail).Msg("webhook")
	return answer
}

// created posts what belongs on an invoice that ends a period.
func (w *Webhooks) created(ctx context.Context, event stripego.Event) Answer {
	var invoice stripego.Invoice
	if err := json.Unmarshal(event.Data.Raw, &invoice); err != nil || invoice.ID == "" {
		return Answer{http.StatusBadRequest, "the event holds no invoice"}
	}
	if !stripe.TakesOverage(&invoice) {
		return Answer{http.StatusOK, "nothing to do: the invoice ends no period, or is no draft that Stripe finalizes"}
	}
	drafts, err := do(ctx, &w.renewing, w.config.Renew)
	if err != nil {
		return Answer{http.StatusServiceUnavailable, err.Error()}
	}
	i := slices.IndexFunc(drafts, func(draft Renewal) bool { return draft.InvoiceID == invoice.ID })
	if i < 0 {
		return Answer{http.StatusOK, "nothing to do: the invoice is final by now"}
	}
	return w.concluded(drafts[i])
}

// concluded answers for a draft after a run.
func (w *Webhooks) concluded(draft Renewal) Answer {
	switch waited := w.config.Now().Sub(draft.CreatedAt); {
	case draft.Waits == "":
		return Answer{http.StatusOK, "invoice " + draft.InvoiceID + " has its charges"}
	case waited >= draftWaits:
		return Answer{http.StatusOK, fmt.Sprintf("invoice %s is let go after %.0f hours; its charges will be on the next "+
			"one: %s", draft.InvoiceID, waited.Hours(), draft.Waits)}
	}
	return Answer{http.StatusServiceUnavailable, draft.Waits}
}

// changed takes changed subscriptions from Stripe.
func (w *Webhooks) changed(ctx context.Context) Answer {
	if _, err := do(ctx, &w.syncing, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, w.config.Sync(ctx)
	}); err != nil {
		return Answer{http.StatusServiceUnavailable, err.Error()}
	}
	return Answer{http.StatusOK, "subscriptions are as at Stripe"}
}

// shared is work that is done once for all who ask while it goes on.
type shared struct {
	group singleflight.Group
	begun atomic.Int64
}

// turn is what one run of shared work came to.
type turn[T any] struct {
	number int64
	result T
}

// do waits for a run of the work that began after it was asked for, though not longer than Stripe waits: a run that
// goes on may have looked before what is asked about was there.
func do[T any](ctx context.Context, of *shared, work func(context.Context) (T, error)) (T, error) {
	asked, working := of.begun.Load(), context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		done := of.group.DoChan("", func() (any, error) {
			number := of.begun.Add(1)
			result, err := work(working)
			return turn[T]{number, result}, err
		})
		select {
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("the work goes on: %w", context.Cause(ctx))
		case answer := <-done:
			if last := answer.Val.(turn[T]); last.number > asked {
				return last.result, answer.Err
			}
		}
	}
}

// signedAt is the time in the header of a signature.
func signedAt(signature string) (time.Time, bool) {
	for part := range strings.SplitSeq(signature, ",") {
		if text, found := strings.CutPrefix(strings.TrimSpace(part), "t="); found {
			seconds, err := strconv.ParseInt(text, 10, 64)
			return time.Unix(seconds, 0), err == nil
		}
	}
	return time.Time{}, false
}
