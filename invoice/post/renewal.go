package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// draft is an invoice that renews a subscription, as it was seen.
type draft struct {
	id    string
	lines int
	// subtotalMinor is what its lines come to.
	subtotalMinor int64
}

const (
	// clocksChange is how much earlier than a period's end the invoice of its renewal may be: the catalog's months follow
	// the clocks of its timezone, Stripe's follow UTC.
	clocksChange = 2 * time.Hour
	// renewing is how long Stripe may take to make the invoice of a period that has ended, and beforehand how near its end
	// must be, for an item that is left pending to miss it.
	renewing, nearly = time.Hour, 10 * time.Minute
)

// onRenewal finds the draft that renews a subscription at the end of a charge's period, or later. Stripe keeps it for
// about an hour, and items can be added meanwhile (docs.stripe.com/billing/invoices/subscription). Without one the way
// stays as it was chosen: what is pending is on the next renewal. A reason means that Stripe is about to make it.
func (p *Poster) onRenewal(
	ctx context.Context, running *stripego.Subscription, charge plan.Charge, chosen target,
) (way target, reason string, err error) {
	invoices, err := p.stripe.Invoices(ctx, url.Values{
		"subscription": {running.ID}, "created[gte]": {strconv.FormatInt(charge.PeriodEnd.Add(-clocksChange).Unix(), 10)},
	})
	if err != nil {
		return target{}, "", err
	}
	slices.SortFunc(invoices, func(a, b *stripego.Invoice) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID))
	})
	missed := ""
	for _, invoice := range invoices {
		switch {
		case !stripe.EndsPeriod(invoice) || string(invoice.Currency) != charge.Currency:
		case stripe.TakesOverage(invoice):
			if missed != "" {
				chosen.note = missed + "invoice " + invoice.ID
			}
			chosen.mode, chosen.draft.id, chosen.draft.subtotalMinor = plan.ModeRenewal, invoice.ID, invoice.Subtotal
			chosen.draft.lines, err = p.countLines(ctx, invoice)
			return chosen, "", err
		case invoice.Status == stripego.InvoiceStatusDraft: // it may never be final
		case missed == "" && charge.Kind == plan.KindOverage:
			missed = fmt.Sprintf("invoice %s, which ends its period, was %s before the charge was ready: it is on ",
				invoice.ID, invoice.Status)
		}
	}
	now := p.Clock()
	due := now.Sub(stripe.Time(running.CurrentPeriodEnd))
	begun := now.Sub(stripe.Time(running.CurrentPeriodStart))
	switch {
	case missed != "":
		chosen.note = missed + "the next invoice of subscription " + running.ID
	case due > -nearly && due < renewing, len(invoices) == 0 && begun >= 0 && begun < nearly:
		return target{}, fmt.Sprintf("Stripe makes the invoice that renews subscription %s about now: post again in a few "+
			"minutes, and the charge is on it", running.ID), nil
	}
	return chosen, "", nil
}

// countLines counts the lines of an invoice, which itself shows the first ten.
func (p *Poster) countLines(ctx context.Context, invoice *stripego.Invoice) (int, error) {
	if invoice.Lines != nil && !invoice.Lines.HasMore {
		return len(invoice.Lines.Data), nil
	}
	lines, err := p.stripe.InvoiceLines(ctx, invoice.ID)
	return len(lines), err
}

// overflow leaves the charges of one subscription on its draft that it has room for, in number and amount, and the
// others to the next invoice. It returns those.
func overflow(ours []*chosen) (rest []*chosen) {
	var on draft
	for _, one := range ours {
		if one.way.mode != plan.ModeRenewal {
			rest = append(rest, one)
			continue
		}
		if on.id == "" {
			on = one.way.draft
		}
		lines, minor := on.lines+1, on.subtotalMinor+one.charge.AmountMinor
		if lines > itemsOnInvoice || minor > plan.MaxPartMinor {
			one.way = one.way.pending()
			one.way.note = fmt.Sprintf("invoice %s has no room for it: it is on a later invoice", on.id)
			rest = append(rest, one)
			continue
		}
		on.lines, on.subtotalMinor = lines, minor
	}
	return rest
}

// unsettled says that usage of a charge's period may still arrive; empty if it may not. The time of the plan counts
// where it is later than Stripe's, as with a stand-in.
func (p *Poster) unsettled(asOf time.Time, charge plan.Charge) string {
	until := charge.PeriodEnd.Add(p.policy.Settle)
	if !p.policy.Renewal || charge.Kind == plan.KindThreshold || !until.After(asOf) || !until.After(p.Clock()) {
		return ""
	}
	return fmt.Sprintf("usage of its period may arrive until %s (invoice.settle): post again then",
		until.UTC().Format(time.RFC3339))
}

// noteOn keeps what the report will say of a charge once it is posted.
func (p *Poster) noteOn(chargeID string, way target) {
	if way.note != "" {
		p.notes.Store(chargeID, way.note)
	}
}

