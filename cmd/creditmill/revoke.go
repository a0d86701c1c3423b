package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

func newRevokeCommand(a *app) *cobra.Command {
	var flags consentFlags
	var at string
	command := &cobra.Command{
		Use:   "revoke GRANT_ID --reason TEXT",
		Short: "Take a grant back",
		Long: "What is unused of the grant leaves the balance at --at, and one that is given again is given no more. What " +
			"was used of it stays used, and closed periods stay as they were billed. Who, when and why is written down and " +
			"listed by grants. A grant that was revoked before stays as it is.",
		Example: "  creditmill revoke gr_4b5b5fa1e2f3 --reason \"order 17 was refunded\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runRevoke(command.Context(), args[0], at, flags)
		},
	}
	command.Flags().StringVar(&at, "at", "", "from when on what is unused is gone (default now)")
	flags.add(command)
	return command
}

func (a *app) runRevoke(ctx context.Context, id, at string, flags consentFlags) error {
	consent, err := flags.consent("revoke grant", id)
	if err != nil {
		return err
	}
	revocation := subscription.Revocation{GrantID: id, Reason: consent.Reason, By: consent.By}
	if revocation.At, err = a.asOf("at", at); err != nil {
		return err
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	grant, revoked, err := subscription.RevokeGrant(ctx, w, revocation, a.now())
	if errors.Is(err, subscription.ErrInvalidGrant) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	shown := newGrantResult(grant)
	shown.Status = "already_revoked"
	if revoked {
		shown.Status = "revoked"
	}
	return a.print(shown, func(out io.Writer) error {
		_, err := writef(out, "%s of %s is %s from %s on: %s\n", grant.ID, grant.CustomerID,
			strings.ReplaceAll(shown.Status, "_", " "), shortTime(shown.RevokedAt), grant.RevokeReason)
		return err
	})
}

// ends is the end of a grant's use, or of its being given.
func (g grantResult) ends() string {
	var ends []string
	switch {
	case g.Every != "":
		ends = append(ends, "every "+g.Every)
		if g.Unused == unusedStays {
			ends = append(ends, "kept")
		}
		if g.Until != nil {
			ends = append(ends, "until "+shortTime(g.Until))
		}
	case g.ExpiresAt != nil:
		ends = append(ends, shortTime(g.ExpiresAt))
	case g.RevokedAt == nil:
		ends = append(ends, "never")
	}
	if g.RevokedAt != nil {
		ends = append(ends, "revoked "+shortTime(g.RevokedAt)+" by "+g.RevokedBy+": "+g.RevokeReason)
	}
	return strings.Join(ends, ", ")
}
