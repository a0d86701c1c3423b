package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/money"
)

// grantFlags are those of grant.
type grantFlags struct {
	id       string
	system   string
	at       string
	expires  string
	priority uint32
	reason   string
}

func newGrantCommand(a *app) *cobra.Command {
	var flags grantFlags
	command := &cobra.Command{
		Use:   "grant CUSTOMER CREDITS",
		Short: "Give a customer credits: a top-up or a promotion",
		Long: "The credits can be used from --at until they expire, besides the product's allowance and after it unless " +
			"--priority says otherwise. They also cover overage from earlier in the same period. What is left at a " +
			"period's end stays. The same grant again changes nothing: one with the same --id, or without it, with all the " +
			"same values.",
		Example: "  creditmill grant acme 5000 --reason \"top-up, order 17\"\n" +
			"  creditmill grant acme 1000 --at 2026-10-01 --expires 2026-11-01 --priority 40",
		Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runGrant(command.Context(), args[0], args[1], flags)
		},
	}
	command.Flags().StringVar(&flags.at, "at", "", "when they can be used from (default now)")
	command.Flags().StringVar(&flags.expires, "expires", "", "when they expire (default never)")
	command.Flags().StringVar(&flags.system, "system", "", "which credits (default those of the customer's product)")
	command.Flags().Uint32Var(&flags.priority, "priority", subscription.GrantPriority,
		"lower is used first; rollover has 10, the allowance 50")
	command.Flags().StringVar(&flags.reason, "reason", "", "what they are for")
	command.Flags().StringVar(&flags.id, "id", "", "your id of the grant: the same one is granted once")
	return command
}

func newGrantsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "grants [CUSTOMER]",
		Short:   "List the credits given to customers",
		Example: "  creditmill grants\n  creditmill grants acme",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(command *cobra.Command, args []string) error { return a.runGrants(command.Context(), args) },
	}
}

// grantResult is the JSON of grant, and one element of that of grants.
type grantResult struct {
	GrantID      string          `json:"grant_id"`
	CustomerID   string          `json:"customer_id"`
	CreditSystem string          `json:"credit_system"`
	Credits      decimal.Decimal `json:"credits"`
	StartsAt     time.Time       `json:"starts_at"`
	ExpiresAt    *time.Time      `json:"expires_at"`
	Priority     uint32          `json:"priority"`
	Reason       string          `json:"reason"`
	// Status is granted, or already_granted where nothing changed; grants leaves it out.
	Status string `json:"status,omitempty"`
}

func newGrantResult(grant subscription.Grant) grantResult {
	return grantResult{
		GrantID: grant.ID, CustomerID: grant.CustomerID, CreditSystem: grant.CreditSystem, Credits: grant.Credits,
		StartsAt: grant.StartsAt, ExpiresAt: knownTime(grant.ExpiresAt), Priority: grant.Priority, Reason: grant.Reason,
	}
}

func (a *app) runGrant(ctx context.Context, customerID, credits string, flags grantFlags) error {
	if err := checkCustomerID(customerID); err != nil {
		return err
	}
	grant := subscription.Grant{
		ID: flags.id, CustomerID: customerID, CreditSystem: flags.system, Priority: flags.priority, Reason: flags.reason,
	}
	var err error
	if grant.Credits, err = money.Parse(credits); err != nil {
		return usagef("read CREDITS %q: %v", credits, err)
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	if grant.StartsAt, err = a.asOf("at", flags.at); err != nil {
		return err
	}
	if flags.expires != "" {
		if grant.ExpiresAt, err = a.parseTime("expires", flags.expires); err != nil {
			return err
		}
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	stored, added, err := subscription.AddGrant(ctx, w, catalog, grant, a.now())
	if errors.Is(err, subscription.ErrInvalidGrant) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	shown := newGrantResult(stored)
	shown.Status = "granted"
	verb := "has"
	if !added {
		shown.Status = "already_granted"
		verb = "already has"
	}
	return a.print(shown, func(out io.Writer) error {
		_, err := writef(out, "%s %s %s %s from %s (%s)\n", stored.CustomerID, verb, stored.Credits,
			stored.CreditSystem, stored.StartsAt.Format(time.RFC3339), stored.ID)
		return err
	})
}

func (a *app) runGrants(ctx context.Context, customers []string) error {
	if len(customers) == 0 {
		customers = nil
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	grants, err := subscription.Grants(ctx, w, customers)
	if err != nil {
		return err
	}
	rows := make([]grantResult, 0, len(grants))
	for _, grant := range grants {
		rows = append(rows, newGrantResult(grant))
	}
	return a.print(rows, func(out io.Writer) error {
		if len(rows) == 0 {
			a.note("no grants; give credits with: creditmill grant CUSTOMER CREDITS")
			return nil
		}
		t := newTable(out, "grant", "customer", "credits", "system", "from", "expires", "priority", "reason")
		for _, row := range rows {
			expires := "never"
			if row.ExpiresAt != nil {
				expires = shortTime(row.ExpiresAt)
			}
			t.AppendRow(table.Row{
				row.GrantID, row.CustomerID, row.Credits, row.CreditSystem, shortTime(&row.StartsAt), expires,
				row.Priority, row.Reason,
			})
		}
		t.Render()
		return nil
	})
}
