package sync

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// State is what Stripe knows of customers and subscriptions, as far as a sync needs it.
type State struct {
	// Customers are customer ids by Stripe's: those whose metadata names one.
	Customers     map[string]string
	Subscriptions []Subscription
	// Unpayable are the Stripe customers that have neither payment method nor e-mail, All those that there are.
	Unpayable, All map[string]bool
}

// Subscription is a subscription at Stripe. Times are zero where Stripe has none.
type Subscription struct {
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
	Items                    []Item
	TrialStart, TrialEnd     time.Time
	StartsAt, Anchor, EndsAt time.Time
	PeriodStart, PeriodEnd   time.Time
	// Phases are those that Stripe's schedule has in store for it, in order; none without one.
	Phases []Phase
	// reseated are the seats that they change while the product stays.
	reseated   []reseating
	neverBegan bool
	// running is how State has it; empty where it is over.
	running []string
	// taxed: its invoices take no credits.
	taxed bool
	// cycle is Anchor as Stripe has it.
	cycle time.Time
}

// Item is a price in a subscription. A metered one has no quantity: Stripe is told what was used.
type Item struct {
	Price    string
	Quantity uint64
	Metered  bool
}

// Phase is what a schedule at Stripe is going to make of a subscription.
type Phase struct {
	StartsAt time.Time
	Items    []Item
	// Restarts says that its periods are counted from its start.
	Restarts bool
	// TrialEnd is when the trial ends with which it begins; zero if it begins with none.
	TrialEnd time.Time
}

// reseating is a number of seats that a schedule has in store.
type reseating struct {
	at    time.Time
	seats uint64
}

// products are those that the subscription's prices belong to, each once.
func (s Subscription) products(prices map[string]string) []string {
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
func (s Subscription) seats(product string, prices map[string]string) uint64 {
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

// seatsAtEnd are those of the last phase that is known.
func (s Subscription) seatsAtEnd(product string, prices map[string]string) uint64 {
	if last := len(s.reseated) - 1; last >= 0 {
		return s.reseated[last].seats
	}
	return s.seats(product, prices)
}

// reseat adds the seats that the schedule has in store.
func (s Subscription) reseat(seats subscription.Seats) subscription.Seats {
	for _, change := range s.reseated {
		seats = seats.Since(change.at, change.seats)
	}
	return seats
}

// seatsToCome says what the schedule has in store; empty for nothing.
func (s Subscription) seatsToCome() string {
	var changes []string
	for _, change := range s.reseated {
		changes = append(changes, fmt.Sprintf("%d seats from %s", change.seats, instant(change.at)))
	}
	return strings.Join(changes, ", ")
}

func instant(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}
