package post

import (
	"context"
	"net/url"
	"strconv"
	"sync"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/plan"
)

// looks are what Stripe answered while the charges of one customer are worked on: each of them would ask the same. A
// look is shared for lookShared, so that the guard (S8), which counts from the look itself, leaves the rest of its two
// minutes to the request.
type looks struct {
	// from is the earliest that any of the charges can have been posted.
	from time.Time
	mu   sync.Mutex
	seen map[string]*look
}

// look is one answer and when it was asked for.
type look struct {
	mu     sync.Mutex
	at     time.Time
	answer any
}

// lookShared is how long a look serves other charges of its customer.
const lookShared = time.Minute

type looksKey struct{}

// sharing lets the charges of a customer share their looks at Stripe.
func sharing(ctx context.Context, charges []plan.FrozenCharge) context.Context {
	own := &looks{seen: map[string]*look{}}
	for _, charge := range charges {
		if from := charge.ListedFrom(); own.from.IsZero() || from.Before(own.from) {
			own.from = from
		}
	}
	return context.WithValue(ctx, looksKey{}, own)
}

// alone has Stripe asked again: what a request of the charge itself may have changed is seen by nobody else's look.
func alone(ctx context.Context) context.Context {
	return context.WithValue(ctx, looksKey{}, (*looks)(nil))
}

// shared asks Stripe, or takes what was asked before. at is when that was. An error is never kept.
func shared[T any](
	ctx context.Context, p *Poster, name string, ask func(context.Context) (T, error),
) (answer T, at time.Time, err error) {
	own, _ := ctx.Value(looksKey{}).(*looks)
	if own == nil {
		at = p.now()
		answer, err = ask(ctx)
		return answer, at, err
	}
	own.mu.Lock()
	one := own.seen[name]
	if one == nil {
		one = &look{}
		own.seen[name] = one
	}
	own.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	// By the clock on the wall, as the guard counts: a suspended process wakes up to find its looks too old.
	now := p.now().Round(0)
	if age := now.Sub(one.at); !one.at.IsZero() && age >= 0 && age <= lookShared {
		return one.answer.(T), one.at, nil
	}
	answer, err = ask(ctx)
	if err == nil {
		one.at, one.answer = now, answer
	}
	return answer, now, err
}

// itemsOf lists a Stripe customer's items from the earliest that any of its charges can have been posted.
func (p *Poster) itemsOf(
	ctx context.Context, charge plan.FrozenCharge,
) (items []*stripego.InvoiceItem, at time.Time, err error) {
	from := charge.ListedFrom()
	if own, _ := ctx.Value(looksKey{}).(*looks); own != nil && own.from.Before(from) {
		from = own.from
	}
	name := "items of " + charge.StripeCustomer + " from " + from.String()
	return shared(ctx, p, name, func(ctx context.Context) ([]*stripego.InvoiceItem, error) {
		return p.stripe.InvoiceItems(ctx, url.Values{
			"customer": {charge.StripeCustomer}, "created[gte]": {strconv.FormatInt(from.Unix(), 10)},
		})
	})
}

func (p *Poster) customerAt(ctx context.Context, id string) (*stripego.Customer, error) {
	customer, _, err := shared(ctx, p, "customer "+id, func(ctx context.Context) (*stripego.Customer, error) {
		return p.stripe.Customer(ctx, id)
	})
	return customer, err
}

func (p *Poster) subscriptionAt(ctx context.Context, id string) (*stripego.Subscription, error) {
	found, _, err := shared(ctx, p, "subscription "+id, func(ctx context.Context) (*stripego.Subscription, error) {
		return p.stripe.Subscription(ctx, id)
	})
	return found, err
}
