package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// previewFlags are those of invoice preview.
type previewFlags struct{ asOf, customer, csv string }

func newInvoicePreviewCommand(a *app) *cobra.Command {
	var flags previewFlags
	command := &cobra.Command{
		Use:   "preview",
		Short: "Show what would be posted, what is held and why",
		Long: "preview lists the overage of every ended period: how it comes about, to the last digit, and what is " +
			"charged. It writes nothing to Stripe. Charges that are held say why; the others are what " +
			"`creditmill invoice post --plan SHA` will post.",
		Example: "  creditmill invoice preview\n  creditmill invoice preview --as-of 2026-11-01 --csv plan.csv",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.runInvoicePreview(command.Context(), flags)
		},
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "charge periods that ended by this time (default now)")
	command.Flags().StringVar(&flags.customer, "customer", "", "show this customer only; the plan's hash is of all")
	command.Flags().StringVar(&flags.csv, "csv", "", "also write the plan to this CSV file, one row for each line")
	return command
}

// previewResult is the JSON of invoice preview.
type previewResult struct {
	PlanSHA string                    `json:"plan_sha"`
	AsOf    time.Time                 `json:"as_of"`
	Charges []invoice.Charge          `json:"charges"`
	Totals  map[string]invoice.Totals `json:"totals"`
}

func (a *app) runInvoicePreview(ctx context.Context, flags previewFlags) error {
	asOf, err := a.asOf("as-of", flags.asOf)
	if err != nil {
		return err
	}
	client, err := a.previewClient()
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, asOf, client, reading)
	if err != nil {
		return err
	}
	defer release()
	plan, err := runner.Plan(ctx)
	if err != nil {
		return err
	}
	if flags.customer != "" {
		plan = plan.ForCustomer(flags.customer)
	}
	if flags.csv != "" {
		if err := writePlanFile(flags.csv, plan); err != nil {
			return err
		}
	}
	result := previewResult{PlanSHA: plan.SHA, AsOf: plan.AsOf.UTC(), Charges: plan.Charges, Totals: plan.Totals()}
	if result.Charges == nil {
		result.Charges = []invoice.Charge{}
	}
	return a.print(result, func(w io.Writer) error { return a.showPlan(w, plan) })
}

// previewClient is nil where there is no key: the figures need none, only the charges' ids do.
func (a *app) previewClient() (*invoice.Stripe, error) {
	client, err := a.stripeClient(true, true)
	if err == nil {
		return client, nil
	}
	if key, keyErr := a.stripeKey(); keyErr != nil && key == "" && a.config.Stripe.APIKeyFile == "" {
		return nil, nil
	}
	return nil, err
}

func writePlanFile(name string, plan invoice.Plan) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return invoice.WriteCSV(file, plan)
}

func (a *app) showPlan(w io.Writer, plan invoice.Plan) error {
	book, err := a.catalog()
	if err != nil {
		return err
	}
	return printPlan(w, book, plan)
}

// printPlan writes the plan for finance: ready and posted charges with how they come about, then those that are held
// with their reasons, then sums.
func printPlan(w io.Writer, book *schemas.Catalog, plan invoice.Plan) error {
	shown := newTable(w, "customer", "product", "period", "included", "used", "overage", "billed", "price", "exact",
		"amount", "status")
	held := 0
	for _, charge := range plan.Charges {
		currency, err := money.LookupCurrency(charge.Currency)
		if err != nil {
			return err
		}
		if charge.Status == invoice.StatusHeld {
			held++
			continue
		}
		included, price := termsOf(book, charge)
		used := decimal.Zero
		for _, line := range charge.Lines {
			used = used.Add(line.Credits)
		}
		shown.AppendRow([]any{
			charge.CustomerID, productOf(charge), period(charge), included, used, charge.BillableCredits,
			charge.BilledCredits, price, currency.FormatExact(charge.AmountExact), currency.Format(charge.AmountMinor),
			charge.Status,
		})
		for _, line := range charge.Lines {
			shown.AppendRow([]any{
				"", "  " + line.FeatureID, line.Tokens.String() + " tokens", "", line.Credits, "", "", "", "",
				currency.Format(line.AmountMinor), "",
			})
		}
	}
	if shown.Length() > 0 {
		shown.Render()
		fmt.Fprintln(w)
	}
	if err := printHeld(w, plan, held); err != nil {
		return err
	}
	if len(plan.Charges) == 0 {
		fmt.Fprintln(w, "nothing to charge: no period that ended has overage")
	}
	totals := plan.Totals()
	for _, code := range slices.Sorted(maps.Keys(totals)) {
		currency, err := money.LookupCurrency(code)
		if err != nil {
			return err
		}
		sum := totals[code]
		fmt.Fprintf(w, "total %s: %s ready, %s held, %s posted\n", code, currency.Format(sum.ReadyMinor),
			currency.Format(sum.HeldMinor), currency.Format(sum.PostedMinor))
	}
	_, err := fmt.Fprintf(w, "plan %s as of %s\n", plan.SHA, plan.AsOf.UTC().Format(time.RFC3339))
	return err
}

// termsOf are the allowance and the price of a credit that a charge was made with, as the catalog has them. They are
// left out where the catalog was changed since, and for adjustments.
func termsOf(book *schemas.Catalog, charge invoice.Charge) (included, price string) {
	product, _ := book.Product(charge.Product)
	credits := product.At(charge.PeriodStart).Credits
	if credits == nil || credits.Overage == nil || charge.Kind != invoice.KindOverage {
		return "", ""
	}
	if !charge.BillableCredits.Mul(credits.Overage.PerCredit).Equal(charge.AmountExact) {
		return "", ""
	}
	return credits.Included.String(), book.Currency.FormatExact(credits.Overage.PerCredit)
}

func printHeld(w io.Writer, plan invoice.Plan, count int) error {
	if count == 0 {
		return nil
	}
	fmt.Fprintln(w, "held, not charged until the reason is gone:")
	for _, charge := range plan.Charges {
		if charge.Status != invoice.StatusHeld {
			continue
		}
		currency, err := money.LookupCurrency(charge.Currency)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %s %s %s: %s\n", charge.CustomerID, period(charge), currency.Format(charge.AmountMinor),
			charge.HoldReason)
	}
	_, err := fmt.Fprintln(w)
	return err
}

func productOf(charge invoice.Charge) string {
	if charge.Kind == invoice.KindAdjustment {
		return charge.Product + " (adjustment)"
	}
	return charge.Product
}

// period writes a period as people do: dates where it begins and ends at midnight UTC, else instants.
func period(charge invoice.Charge) string {
	start, end := charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339)
	const midnight = "T00:00:00Z"
	if strings.HasSuffix(start, midnight) && strings.HasSuffix(end, midnight) {
		return strings.TrimSuffix(start, midnight) + " to " + strings.TrimSuffix(end, midnight)
	}
	return start + " to " + end
}
