package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/post"
)

const (
	timingRenewal = "renewal"
	timingCutoff  = "cutoff"
	timingBillNow = "bill_now"
)

// everyTenMinutes is when the drafts of renewals are looked for: Stripe keeps one for about an hour.
const everyTenMinutes = "@every 10m"

// onRenewals says whether charges go on the invoices that renew subscriptions.
func (c invoiceConfig) onRenewals() bool { return c.Timing == "" || c.Timing == timingRenewal }

// renewed is the JSON of the job.
type renewed struct {
	Renewals []invoice.Renewal `json:"renewals"`
	Charges  []post.Report     `json:"charges"`
}

// renewalsJob posts the charges of customers whose subscriptions Stripe renews now: each goes on the draft of that.
func (a *app) renewalsJob(ctx context.Context, live bool) error {
	drafts, reports, err := a.renew(ctx, live)
	a.reports = reports
	if err == nil || len(reports) > 0 {
		if reports == nil {
			reports = []post.Report{}
		}
		err = errors.Join(err, a.print(renewed{Renewals: drafts, Charges: reports}, func(w io.Writer) error {
			return printRenewals(w, drafts, reports)
		}))
	}
	return errors.Join(err, leftOfRenewals(drafts, reports))
}

func (a *app) renew(ctx context.Context, live bool) ([]invoice.Renewal, []post.Report, error) {
	if err := a.mayPostByItself(ctx); err != nil {
		return nil, nil, err
	}
	client, err := a.stripeClient(live, false)
	if err != nil {
		return nil, nil, err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: a.now(), client: client, access: writing})
	if err != nil {
		return nil, nil, err
	}
	defer release()
	return runner.Renew(ctx)
}

func printRenewals(w io.Writer, drafts []invoice.Renewal, reports []post.Report) error {
	if len(drafts) == 0 {
		_, err := fmt.Fprintln(w, "no invoice that renews a subscription is a draft now")
		return err
	}
	shown := newTable(w, "invoice", "subscription", "since", "charges")
	for _, draft := range drafts {
		state := "complete"
		if draft.Waits != "" {
			state = "waits"
		}
		shown.AppendRow([]any{draft.InvoiceID, draft.Subscription, draft.CreatedAt.Format(time.RFC3339), state})
	}
	shown.Render()
	fmt.Fprintln(w)
	for _, draft := range drafts {
		if draft.Waits != "" {
			sayf(w, "%s waits: %s\n", draft.InvoiceID, draft.Waits)
		}
	}
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "nothing to charge")
		return err
	}
	return printReports(w, reports)
}

// leftOfRenewals says that charges were held or stay open, or that usage may still arrive.
func leftOfRenewals(drafts []invoice.Renewal, reports []post.Report) error {
	if left := leftOver(reports); left != nil {
		return left
	}
	waiting := 0
	for _, draft := range drafts {
		if draft.Waits != "" {
			waiting++
		}
	}
	if waiting == 0 {
		return nil
	}
	return &partialError{Open: true, Reason: counted(waiting, "renewal") + " without all of its usage"}
}

// longestSettle leaves half a day of the three that Stripe keeps a draft at most.
const longestSettle = 60 * time.Hour

// detailFeature posts a charge as one item a feature, creditNote a credit as a credit note.
const detailFeature, creditNote = "feature", "credit_note"

// policy is how charges reach customers.
func (c invoiceConfig) policy() (post.Policy, error) {
	if c.Settle > longestSettle {
		return post.Policy{}, usagef("read invoice.settle: %s is longer than Stripe keeps the invoice of a renewal a draft; "+
			"want 60h at most", c.Settle)
	}
	return post.Policy{
		Renewal: c.onRenewals(), Settle: c.Settle, BillNow: c.Timing == timingBillNow,
		Draft: c.Finalize != nil && !*c.Finalize, DaysUntilDue: int64(c.DaysUntilDue),
		AutomaticTax: c.AutomaticTax != nil && *c.AutomaticTax, ByFeature: c.Detail == detailFeature,
		CreditNotes: c.Credits == creditNote,
	}, nil
}
