package invoice

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// StripeState is what Stripe knows of customers and subscriptions, as far as a sync needs it.
type StripeState struct {
	// Customers are customer ids by Stripe's: those whose metadata names one.
	Customers     map[string]string
	Subscriptions []StripeSubscription
	// Unpayable are the Stripe customers that have neither payment method nor e-mail, All those that there are.
	Unpayable, All map[string]bool
}

// StripeSubscription is a subscription at Stripe. Times are zero where Stripe has none.
type StripeSubscription struct {
	ID             string
	StripeCustomer string
	// CustomerID is the one that its metadata, else its Checkout session names; empty if none does.
	CustomerID string
	Status     string
	// Paused says that its invoices are not collected.
	Paused bool
	// Hold is why charges on it wait; empty where they do not.
	Hold string
	// PastDue says that Stripe could not collect its latest invoice.
	PastDue bool
	// Items are its prices, each with how many of it were bought.
	Items                    []StripeItem
	TrialStart, TrialEnd     time.Time
	StartsAt, Anchor, EndsAt time.Time
	PeriodStart, PeriodEnd   time.Time
	// Phases are those that Stripe's schedule has in store for it, in order; none without one.
	Phases []StripePhase
	// reseated are the seats that they change while the product stays.
	reseated   []reseating
	neverBegan bool
	// running is how StripeState has it; empty where it is over.
	running []string
	// cycle is Anchor as Stripe has it.
	cycle time.Time
}

// StripeItem is a price in a subscription. A metered one has no quantity: Stripe is told what was used.
type StripeItem struct {
	Price    string
	Quantity uint64
	Metered  bool
}

// ReadState reads all customers and subscriptions, canceled ones too. prices are the ids of prices that matter: of
// subscriptions to others nothing more is asked.
func (s *Stripe) ReadState(ctx context.Context, prices map[string]string) (StripeState, error) {
	state := StripeState{Customers: map[string]string{}, Unpayable: map[string]bool{}, All: map[string]bool{}}
	customers, err := s.customers(ctx)
	if err != nil {
		return StripeState{}, err
	}
	for _, customer := range customers {
		state.All[customer.ID] = true
		if !payable(customer) {
			state.Unpayable[customer.ID] = true
		}
		if id := customer.Metadata[metadataCustomer]; id != "" {
			state.Customers[customer.ID] = id
		}
	}
	subscriptions, err := s.subscriptions(ctx, url.Values{"status": {"all"}})
	if err != nil {
		return StripeState{}, err
	}
	schedules, err := s.schedules(ctx, subscriptions)
	if err != nil {
		return StripeState{}, err
	}
	for _, subscription := range subscriptions {
		read, err := s.readSubscription(ctx, subscription)
		if err != nil {
			return StripeState{}, err
		}
		if err := read.follow(subscription, schedules); err != nil {
			return StripeState{}, err
		}
		if read.CustomerID == "" && state.Customers[read.StripeCustomer] == "" && len(read.products(prices)) > 0 {
			if read.CustomerID, err = s.checkoutReference(ctx, read.ID); err != nil {
				return StripeState{}, err
			}
		}
		if usable(subscription) || read.Hold != "" {
			read.running = running([]*stripe.Subscription{subscription})
		}
		state.Subscriptions = append(state.Subscriptions, read)
	}
	return state, nil
}

