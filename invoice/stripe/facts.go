package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// What Stripe's objects say: whether a subscription collects, whether an invoice reaches a customer, where an item is.

// Usable says whether a pending item on the subscription will be on an invoice.
func Usable(subscription *stripe.Subscription) bool {
	switch subscription.Status {
	case stripe.SubscriptionStatusActive, stripe.SubscriptionStatusTrialing, stripe.SubscriptionStatusPastDue:
		return subscription.PauseCollection == nil || subscription.PauseCollection.Behavior == ""
	}
	return false
}

// HoldOf says why a subscription keeps its customer's charges back: it is paused, unpaid or incomplete. A canceled one
// does not: the charge then goes on an invoice of its own.
func HoldOf(subscription *stripe.Subscription) string {
	switch {
	case subscription.PauseCollection != nil && subscription.PauseCollection.Behavior != "":
		return string(stripe.SubscriptionStatusPaused)
	case subscription.Status == stripe.SubscriptionStatusUnpaid,
		subscription.Status == stripe.SubscriptionStatusIncomplete,
		subscription.Status == stripe.SubscriptionStatusPaused:
		return string(subscription.Status)
	}
	return ""
}

// HeldBy is HoldOf as a reason.
func HeldBy(subscription *stripe.Subscription) string {
	hold := HoldOf(subscription)
	if hold == "" {
		return ""
	}
	return "subscription " + subscription.ID + " is " + hold
}

// runs writes a subscription as a sync stores it.
func runs(subscription *stripe.Subscription) string {
	return subscription.ID + " " + string(subscription.Currency)
}

// Running are those of a customer's subscriptions that go on.
func Running(all []*stripe.Subscription) []string {
	var found []string
	for _, subscription := range all {
		switch {
		case Usable(subscription):
			found = append(found, runs(subscription))
		case HeldBy(subscription) != "": // it counts where the customer's only one is looked for, and collects nothing
			found = append(found, subscription.ID+" -")
		}
	}
	slices.Sort(found)
	return found
}

// EndsPeriod tells the invoices that end a period of a subscription: those that renew it, and those by which a new
// period begins at once (billing_reason in docs.stripe.com/api/invoices/object).
func EndsPeriod(invoice *stripe.Invoice) bool {
	switch invoice.BillingReason {
	case stripe.InvoiceBillingReasonSubscriptionCycle, stripe.InvoiceBillingReasonSubscriptionUpdate,
		stripe.InvoiceBillingReasonSubscriptionCreate:
		return true
	}
	return false
}

// TakesOverage tells a draft that ends a period of a subscription and that Stripe finalizes by itself. Where the
// collection is paused it may never be final.
func TakesOverage(invoice *stripe.Invoice) bool {
	return EndsPeriod(invoice) && invoice.Status == stripe.InvoiceStatusDraft && invoice.AutoAdvance
}

// Payable says whether an invoice reaches a customer by itself.
func Payable(customer *stripe.Customer) bool {
	return customer.Email != "" || HasMethod(customer)
}

// HasMethod says whether a customer has a way to pay without being asked.
func HasMethod(customer *stripe.Customer) bool {
	return customer.DefaultSource != nil && customer.DefaultSource.ID != "" ||
		customer.InvoiceSettings != nil && customer.InvoiceSettings.DefaultPaymentMethod != nil
}

// InvoiceOf is the invoice that an item is on; empty while it is pending.
func InvoiceOf(item *stripe.InvoiceItem) string {
	if item.Invoice == nil {
		return ""
	}
	return item.Invoice.ID
}

// SubscriptionOfItem is the subscription that an item is for; empty for none.
func SubscriptionOfItem(item *stripe.InvoiceItem) string {
	if item.Subscription == nil {
		return ""
	}
	return item.Subscription.ID
}

// Missing tells the error for an object that Stripe does not have.
func Missing(err error) bool {
	var failure *stripe.Error
	return errors.As(err, &failure) && failure.HTTPStatusCode == http.StatusNotFound
}

// Time is Stripe's time in seconds; 0 is none.
func Time(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Wanted is what an invoice item of a charge must say.
type Wanted struct {
	ChargeID    string
	AmountMinor int64
	Currency    string
	Customer    string
	Livemode    bool
}

// ItemDiffers names what in an item is not as it must be; empty if all is.
func ItemDiffers(item *stripe.InvoiceItem, want Wanted) string {
	customer := ""
	if item.Customer != nil {
		customer = item.Customer.ID
	}
	switch {
	case item.Metadata[MetadataChargeID] != want.ChargeID:
		return "charge_id " + item.Metadata[MetadataChargeID]
	case item.Amount != want.AmountMinor:
		return fmt.Sprintf("amount %d instead of %d", item.Amount, want.AmountMinor)
	case string(item.Currency) != want.Currency:
		return "currency " + string(item.Currency)
	case customer != want.Customer:
		return "customer " + customer
	case item.Livemode != want.Livemode:
		return fmt.Sprintf("livemode %t", item.Livemode)
	}
	return ""
}

// AutomaticallyTaxed tells whether Stripe computes the tax on a subscription's invoices.
func AutomaticallyTaxed(subscription *stripe.Subscription) bool {
	return subscription.AutomaticTax != nil && subscription.AutomaticTax.Enabled
}

// TakesNoCredit tells whether charges go on a subscription, and credits do not for its tax.
func TakesNoCredit(subscription *stripe.Subscription) bool {
	return Usable(subscription) && AutomaticallyTaxed(subscription)
}
