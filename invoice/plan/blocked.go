package plan

import (
	"slices"
	"strings"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// blocked says why post would not send a charge, as Stripe was last seen; both are empty if nothing is known against
// it. It is what posting decides, from what the warehouse knows: a part of a charge has an invoice of its own, also
// where the customer has a subscription.
func (in Inputs) blocked(charge Charge, standing string) (HoldCode, string) {
	way := ", as Stripe was last seen: change that there and run `creditmill sync`, or " + HowToResolve(charge.ID)
	if state := in.StripeStates[standing]; standing != "" && state.Hold != "" && state.Hold != subscription.StripeTaxed {
		if state.Hold == subscription.StripeGone {
			return HoldSubscriptionGone, "Stripe has no subscription " + standing + way
		}
		return HoldNotCollected, "subscription " + standing + " is " + state.Hold + way
	}
	state, known := in.StripeStates[charge.StripeCustomer]
	switch {
	case !known:
		return "", ""
	case state.Hold == subscription.StripeGone:
		return HoldCustomerDeleted, "Stripe customer " + charge.StripeCustomer + " is deleted" + way
	case charge.Split:
	case standing != "" && slices.Contains(state.Running, standing+" "+charge.Currency),
		standing == "" && len(state.Running) == 1 && strings.HasSuffix(state.Running[0], " "+charge.Currency):
		return "", ""
	}
	return HoldUnreachable, ReachesNobody(charge.StripeCustomer) + way
}

// ReachesNobody is the reason of a charge whose Stripe customer no invoice reaches.
func ReachesNobody(stripeCustomer string) string {
	return "Stripe customer " + stripeCustomer + " has no running subscription, no payment method and no e-mail address"
}
