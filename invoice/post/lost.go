package post

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// Lost is an item at Stripe of a charge that a restored ledger does not know, and that no plan has as it is there.
type Lost struct {
	chargeID, customerID string
	// span is the period of one that was made before its period ended; empty for others.
	span string
	// head is the charge that it is a part of, or that is divided otherwise by now; empty for others.
	head string
}

// FindLost lists the account's items from an instant on, and finds those of charges within periods and of parts that
// are neither known nor planned, and those of planned charges that are divided otherwise. known are the ledger's ids.
func (p *Poster) FindLost(
	ctx context.Context, from time.Time, known map[string]bool, planned map[string]plan.Charge,
) ([]Lost, error) {
	items, err := p.stripe.InvoiceItems(ctx, url.Values{"created[gte]": {strconv.FormatInt(from.Unix(), 10)}})
	if err != nil {
		return nil, err
	}
	var all []Lost
	for _, item := range items {
		id := item.Metadata[stripe.MetadataChargeID]
		if id == "" || known[id] {
			continue
		}
		lost := Lost{chargeID: id, customerID: item.Metadata[stripe.MetadataAccount]}
		partOf := item.Metadata[stripe.MetadataPartOf]
		charge, isPlanned := planned[id]
		switch {
		case isPlanned && charge.Group.Head() != partOf:
			lost.head = cmp.Or(charge.Group.Head(), id)
		case isPlanned:
			continue
		case item.Metadata[stripe.MetadataKind] == plan.KindThreshold:
			lost.span = item.Metadata[stripe.MetadataPeriod]
		case partOf != "":
			lost.head = partOf
		default:
			continue
		}
		all = append(all, lost)
	}
	return all, nil
}

// Bars says why a charge must not be made while the item is lost; empty if it may. Within a period that bars the charge
// of the period's end, and one within it whose period has other bounds by now. One within the same period is not
// barred, since the next run takes the item up in its turn. Of a charge that is divided otherwise all parts are barred.
func (l Lost) Bars(charge plan.Charge, words plan.Wording) string {
	if l.head != "" {
		if charge.ID != l.head && charge.Group.Head() != l.head {
			return ""
		}
		return "Stripe holds charge " + l.chargeID + ", which the restored warehouse does not know, and which is one of " +
			"other parts: set invoice.detail and the usage as they were when it was posted and post again, or " +
			plan.HowToResolve(charge.ID)
	}
	span := words.Span(charge)
	first, end, _ := strings.Cut(span, "/")
	begun, _, _ := strings.Cut(l.span, "/")
	within := begun >= first && (begun < end || begun == first)
	if metadataValue(charge.CustomerID) != l.customerID || !within ||
		charge.Kind != plan.KindOverage && (charge.Kind != plan.KindThreshold || l.span == span) {
		return ""
	}
	return "Stripe holds charge " + l.chargeID + " of " + l.span + ", made within that period, which the restored " +
		"warehouse does not know: run `creditmill invoice post --as-of` with a day near the period's end, which takes it " +
		"up, or " +
		plan.HowToResolve(charge.ID)
}
