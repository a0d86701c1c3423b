package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

func newAttachCommand(a *app) *cobra.Command {
	var at string
	var checkout bool
	command := &cobra.Command{
		Use:   "attach CUSTOMER PRODUCT",
		Short: "Subscribe a customer to a product, or print a link to pay for it",
		Example: "  creditmill attach acme pro --checkout    # a link to pay for it\n" +
			"  creditmill attach acme pro --at 2026-10-10T12:00:00Z",
		Long: "A product of the same or a higher price takes effect at once: a new period begins with a full allowance. A " +
			"cheaper one takes effect when the present period ends. An add-on begins at once, beside what the customer has. " +
			"With --checkout nothing changes here; the link leads to Stripe, where the customer subscribes. A customer has " +
			"one link at a time: asked again, the same is given while it lasts, and one to another product ends it.",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeProducts(1),
		RunE: func(command *cobra.Command, args []string) error {
			if checkout {
				return a.runAttachCheckout(command.Context(), args[0], args[1], at)
			}
			return a.runChange(command.Context(), subscription.Change{CustomerID: args[0], Product: args[1]}, at)
		},
	}
	command.Flags().StringVar(&at, "at", "", "when the customer asks for it (default now)")
	command.Flags().BoolVar(&checkout, "checkout", false, "print a Stripe Checkout link instead")
	return command
}

// changeResult is the JSON of attach and cancel.
type changeResult struct {
	CustomerID  string    `json:"customer_id"`
	Product     string    `json:"product"`
	EffectiveAt time.Time `json:"effective_at"`
	CheckoutURL string    `json:"checkout_url,omitempty"`
}

// runChange changes a customer's product: attach and cancel.
func (a *app) runChange(ctx context.Context, change subscription.Change, at string) error {
	if err := checkCustomerID(change.CustomerID); err != nil {
		return err
	}
	var err error
	if change.Catalog, err = a.catalog(); err != nil {
		return err
	}
	if change.At, err = a.asOf("at", at); err != nil {
		return err
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	if change.Closed, err = a.closedTime(ctx, w, []string{change.CustomerID}); err != nil {
		return err
	}
	result, err := subscription.Attach(ctx, w, change, a.now())
	if errors.Is(err, subscription.ErrUnknownProduct) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	shown := changeResult{CustomerID: result.CustomerID, Product: result.Product, EffectiveAt: result.EffectiveAt}
	return a.print(shown, func(out io.Writer) error {
		if result.Ended {
			_, err := writef(out, "%s has %s until %s\n", result.CustomerID, result.Product,
				result.EffectiveAt.Format(time.RFC3339))
			return err
		}
		verb := "has"
		if result.EffectiveAt.After(change.At) {
			verb = "will have"
		}
		_, err := writef(out, "%s %s %s from %s\n", result.CustomerID, verb, result.Product,
			result.EffectiveAt.Format(time.RFC3339))
		return err
	})
}

func (a *app) runAttachCheckout(ctx context.Context, customerID, productID, at string) error {
	if err := checkCustomerID(customerID); err != nil {
		return err
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	product, ok := catalog.Product(productID)
	if !ok {
		return usagef("unknown product %q; see the catalog", productID)
	}
	instant, err := a.asOf("at", at)
	if err != nil {
		return err
	}
	url, err := a.checkoutURL(ctx, catalog, customerID, product)
	if err != nil {
		return err
	}
	shown := changeResult{CustomerID: customerID, Product: product.ID, EffectiveAt: instant, CheckoutURL: url}
	return a.print(shown, func(out io.Writer) error {
		_, err := fmt.Fprintln(out, url)
		return err
	})
}

func checkCustomerID(id string) error {
	if err := subscription.CheckCustomerID(id); err != nil {
		return usagef("read customer %q: %w", id, err)
	}
	return nil
}
