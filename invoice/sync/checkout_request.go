package sync

import (
	"errors"
	"slices"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
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
	// Beside are prices that the customer may pay along with Price: those of add-ons, or where it is an add-on's, those of
	// all other products. Subscriptions to anything else refuse a link.
	Beside []string
	// TrialDays is the trial that the subscription begins with; 0: none.
	TrialDays int
	// SuccessURL and CancelURL are where Stripe sends the customer afterwards.
	SuccessURL, CancelURL string
}

// isBeside tells whether a subscription is only to what the customer may pay along.
func (r CheckoutRequest) isBeside(one *stripego.Subscription) bool {
	if one.Items == nil || len(one.Items.Data) == 0 {
		return false
	}
	for _, item := range one.Items.Data {
		if item.Price == nil || !slices.Contains(r.Beside, item.Price.ID) {
			return false
		}
	}
	return true
}

// Beside are the prices that a customer may pay along with those of a product.
func Beside(catalog *schemas.Catalog, product schemas.Product) []string {
	var beside []string
	for price, id := range Prices(catalog) {
		if other, _ := catalog.Product(id); id != product.ID && (product.AddOn || other.AddOn) {
			beside = append(beside, price)
		}
	}
	slices.Sort(beside)
	return beside
}

// checkout is a request that is served.
type checkout struct {
	*stripe.Client
	request CheckoutRequest
}
