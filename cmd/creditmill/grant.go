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
	"github.com/creditmill/creditmill/schemas"
)

// grantFlags are those of grant.
type grantFlags struct {
	id       string
	system   string
	at       string
	expires  string
	priority uint32
	reason   string
	every    string
	until    string
	unused   string
}

func newGrantCommand(a *app) *cobra.Command {
	var flags grantFlags
	command := &cobra.Command{
		Use:   "grant CUSTOMER CREDITS",
		Short: "Give a customer credits: a top-up or a promotion",
		Long: "The credits can be used from --at until they expire, besides the product's allowance and after it unless " +
			"--priority says otherwise. They also cover overage from earlier in the same period. What is left at a " +
			"period's end stays. --every gives them again and again, counted from --at; what is unused then expires unless " +
			"--unused keep. `creditmill revoke` takes a grant back. The same grant again changes nothing: one with the same " +
			"--id, or without it, with all the same values.",
		Example: "  creditmill grant acme 5000 --reason \"top-up, order 17\"\n" +
			"  creditmill grant acme 1000 --at 2026-10-01 --expires 2026-11-01 --priority 40\n" +
			"  creditmill grant acme 500 --at 2026-10-01 --every month --until 2027-10-01",
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
	command.Flags().StringVar(&flags.every, "every", "", "give them again every day, week, month, quarter or year")
	command.Flags().StringVar(&flags.until, "until", "", "when they are given no more, exclusive (default never)")
	command.Flags().StringVar(&flags.unused, "unused", unusedExpires,
		"what becomes of what is unused when they are given again: expire or keep")
	command.Flags().StringVar(&flags.id, "id", "", "your id of the grant: the same one is granted once")
	return command
}

// What becomes of the unused rest of a grant that is given again.
const (
	unusedExpires = "expire"
	unusedStays   = "keep"
)

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
	// Every is how often they are given again, with what becomes of what is unused then; empty: once.
	Every  string     `json:"every,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Unused string     `json:"unused,omitempty"`
	// RevokedAt is absent unless it was taken back.
	RevokedAt    *time.Time `json:"revoked_at,omitempty"`
	RevokedBy    string     `json:"revoked_by,omitempty"`
	RevokeReason string     `json:"revoke_reason,omitempty"`
	// Status is granted, or already_granted where nothing changed; of revoke revoked, or already_revoked; grants leaves it
	// out.
	Status string `json:"status,omitempty"`
}

func newGrantResult(grant subscription.Grant) grantResult {
	result := grantResult{
		GrantID: grant.ID, CustomerID: grant.CustomerID, CreditSystem: grant.CreditSystem, Credits: grant.Credits,
		StartsAt: grant.StartsAt, ExpiresAt: knownTime(grant.ExpiresAt), Priority: grant.Priority, Reason: grant.Reason,
		Every: string(grant.Every), Until: knownTime(grant.Until), RevokedAt: knownTime(grant.RevokedAt),
		RevokedBy: grant.RevokedBy, RevokeReason: grant.RevokeReason,
	}
	if grant.Every != "" {
		result.Unused = unusedExpires
		if grant.Keeps {
			result.Unused = unusedStays
		}
	}
	return result
}

// grantOf is what the flags say.
func (a *app) grantOf(customerID, credits string, flags grantFlags) (grant subscription.Grant, err error) {
	grant = subscription.Grant{
		ID: flags.id, CustomerID: customerID, CreditSystem: flags.system, Priority: flags.priority, Reason: flags.reason,
		Every: schemas.Interval(flags.every), Keeps: flags.unused == unusedStays,
	}
	if grant.Credits, err = money.Parse(credits); err != nil {
		return grant, usagef("read CREDITS %q: %v", credits, err)
	}
	if !grant.Keeps && flags.unused != unusedExpires {
		return grant, usagef("read --unused %q: it is expire or keep", flags.unused)
	}
	if grant.StartsAt, err = a.asOf("at", flags.at); err != nil {
		return grant, err
	}
	if flags.expires != "" {
		if grant.ExpiresAt, err = a.parseTime("expires", flags.expires); err != nil {
			return grant, err
		}
	}
	if flags.until != "" {
		grant.Until, err = a.parseTime("until", flags.until)
	}
	return grant, err
}

func (a *app) runGrant(ctx context.Context, customerID, credits string, flags grantFlags) error {
	if err := checkCustomerID(customerID); err != nil {
		return err
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	grant, err := a.grantOf(customerID, credits, flags)
	if err != nil {
		return err
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
		every := ""
		if stored.Every != "" {
			every = "every " + string(stored.Every) + " "
		}
		_, err := writef(out, "%s %s %s %s %sfrom %s (%s)\n", stored.CustomerID, verb, stored.Credits,
			stored.CreditSystem, every, stored.StartsAt.Format(time.RFC3339), stored.ID)
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
			t.AppendRow(table.Row{
				row.GrantID, row.CustomerID, row.Credits, row.CreditSystem, shortTime(&row.StartsAt), row.ends(),
				row.Priority, row.Reason,
			})
		}
		t.Render()
		return nil
	})
}
