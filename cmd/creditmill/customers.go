package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

func newCustomersCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:     "customers",
		Short:   "List customers and the products they have",
		Example: "  creditmill customers\n  creditmill customers import customers.csv",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runCustomers(command.Context()) },
	}
	command.AddCommand(&cobra.Command{
		Use:   "import FILE",
		Short: "Store customers, subscriptions and Stripe ids from CSV or JSON Lines",
		Long: "Columns: customer_id, product, starts_at, ends_at, anchor, stripe_customer, stripe_subscription. Only " +
			"customer_id is needed. A row replaces the one stored with the same customer, product and starts_at. What " +
			"begins in a closed period changes nothing that was billed: a warning names the period, and `invoice rebill` " +
			"bills it again.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error { return a.runImport(command.Context(), args[0]) },
	})
	return command
}

// customerResult is one element of the JSON of customers.
type customerResult struct {
	CustomerID         string     `json:"customer_id"`
	Product            string     `json:"product"`
	AddOns             []string   `json:"add_ons,omitempty"`
	Since              *time.Time `json:"since"`
	StripeCustomer     string     `json:"stripe_customer"`
	StripeSubscription string     `json:"stripe_subscription"`
	LastEvent          *time.Time `json:"last_event"`
}

func (a *app) runCustomers(ctx context.Context) error {
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	known, err := subscription.Customers(ctx, w, catalog, a.now())
	if err != nil {
		return err
	}
	rows := make([]customerResult, 0, len(known))
	for _, customer := range known {
		rows = append(rows, customerResult{
			CustomerID: customer.CustomerID, Product: customer.Product, AddOns: customer.AddOns,
			Since:          knownTime(customer.Since),
			StripeCustomer: customer.StripeCustomer, StripeSubscription: customer.StripeSubscription,
			LastEvent: knownTime(customer.LastEvent),
		})
	}
	return a.print(rows, func(out io.Writer) error {
		if len(rows) == 0 {
			a.note("no customers yet; load usage, or import them with: creditmill customers import FILE")
			return nil
		}
		t := newTable(out, "customer", "product", "since", "stripe customer", "stripe subscription", "last event")
		for _, row := range rows {
			products := strings.Join(append([]string{row.Product}, row.AddOns...), ", ")
			t.AppendRow(table.Row{
				row.CustomerID, products, orBlank(row.Since), row.StripeCustomer, row.StripeSubscription,
				orBlank(row.LastEvent),
			})
		}
		t.Render()
		return nil
	})
}

// importResult is the JSON of customers import.
type importResult struct {
	subscription.ImportResult
	// Warnings are closed periods in which the rows begin, which stay as they were billed.
	Warnings []string `json:"warnings"`
}

func (a *app) runImport(ctx context.Context, name string) error {
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	body := a.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("import customers: %w", err)
		}
		defer file.Close() //nolint:errcheck // it was only read
		body = file
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	release, err := a.lockWriter(ctx, w)
	if err != nil {
		return err
	}
	defer release()
	before, err := subscription.All(ctx, w)
	if err != nil {
		return err
	}
	var result importResult
	result.ImportResult, err = subscription.ImportCustomers(ctx, w, subscription.Import{
		File: name, Body: body, Catalog: catalog,
	}, a.now())
	var mistake *subscription.ImportError
	if errors.As(err, &mistake) {
		return fmt.Errorf("import customers: nothing was stored:\n%w", err)
	}
	if err != nil {
		return err
	}
	after, err := subscription.All(ctx, w)
	if err != nil {
		return err
	}
	if result.Warnings, err = a.backdated(ctx, w, before, after); err != nil {
		return err
	}
	return a.print(result, func(out io.Writer) error {
		_, err := writef(out, "%s: %s, %s, %s\n", name, counted(result.Rows, "row"),
			counted(result.Customers, "customer"), counted(result.Subscriptions, "subscription"))
		return err
	})
}

// knownTime is nil for the zero time.
func knownTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func orBlank(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}
