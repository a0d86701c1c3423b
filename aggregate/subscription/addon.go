package subscription

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// addOnPriority is the place of an add-on's allowance in the burn order: that of any allowance.
const addOnPriority = 50

// Apart takes subscriptions to add-ons, of which a customer may have any number at once, from those to other products,
// which come one after the other. A product that the catalog does not have is none of the add-ons.
func Apart(all []Subscription, catalog *schemas.Catalog) (products, addOns []Subscription) {
	for _, s := range all {
		if product, ok := catalog.Product(s.Product); ok && product.AddOn {
			addOns = append(addOns, s)
		} else {
			products = append(products, s)
		}
	}
	return products, addOns
}

// addOnGrants are the allowances of add-ons as grants: one for each of their periods that begins by asOf, and at least
// their first. What ends a subscription within a period takes the rest of that period's allowance back.
func addOnGrants(addOns []Subscription, catalog *schemas.Catalog, asOf time.Time) (grants []Grant) {
	for _, s := range addOns {
		product, _ := catalog.Product(s.Product)
		endless := s
		endless.EndsAt = time.Time{}
		laidOut := endless.segments(product, catalog, nil)
		for _, span := range spans(laidOut, s.StartsAt, schemas.Later(asOf, s.StartsAt), catalog.Timezone) {
			credits := span.Terms.Credits
			if !s.EndsAt.IsZero() && !span.Start.Before(s.EndsAt) {
				break
			}
			if credits == nil || !credits.Included.IsPositive() {
				continue
			}
			grant := Grant{
				CustomerID: s.CustomerID, CreditSystem: credits.System, Credits: credits.Included, StartsAt: span.Start,
				ExpiresAt: span.End, Priority: addOnPriority, Reason: product.Name,
			}
			if !s.EndsAt.IsZero() && (span.End.IsZero() || s.EndsAt.Before(span.End)) {
				grant.RevokedAt = s.EndsAt
			}
			grant.ID = addOnID(s.Product, grant)
			grants = append(grants, grant)
		}
	}
	return grants
}

// addOnMark begins the ids of what add-ons give. No grant by hand has an id with a line break.
const addOnMark = "\nadd-on"

// addOnID says all that a closed stretch must keep of what an add-on gave, whatever becomes of the catalog.
func addOnID(product string, g Grant) string {
	expires := ""
	if !g.ExpiresAt.IsZero() {
		expires = g.ExpiresAt.UTC().Format(time.RFC3339Nano)
	}
	return strings.Join([]string{
		addOnMark, product, g.StartsAt.UTC().Format(time.RFC3339Nano), g.CreditSystem, g.Credits.String(), expires,
	}, "\n")
}

// addOnKey is the add-on and the period's start of what it gave; empty for other grants.
func addOnKey(id string) string {
	fields := strings.Split(id, "\n")
	if !strings.HasPrefix(id, addOnMark+"\n") || len(fields) != addOnFields {
		return ""
	}
	return strings.Join(fields[:4], "\n")
}

// addOnFields are the parts of an id: what is before the mark, the mark, and the five that it says.
const addOnFields = 7

// addOnOf reads what an id says; false if it says nothing.
func addOnOf(id string) (g Grant, ok bool) {
	if addOnKey(id) == "" {
		return Grant{}, false
	}
	fields := strings.Split(id, "\n")
	g = Grant{ID: id, CreditSystem: fields[4], Priority: addOnPriority, Reason: fields[2]}
	var err error
	if g.StartsAt, err = time.Parse(time.RFC3339Nano, fields[3]); err != nil {
		return Grant{}, false
	}
	if g.Credits, err = decimal.NewFromString(fields[5]); err != nil {
		return Grant{}, false
	}
	if fields[6] != "" {
		if g.ExpiresAt, err = time.Parse(time.RFC3339Nano, fields[6]); err != nil {
			return Grant{}, false
		}
	}
	return g, true
}

// planAddOn begins or ends a subscription to an add-on. It leaves all others as they are.
func (c Change) planAddOn(wanted schemas.Product, addOns []Subscription) ([]revision, ChangeResult, error) {
	var current *Subscription
	var later []Subscription
	for _, s := range addOns {
		switch {
		case s.Product != wanted.ID:
		case s.Holds(c.At):
			current = &s
		case s.StartsAt.After(c.At):
			later = append(later, s)
		}
	}
	if err := mustYield(later); err != nil {
		return nil, ChangeResult{}, err
	}
	result := ChangeResult{CustomerID: c.CustomerID, Product: wanted.ID, EffectiveAt: c.At, Ended: c.Cancel}
	var revisions []revision
	switch {
	case c.Cancel && current == nil && len(later) == 0:
		return nil, ChangeResult{}, notHeld(wanted)
	case c.Cancel && current == nil: // it never begins
	case c.Cancel:
		ended := revision{Subscription: *current}
		result.EffectiveAt = FirstOpen(c.Closed, c.addOnEnd(wanted, *current))
		ended.EndsAt, ended.removed = result.EffectiveAt, result.EffectiveAt.Equal(current.StartsAt)
		revisions = append(revisions, ended)
	case current == nil:
		result.EffectiveAt = FirstOpen(c.Closed, c.At)
		revisions = append(revisions, c.begin(wanted, result.EffectiveAt, result.EffectiveAt))
	default:
		result.EffectiveAt = current.StartsAt
		if !current.EndsAt.IsZero() {
			undone := *current
			undone.EndsAt = time.Time{}
			revisions = append(revisions, revision{Subscription: undone})
		}
	}
	return removePending(revisions, later), result, nil
}

// addOnEnd is when a subscription to an add-on ends that is cancelled: with its period, or where that never ends or
// the customer wants so, at once.
func (c Change) addOnEnd(product schemas.Product, current Subscription) time.Time {
	current.EndsAt = time.Time{}
	periods := spans(current.segments(product, c.Catalog, nil), c.At, c.At, c.Catalog.Timezone)
	if end := periods[len(periods)-1].End; !c.Now && !end.IsZero() {
		return end
	}
	return c.At
}

// errNotHeld is returned for the cancellation of what a customer does not have.
var errNotHeld = errors.New("the customer does not have it")

func notHeld(product schemas.Product) error {
	return fmt.Errorf("cancel %s: %w; see: creditmill customers", product.ID, errNotHeld)
}

// KeepAddOns lets what add-ons gave in a customer's closed stretches, in order of time, be as it was when they were
// billed: the same credits, and where the add-on is not there any more, up to the end of the stretch.
func KeepAddOns(customer string, given []Grant, closed []*Closed) []Grant {
	kept := map[string]bool{}
	for _, c := range closed {
		if c.Again() {
			continue
		}
		for _, id := range c.Grants {
			was, ok := addOnOf(id)
			key := addOnKey(id)
			if !ok || kept[key] {
				continue
			}
			kept[key] = true
			was.CustomerID, was.RevokedAt = customer, was.StartsAt
			i := slices.IndexFunc(given, func(g Grant) bool { return addOnKey(g.ID) == key })
			if i < 0 {
				given = append(given, was)
				continue
			}
			was.RevokedAt, was.Reason = given[i].RevokedAt, given[i].Reason
			given[i] = was
		}
	}
	return given
}
