package sync

import (
	"context"
	"fmt"
	"net/url"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/stripe"
)

// ReadState reads all customers and subscriptions, canceled ones too. prices are the ids of prices that matter: of
// subscriptions to others nothing more is asked.
func ReadState(ctx context.Context, s *stripe.Client, prices map[string]string) (State, error) {
	state := State{Customers: map[string]string{}, Unpayable: map[string]bool{}, All: map[string]bool{}}
	customers, err := s.Customers(ctx)
	if err != nil {
		return State{}, err
	}
	for _, customer := range customers {
		state.All[customer.ID] = true
		if !stripe.Payable(customer) {
			state.Unpayable[customer.ID] = true
		}
		if id := customer.Metadata[stripe.MetadataCustomer]; id != "" {
			state.Customers[customer.ID] = id
		}
	}
	subscriptions, err := s.Subscriptions(ctx, url.Values{"status": {"all"}})
	if err != nil {
		return State{}, err
	}
	schedules, err := schedulesOf(ctx, s, subscriptions)
	if err != nil {
		return State{}, err
	}
	for _, subscription := range subscriptions {
		read, err := readSubscription(ctx, s, subscription)
		if err != nil {
			return State{}, err
		}
		if err := read.follow(subscription, schedules); err != nil {
			return State{}, err
		}
		if read.CustomerID == "" && state.Customers[read.StripeCustomer] == "" && len(read.products(prices)) > 0 {
			if read.CustomerID, err = checkoutReference(ctx, s, read.ID); err != nil {
				return State{}, err
			}
		}
		if stripe.Usable(subscription) || read.Hold != "" {
			read.running = stripe.Running([]*stripego.Subscription{subscription})
		}
		read.taxed = stripe.TakesNoCredit(subscription)
		state.Subscriptions = append(state.Subscriptions, read)
	}
	return state, nil
}

func readSubscription(ctx context.Context, s *stripe.Client, from *stripego.Subscription) (Subscription, error) {
	if from.Status == "" || from.StartDate == 0 || from.Customer == nil || from.Items == nil {
		return Subscription{}, fmt.Errorf("read subscription %s: %w", from.ID, stripe.ErrIncomplete)
	}
	if from.Livemode != s.Livemode {
		return Subscription{}, fmt.Errorf("read subscription %s: it has livemode %t, the key has not: %w", from.ID,
			from.Livemode, stripe.ErrMode)
	}
	read := Subscription{
		ID: from.ID, StripeCustomer: from.Customer.ID, CustomerID: from.Metadata[stripe.MetadataCustomer],
		Status: string(from.Status), Paused: from.PauseCollection != nil && from.PauseCollection.Behavior != "",
		StartsAt: stripe.Time(from.StartDate), Anchor: stripe.Time(from.BillingCycleAnchor), EndsAt: ends(from),
		PeriodStart: stripe.Time(from.CurrentPeriodStart), PeriodEnd: stripe.Time(from.CurrentPeriodEnd),
		neverBegan: from.Status == stripego.SubscriptionStatusIncomplete ||
			from.Status == stripego.SubscriptionStatusIncompleteExpired,
	}
	read.TrialStart, read.TrialEnd = stripe.Time(from.TrialStart), stripe.Time(from.TrialEnd)
	read.PastDue = from.Status == stripego.SubscriptionStatusPastDue || from.Status == stripego.SubscriptionStatusUnpaid
	if read.Anchor.IsZero() {
		read.Anchor = read.StartsAt
	}
	read.Hold, read.cycle = stripe.HoldOf(from), read.Anchor
	items := from.Items.Data
	if from.Items.HasMore {
		var err error
		if items, err = s.SubscriptionItems(ctx, from.ID); err != nil {
			return Subscription{}, err
		}
	}
	for _, item := range items {
		if item.Price != nil {
			read.Items = append(read.Items, Item{
				Price: item.Price.ID, Quantity: uint64(max(item.Quantity, 0)),
				Metered: item.Price.Recurring != nil && item.Price.Recurring.UsageType == stripego.PriceRecurringUsageTypeMetered,
			})
		}
	}
	return read, nil
}

// ends is when a subscription ended or is to end.
func ends(from *stripego.Subscription) time.Time {
	switch {
	case from.EndedAt != 0:
		return stripe.Time(from.EndedAt)
	case from.Status == stripego.SubscriptionStatusCanceled:
		return stripe.Time(from.CanceledAt)
	case from.CancelAt != 0:
		return stripe.Time(from.CancelAt)
	case from.CancelAtPeriodEnd:
		return stripe.Time(from.CurrentPeriodEnd)
	}
	return time.Time{}
}

// checkoutReference is the customer whose Checkout made the subscription; empty if no session says so.
func checkoutReference(ctx context.Context, s *stripe.Client, subscriptionID string) (string, error) {
	sessions, err := s.CheckoutSessions(ctx, url.Values{"subscription": {subscriptionID}})
	if err != nil {
		return "", err
	}
	for _, session := range sessions {
		if id := session.Metadata[stripe.MetadataCustomer]; id != "" {
			return id, nil
		}
		if session.ClientReferenceID != "" {
			return session.ClientReferenceID, nil
		}
	}
	return "", nil
}