func (s *Stripe) readSubscription(ctx context.Context, from *stripe.Subscription) (StripeSubscription, error) {
	if from.Status == "" || from.StartDate == 0 || from.Customer == nil || from.Items == nil {
		return StripeSubscription{}, fmt.Errorf("read subscription %s: %w", from.ID, errIncomplete)
	}
	if from.Livemode != s.Livemode {
		return StripeSubscription{}, fmt.Errorf("read subscription %s: it has livemode %t: %w", from.ID, from.Livemode,
			ErrInvariant)
	}
	read := StripeSubscription{
		ID: from.ID, StripeCustomer: from.Customer.ID, CustomerID: from.Metadata[metadataCustomer],
		Status: string(from.Status), Paused: from.PauseCollection != nil && from.PauseCollection.Behavior != "",
		StartsAt: stripeTime(from.StartDate), Anchor: stripeTime(from.BillingCycleAnchor), EndsAt: ends(from),
		PeriodStart: stripeTime(from.CurrentPeriodStart), PeriodEnd: stripeTime(from.CurrentPeriodEnd),
		neverBegan: from.Status == stripe.SubscriptionStatusIncomplete ||
			from.Status == stripe.SubscriptionStatusIncompleteExpired,
	}
	read.TrialStart, read.TrialEnd = stripeTime(from.TrialStart), stripeTime(from.TrialEnd)
	read.PastDue = from.Status == stripe.SubscriptionStatusPastDue || from.Status == stripe.SubscriptionStatusUnpaid
	if read.Anchor.IsZero() {
		read.Anchor = read.StartsAt
	}
	read.Hold, read.cycle = holdOf(from), read.Anchor
	items := from.Items.Data
	if from.Items.HasMore {
		var err error
		if items, err = s.subscriptionItems(ctx, from.ID); err != nil {
			return StripeSubscription{}, err
		}
	}
	for _, item := range items {
		if item.Price != nil {
			read.Items = append(read.Items, StripeItem{
				Price: item.Price.ID, Quantity: uint64(max(item.Quantity, 0)),
				Metered: item.Price.Recurring != nil && item.Price.Recurring.UsageType == stripe.PriceRecurringUsageTypeMetered,
			})
		}
	}
	return read, nil
}

// ends is when a subscription ended or is to end.
func ends(from *stripe.Subscription) time.Time {
	switch {
	case from.EndedAt != 0:
		return stripeTime(from.EndedAt)
	case from.Status == stripe.SubscriptionStatusCanceled:
		return stripeTime(from.CanceledAt)
	case from.CancelAt != 0:
		return stripeTime(from.CancelAt)
	case from.CancelAtPeriodEnd:
		return stripeTime(from.CurrentPeriodEnd)
	}
	return time.Time{}
}

// products are those that the subscription's prices belong to, each once.
func (s StripeSubscription) products(prices map[string]string) []string {
	var found []string
	for _, item := range s.Items {
		product, known := prices[item.Price]
		if known && !slices.Contains(found, product) {
			found = append(found, product)
		}
	}
	return found
}

// seats is how many of a product it holds: the quantities of its items together. Metered items alone are one.
func (s StripeSubscription) seats(product string, prices map[string]string) uint64 {
	seats, licensed := uint64(0), false
	for _, item := range s.Items {
		if prices[item.Price] == product && !item.Metered {
			seats, licensed = seats+item.Quantity, true
		}
	}
	if !licensed {
		return 1
	}
	return seats
}

// checkoutReference is the customer whose Checkout made the subscription; empty if no session says so.
func (s *Stripe) checkoutReference(ctx context.Context, subscriptionID string) (string, error) {
	sessions, err := listPages(ctx, s, "/v1/checkout/sessions", url.Values{"subscription": {subscriptionID}},
		func() *stripe.CheckoutSessionList { return &stripe.CheckoutSessionList{} },
		func(l *stripe.CheckoutSessionList) (stripe.ListMeta, []*stripe.CheckoutSession) {
			return l.ListMeta, l.Data
		},
		func(session *stripe.CheckoutSession) string { return session.ID })
	if err != nil {
		return "", err
	}
	for _, session := range sessions {
		if id := session.Metadata[metadataCustomer]; id != "" {
			return id, nil
		}
		if session.ClientReferenceID != "" {
			return session.ClientReferenceID, nil
		}
	}
	return "", nil
}

func (s *Stripe) customers(ctx context.Context) ([]*stripe.Customer, error) {
	return listPages(ctx, s, "/v1/customers", nil,
		func() *stripe.CustomerList { return &stripe.CustomerList{} },
		func(l *stripe.CustomerList) (stripe.ListMeta, []*stripe.Customer) { return l.ListMeta, l.Data },
		func(customer *stripe.Customer) string { return customer.ID })
}

func (s *Stripe) subscriptionItems(ctx context.Context, id string) ([]*stripe.SubscriptionItem, error) {
	return listPages(ctx, s, "/v1/subscription_items", url.Values{"subscription": {id}},
		func() *stripe.SubscriptionItemList { return &stripe.SubscriptionItemList{} },
		func(l *stripe.SubscriptionItemList) (stripe.ListMeta, []*stripe.SubscriptionItem) {
			return l.ListMeta, l.Data
		},
		func(item *stripe.SubscriptionItem) string { return item.ID })
}

// stripeTime is Stripe's time in seconds; 0 is none.
func stripeTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
