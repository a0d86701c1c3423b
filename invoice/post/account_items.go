package post

import (
	"context"
	"net/url"
	"strconv"
	"sync"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// accountItems are the items of the whole Stripe account that carry a charge's id. A ledger that was restored may not
// know for which Stripe customer a charge was posted, and the customer may have another one by now: what a list of the
// present one's items does not show is here. They are read once in a run, and again for charges that are older.
type accountItems struct {
	mu    sync.Mutex
	from  time.Time
	known map[string][]*stripego.InvoiceItem
	// listed is how many items the account held when it was read.
	listed int
}

// pages is how many requests a list of the account takes, with so many items more than when it was read.
func (a *accountItems) pages(more int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return (a.listed+more)/100 + 1
}

// again reads the account's items again.
func (a *accountItems) again(
	ctx context.Context, client *stripe.Client,
) (map[string][]*stripego.InvoiceItem, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.read(ctx, client)
	return a.known, err
}

// read lists the account's items from the earliest that a charge can have been posted.
func (a *accountItems) read(ctx context.Context, client *stripe.Client) error {
	items, err := client.InvoiceItems(ctx, url.Values{
		"created[gte]": {strconv.FormatInt(a.from.Unix(), 10)},
	})
	if err != nil {
		return err
	}
	a.known, a.listed = map[string][]*stripego.InvoiceItem{}, len(items)
	for _, item := range items {
		if id := item.Metadata[stripe.MetadataChargeID]; id != "" {
			a.known[id] = append(a.known[id], item)
		}
	}
	return nil
}

// elsewhere are the items of a charge at other Stripe customers than its own, or at all.
func (a *accountItems) elsewhere(
	ctx context.Context, client *stripe.Client, charge plan.FrozenCharge, all bool,
) ([]*stripego.InvoiceItem, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := charge.ListedFrom()
	if a.known == nil || from.Before(a.from) {
		if a.from.IsZero() || from.Before(a.from) {
			a.from = from
		}
		if err := a.read(ctx, client); err != nil {
			return nil, err
		}
	}
	var others []*stripego.InvoiceItem
	for _, item := range a.known[charge.ID] {
		if all || item.Customer == nil || item.Customer.ID != charge.StripeCustomer {
			others = append(others, item)
		}
	}
	return others, nil
}

// lookFrom notes the earliest that any of the charges can have been posted, so that the account is read once.
func (a *accountItems) lookFrom(charges []plan.FrozenCharge) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, charge := range charges {
		if from := charge.ListedFrom(); a.from.IsZero() || from.Before(a.from) {
			a.from = from
		}
	}
}
