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
		items, err := client.InvoiceItems(ctx, url.Values{
			"created[gte]": {strconv.FormatInt(a.from.Unix(), 10)},
		})
		if err != nil {
			return nil, err
		}
		known := map[string][]*stripego.InvoiceItem{}
		for _, item := range items {
			if id := item.Metadata[stripe.MetadataChargeID]; id != "" {
				known[id] = append(known[id], item)
			}
		}
		a.known = known
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
