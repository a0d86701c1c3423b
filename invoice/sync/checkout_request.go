package sync

import (
	"errors"

	"github.com/creditmill/creditmill/invoice/stripe"
)

// errSubscribed is returned when a customer who asks for a Checkout link already pays for a subscription.
var errSubscribed = errors.New("the customer has a running subscription")

// CheckoutRequest asks for a link at which a customer subscribes to a product.
type CheckoutRequest struct {
	CustomerID string
	// StripeCustomer may be empty: Stripe then makes the customer when the session is paid, and its id comes back with the
	// subscription, whose metadata names CustomerID.
	StripeCustomer string
	// Price is the Stripe id of the product's price.
	Price string
	// TrialDays is the trial that the subscription begins with; 0: none.
	TrialDays int
	// SuccessURL and CancelURL are where Stripe sends the customer afterwards.
	SuccessURL, CancelURL string
}

// checkout is a request that is served.
type checkout struct {
	*stripe.Client
	request CheckoutRequest
}