// tell adds to a report on a posted charge what was noted of it.
func (p *Poster) tell(report *Report) {
	note, noted := p.notes.Load(report.ChargeID)
	if noted && report.Status == plan.StatusPosted && report.Reason == "" {
		report.Reason = note.(string)
	}
}

// draftOf reads the draft that a charge is frozen for. gone says why it can never take it: it is final, or not there.
func (p *Poster) draftOf(ctx context.Context, charge plan.FrozenCharge) (at *stripego.Invoice, gone string, err error) {
	frozen, err := requestOf(charge)
	if err != nil {
		return nil, "", err
	}
	invoice, err := p.stripe.Invoice(ctx, frozen.Item.Invoice)
	switch {
	case stripe.Missing(err):
		return nil, "Stripe has no invoice " + frozen.Item.Invoice, nil
	case err == nil && invoice.Status != stripego.InvoiceStatusDraft:
		gone = fmt.Sprintf("invoice %s, which ends its period, is %s by now", invoice.ID, invoice.Status)
	}
	return invoice, gone, err
}

// draftUsable says why the draft of a renewal cannot take a frozen charge now; empty if it can. gone says that it never
// can.
func (p *Poster) draftUsable(ctx context.Context, charge plan.FrozenCharge) (reason string, gone bool, err error) {
	if _, reason, err = p.draftOf(ctx, charge); err != nil || reason != "" {
		return reason, err == nil, err
	}
	found, err := p.subscriptionAt(ctx, charge.Target)
	switch {
	case stripe.Missing(err): // its last invoice is there all the same
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	if reason = stripe.HeldBy(found); reason != "" {
		p.saw(found.ID, stripe.HoldOf(found))
	}
	return reason, false, nil
}

// codeDraftGone is the code of a key that is given up: the draft that its request names is no draft any more.
const codeDraftGone = "draft_gone"

// postRenewal puts the item on the draft that renews the subscription, and looks at what that came to. The draft may be
// final at any moment; then the next run chooses another way.
func (p *Poster) postRenewal(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	var before *stripego.Invoice
	item := p.itemStep(charge, "")
	send := item.send
	item.send = func(ctx context.Context, key string) (outcome, error) {
		seen, gone, err := p.draftOf(ctx, charge)
		if err != nil || gone != "" {
			return givenUp(gone), err
		}
		before = seen
		answer, err := send(ctx, key)
		if err == nil || !refused(err) {
			return answer, err
		}
		_, gone, lookErr := p.draftOf(ctx, charge)
		return refusedOrGone(answer, err, gone, lookErr)
	}
	result, err := p.perform(ctx, charge, item)
	if err == nil && result.status == plan.StatusPosted && before != nil {
		result.reason, err = p.draftDiffers(ctx, before, result)
	}
	return p.reportOf(charge, result), err
}

// refusedOrGone is what becomes of a key whose request Stripe refused, when somebody looked whether what it names is
// gone. Where that could not be seen, nobody knows why it was refused: the key is sent again.
func refusedOrGone(answer outcome, refusal error, gone string, lookErr error) (outcome, error) {
	switch {
	case lookErr != nil:
		return outcome{
			kind: ledger.Unknown, code: "not_looked_at",
			detail: fmt.Sprintf("Stripe refused it (%v), and whether its invoice has changed could not be seen: %v", refusal,
				lookErr),
		}, nil
	case gone != "":
		return givenUp(gone), nil
	default:
		return answer, refusal
	}
}

// givenUp is what becomes of a key whose request names a draft that is gone.
func givenUp(gone string) outcome {
	return outcome{
		kind: ledger.Poison, code: codeDraftGone,
		detail: fmt.Sprintf("%s: post again in %.0f minutes, and the charge is on the next invoice", gone,
			ledger.SettleTime.Minutes()),
	}
}

// refused tells an answer by which Stripe did not do what was asked.
func refused(err error) bool {
	var failure *stripego.Error
	return errors.As(err, &failure) && failure.HTTPStatusCode >= http.StatusBadRequest &&
		failure.HTTPStatusCode < http.StatusInternalServerError &&
		!slices.Contains([]int{
			http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests,
		}, failure.HTTPStatusCode)
}

// draftDiffers compares what the draft came to before an item was put on it with what it comes to now: more by the
// item, or it says what is not so. Somebody else may have changed it meanwhile.
func (p *Poster) draftDiffers(ctx context.Context, before *stripego.Invoice, item stepResult) (told string, err error) {
	after, err := p.stripe.Invoice(ctx, before.ID)
	switch {
	case err != nil && stops(err):
		return "", err
	case err != nil:
		return fmt.Sprintf("invoice %s could not be looked at afterwards: %s", before.ID, err), nil
	case after.Subtotal-before.Subtotal != item.amount:
		return fmt.Sprintf("invoice %s came to %d before item %s of %d and comes to %d with it: somebody else changed it "+
			"meanwhile; look at it", before.ID, before.Subtotal, item.stripeID, item.amount, after.Subtotal), nil
	}
	return "", nil
}
