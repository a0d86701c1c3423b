// Package sync brings what Stripe knows of customers and subscriptions here: it reads Stripe (ReadState), compares that
// with what is stored (Compare, a pure function) and says what to store. Checkout asks Stripe for the link at
// which a customer subscribes.
//
// It knows Stripe's subscriptions and the ones here. It never knows usage, charges or the ledger, and it never posts.
package sync

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
)

// Prices are products by the Stripe prices that any of their versions names.
func Prices(catalog *schemas.Catalog) map[string]string {
	prices := map[string]string{}
	for _, product := range catalog.Products {
		for _, version := range product.Versions {
			if version.Price != nil && version.Price.StripePrice != "" {
				prices[version.Price.StripePrice] = product.ID
			}
		}
	}
	return prices
}

// Compare compares Stripe with what is stored. It reads and writes nothing.
func Compare(in Inputs) Plan {
	p := &planner{
		in: in, prices: Prices(in.Catalog), customers: map[string]string{}, byStripe: map[string][]string{},
	}
	p.plan = Plan{Changes: []Change{}, Problems: []string{}, Notes: []string{}}
	for _, id := range slices.Sorted(maps.Keys(in.StripeCustomers)) {
		p.byStripe[in.StripeCustomers[id]] = append(p.byStripe[in.StripeCustomers[id]], id)
	}
	atStripe := map[string]Subscription{}
	wanted := map[string][]Subscription{}
	for _, one := range in.Stripe.Subscriptions {
		if in.Cutoff {
			one.Anchor = cutoff(one.Anchor, in.Catalog.Timezone).UTC()
		}
		atStripe[one.ID] = one
		if customer, taken := p.take(one); taken {
			wanted[customer] = append(wanted[customer], one)
		}
	}
	for _, stripeID := range slices.Sorted(maps.Keys(in.Stripe.Customers)) {
		p.linkCustomer(in.Stripe.Customers[stripeID], stripeID)
	}
	held := map[string][]subscription.Subscription{}
	for _, one := range in.Stored {
		held[one.CustomerID] = append(held[one.CustomerID], one)
		p.missed(one, atStripe)
	}
	for _, customer := range slices.Sorted(maps.Keys(wanted)) {
		p.customer(customer, wanted[customer], held[customer])
	}
	p.plan.states = p.states()
	slices.SortStableFunc(p.plan.Changes, func(a, b Change) int { return cmp.Compare(a.CustomerID, b.CustomerID) })
	return p.plan
}

// missed tells of one that is stored here with Stripe's id and that Stripe has not, or has to no product of the catalog
// any more.
func (p *planner) missed(stored subscription.Subscription, atStripe map[string]Subscription) {
	if stored.StripeSubscription == "" {
		return
	}
	from, there := atStripe[stored.StripeSubscription]
	switch {
	case !there:
		p.problem("customer %s: Stripe has no subscription %s; is it of another account or mode?",
			stored.CustomerID, stored.StripeSubscription)
	case len(from.products(p.prices)) == 0 && p.goesOn(stored):
		p.problem("customer %s: subscription %s is to %s; here it stays %s until one of the catalog's products has that "+
			"stripe_price", stored.CustomerID, from.ID, named(from.Items, nil), stored.Product)
	}
}

// take finds whose subscription it is, and to which product. What is of no product of the catalog is none of ours.
func (p *planner) take(theirs Subscription) (customer string, taken bool) {
	products := theirs.products(p.prices)
	if len(products) == 0 {
		p.plan.Others++
		return "", false
	}
	p.plan.Subscriptions++
	owners, named := p.byStripe[theirs.StripeCustomer], p.in.Stripe.Customers[theirs.StripeCustomer]
	customer = cmp.Or(theirs.CustomerID, named)
	switch {
	case theirs.CustomerID == "" && len(owners) == 1:
		customer = owners[0]
	case theirs.CustomerID == "" && len(owners) > 1 && !slices.Contains(owners, named):
		p.problem("subscription %s of %s: customers %s have that Stripe customer; say whose it is by its metadata "+
			"%s=<customer>", theirs.ID, theirs.StripeCustomer, strings.Join(owners, " and "), stripe.MetadataCustomer)
		return "", false
	case customer == "":
		p.problem("subscription %s of %s: whose is it? Give the Stripe customer metadata %s=<customer>, or import it with "+
			"`creditmill customers import`", theirs.ID, theirs.StripeCustomer, stripe.MetadataCustomer)
		return "", false
	case subscription.CheckCustomerID(customer) != nil:
		p.problem("subscription %s of %s names customer %q, whose id %v; correct the metadata at Stripe", theirs.ID,
			theirs.StripeCustomer, customer, subscription.CheckCustomerID(customer))
		return "", false
	case len(p.exclusive(products)) > 1:
		p.problem("subscription %s of customer %s holds prices of several products (%s); a customer has one at a time",
			theirs.ID, customer, strings.Join(p.exclusive(products), ", "))
		return "", false
	case !p.linkCustomer(customer, theirs.StripeCustomer):
		return "", false
	}
	return customer, true
}

