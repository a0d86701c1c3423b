package invoice

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// Renewal is a draft by which Stripe renews a subscription, and whether the charges that belong on it are there.
type Renewal struct {
	InvoiceID      string    `json:"invoice_id"`
	Subscription   string    `json:"subscription"`
	StripeCustomer string    `json:"stripe_customer"`
	CreatedAt      time.Time `json:"created_at"`
	// Waits says what keeps charges off it; empty when nothing does.
	Waits string `json:"waits"`
}

// Renew posts the charges of the customers whose subscriptions Stripe renews now: each goes on the draft of its
// renewal. It answers those drafts, and the reports in the plan's order. The caller holds the writer lock.
func (r *Runner) Renew(ctx context.Context) ([]Renewal, []post.Report, error) {
	drafts, err := r.renewals(ctx)
	if err != nil || len(drafts) == 0 {
		return drafts, nil, err
	}
	if err := r.LookAgain(ctx); err != nil {
		return drafts, nil, err
	}
	planned, err := r.Plan(ctx)
	if err != nil {
		return drafts, nil, err
	}
	renewing := map[string]bool{}
	for _, draft := range drafts {
		renewing[draft.StripeCustomer] = true
	}
	reports, err := r.postFor(ctx, planned, func(customerID string) bool {
		return renewing[planned.Inputs.StripeCustomers[customerID]]
	})
	for i := range drafts {
		drafts[i].Waits = r.waits(planned, reports, drafts[i])
	}
	return drafts, reports, err
}

// renewals lists the drafts by which Stripe renews subscriptions, oldest first.
func (r *Runner) renewals(ctx context.Context) ([]Renewal, error) {
	invoices, err := r.config.Stripe.Invoices(ctx, url.Values{"status": {"draft"}})
	if err != nil {
		return nil, err
	}
	drafts := []Renewal{}
	for _, invoice := range slices.Backward(invoices) {
		if stripe.TakesOverage(invoice) && invoice.Subscription != nil && invoice.Customer != nil {
			drafts = append(drafts, Renewal{
				InvoiceID: invoice.ID, Subscription: invoice.Subscription.ID, StripeCustomer: invoice.Customer.ID,
				CreatedAt: stripe.Time(invoice.Created),
			})
		}
	}
	return drafts, nil
}

// waits says what keeps charges of a draft's customer off it; empty if nothing does.
func (r *Runner) waits(planned plan.Plan, reports []post.Report, draft Renewal) string {
	ours := map[string]bool{}
	for customerID, stripeCustomer := range planned.Inputs.StripeCustomers {
		if stripeCustomer == draft.StripeCustomer {
			ours[customerID] = true
		}
	}
	if len(ours) == 0 {
		return ""
	}
	within := map[string]bool{}
	for _, charge := range planned.Charges {
		within[charge.ID] = charge.Kind == plan.KindThreshold // it is never on a renewal
	}
	for _, report := range reports {
		unposted := report.Status == plan.StatusHeld || report.Status == plan.StatusOpen
		if unposted && !within[report.ChargeID] && ours[report.CustomerID] {
			return fmt.Sprintf("charge %s of %s: %s", report.ChargeID, report.CustomerID, report.Reason)
		}
	}
	for _, problem := range planned.Inputs.Problems {
		if ours[problem.CustomerID] {
			return fmt.Sprintf("customer %s has no figures: %s", problem.CustomerID, problem.Reason)
		}
	}
	if draft.CreatedAt.After(r.config.settledBy(planned.AsOf)) {
		return "usage may still arrive (invoice.settle)"
	}
	// What is missing of the last month may be overage that nobody knows of yet.
	for _, gap := range planned.Inputs.Gaps {
		if gap.From.Before(draft.CreatedAt) && gap.Until.After(draft.CreatedAt.AddDate(0, -1, 0)) {
			return gap.Reason
		}
	}
	return ""
}