// linkCustomer makes a Stripe id known. It says no where another one is.
func (p *planner) linkCustomer(customer, stripeID string) bool {
	if known := p.in.StripeCustomers[customer]; known != "" && known != stripeID {
		p.problem("customer %s is %s here and %s at Stripe; if the latter is right, import it with "+
			"`creditmill customers import`", customer, known, stripeID)
		return false
	}
	if owners := p.byStripe[stripeID]; len(owners) > 0 && !slices.Contains(owners, customer) {
		p.problem("%s is customer %s here and %s at Stripe", stripeID, strings.Join(owners, " and "), customer)
		return false
	}
	if p.in.StripeCustomers[customer] == stripeID || p.customers[customer] == stripeID {
		return true
	}
	if given := p.customers[customer]; given != "" {
		p.problem("customer %s is both %s and %s at Stripe", customer, given, stripeID)
		return false
	}
	p.customers[customer], p.byStripe[stripeID] = stripeID, append(p.byStripe[stripeID], customer)
	p.plan.Changes = append(p.plan.Changes, Change{
		Action: actionCustomer, CustomerID: customer, StripeCustomer: stripeID, Why: "the customer's Stripe id is known now",
	})
	return true
}

// customer compares one customer's subscriptions. Where two of Stripe's go on at once, nothing of it is taken.
func (p *planner) customer(id string, wanted []Subscription, held []subscription.Subscription) {
	slices.SortStableFunc(wanted, func(a, b Subscription) int {
		return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.ID, b.ID))
	})
	p.why, p.stored, p.toCome = map[heldKey][]string{}, map[heldKey]bool{}, map[heldKey]bool{}
	for _, s := range held {
		p.stored[keyOf(s)] = true
	}
	notes := len(p.plan.Notes)
	after := slices.Clone(held)
	for _, one := range wanted {
		one.CustomerID = id
		after = p.compareParts(one, after)
	}
	after, ok := p.apart(id, after)
	if !ok {
		p.plan.Notes = p.plan.Notes[:notes]
		return
	}
	p.plan.Changes = append(p.plan.Changes, p.differences(wanted, held, after)...)
}

// differences are what must be stored for a customer's subscriptions to be as they are after the comparison.
func (p *planner) differences(wanted []Subscription, held, after []subscription.Subscription) []Change {
	stripeCustomers := map[string]string{}
	for _, one := range wanted {
		stripeCustomers[one.ID] = one.StripeCustomer
	}
	var changes []Change
	change := func(action string, s subscription.Subscription) {
		changes = append(changes, Change{
			Action: action, CustomerID: s.CustomerID, Product: s.Product, StartsAt: known(s.StartsAt),
			EndsAt: known(s.EndsAt), Anchor: known(s.Anchor), StripeCustomer: stripeCustomers[s.StripeSubscription],
			StripeSubscription: s.StripeSubscription, Why: strings.Join(p.why[keyOf(s)], "; "), subscription: s,
		})
	}
	find := func(in []subscription.Subscription, s subscription.Subscription) int {
		return slices.IndexFunc(in, func(other subscription.Subscription) bool { return keyOf(other) == keyOf(s) })
	}
	for _, s := range held {
		if find(after, s) < 0 {
			change(actionRemove, s)
		}
	}
	for _, s := range after {
		switch i := find(held, s); {
		case i < 0:
			change(actionAdd, s)
		case held[i] != s:
			change(actionChange, s)
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return a.StartsAt.Compare(*b.StartsAt) })
	return changes
}
