package stripefake

import "strconv"

// Subscription is Stripe's subscription.
type Subscription struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Created            int64             `json:"created"`
	Livemode           bool              `json:"livemode"`
	Customer           string            `json:"customer"`
	Status             string            `json:"status"`
	Currency           string            `json:"currency"`
	CollectionMethod   string            `json:"collection_method"`
	BillingCycleAnchor int64             `json:"billing_cycle_anchor"`
	CurrentPeriodStart int64             `json:"current_period_start"`
	CurrentPeriodEnd   int64             `json:"current_period_end"`
	StartDate          int64             `json:"start_date"`
	TrialStart         *int64            `json:"trial_start"`
	TrialEnd           *int64            `json:"trial_end"`
	EndedAt            *int64            `json:"ended_at"`
	CanceledAt         *int64            `json:"canceled_at"`
	CancelAt           *int64            `json:"cancel_at"`
	CancelAtPeriodEnd  bool              `json:"cancel_at_period_end"`
	PauseCollection    *PauseCollection  `json:"pause_collection"`
	AutomaticTax       AutomaticTax      `json:"automatic_tax"`
	LatestInvoice      *string           `json:"latest_invoice"`
	Schedule           *string           `json:"schedule"`
	Items              page              `json:"items"`
	Metadata           map[string]string `json:"metadata"`
	PriceKept          string            `json:"fake_price"`
	Cycles             int               `json:"fake_cycles"`
	// AllItems are those that Items shows the first of.
	AllItems []*subscriptionItem `json:"fake_items"`
}

// PauseCollection says that invoices are not collected.
type PauseCollection struct {
	Behavior string `json:"behavior"`
}

type subscriptionItem struct {
	ID           string `json:"id"`
	Object       string `json:"object"`
	Price        *Price `json:"price"`
	Quantity     int    `json:"quantity"`
	Subscription string `json:"subscription"`
}

func (s *Subscription) identity() (string, int64) { return s.ID, s.Created }

func (i *subscriptionItem) identity() (string, int64) { return i.ID, 0 }

// itemsShown is how many items a subscription itself shows.
const itemsShown = 10

func (s *Server) serveSubscriptionItems(in incoming, id, verb string) answer {
	if route(in, id, verb) != "list" {
		return s.noRoute(in)
	}
	if refusal := allow(in, "subscription"+listParams); refusal != nil {
		return *refusal
	}
	if !in.params.has("subscription") {
		return missingParam("subscription")
	}
	subscription := find(s.state.Subscriptions, in.params.get("subscription"))
	if subscription == nil {
		return missingObject("subscription", in.params.get("subscription"), "subscription")
	}
	return list(in, "subscription_item", subscription.AllItems, func(*subscriptionItem) bool { return true })
}

func (s *Server) serveSubscriptions(in incoming, id, verb string) answer {
	subscription := find(s.state.Subscriptions, id)
	operation := route(in, id, verb)
	if subscription == nil && operation != "create" && operation != "list" {
		return missingObject("subscription", id, "id")
	}
	switch operation {
	case "create":
		return s.createSubscription(in)
	case "update":
		return s.updateSubscription(in, subscription)
	case "get":
		return ok(subscription)
	case "delete":
		s.cancel(subscription)
		return ok(subscription)
	case "list":
		if refusal := allow(in, "customer status price"+listParams); refusal != nil {
			return *refusal
		}
		customer, status, price := in.params.get("customer"), in.params.get("status"), in.params.get("price")
		return list(in, "subscription", s.state.Subscriptions, func(x *Subscription) bool {
			wanted := status == "all" || status == x.Status || status == "" && x.Status != "canceled"
			return wanted && (customer == "" || customer == x.Customer) && (price == "" || price == x.PriceKept)
		})
	}
	return s.noRoute(in)
}

func (s *Server) createSubscription(in incoming) answer {
	customer, refusedCustomer := s.customerOf(in)
	price, refusedPrice := s.priceOf(in, "items[0][price]")
	metadata, refusedMetadata := in.params.metadata("metadata")
	start, refusedStart := in.params.integer("backdate_start_date")
	refusal := firstRefusal(
		allow(in, "customer items metadata collection_method days_until_due backdate_start_date trial_end"),
		refusedCustomer, refusedPrice, refusedMetadata, refusedStart)
	if refusal != nil {
		return *refusal
	}
	if price.Recurring == nil {
		return invalidParam("items[0][price]", "The price is not recurring.")
	}
	if start == 0 {
		start = s.unix()
	}
	x := s.addSubscription(customer.ID, price, metadata, start, 0)
	if refused := s.holdAll(in, x, price); refused != nil {
		return *refused
	}
	if refused := s.setQuantities(in, x); refused != nil {
		return *refused
	}
	if refused := s.setTrialEnd(in, x); refused != nil {
		return *refused
	}
	return ok(x)
}

// setTrialEnd moves the end of the trial, or ends it now: the billing cycle begins again where it ends, and one that
// ends now is billed at once (docs.stripe.com/billing/subscriptions/trials, "End a trial early"). trial_start is that
// of the first trial and stays (docs.stripe.com/api/subscriptions/object).
func (s *Server) setTrialEnd(in incoming, x *Subscription) *answer {
	if !in.params.has("trial_end") {
		return nil
	}
	now := s.unix()
	if in.params.get("trial_end") == "now" {
		if x.Status != "trialing" {
			return nil
		}
		price := find(s.state.Prices, x.PriceKept)
		x.Status, x.TrialEnd = "active", &now
		x.BillingCycleAnchor, x.CurrentPeriodStart, x.Cycles = now, now, 1
		x.CurrentPeriodEnd = cycle(price, now, 1)
		s.finalize(s.periodInvoice(x, price, "subscription_update"))
		return nil
	}
	end, refused := in.params.integer("trial_end")
	if refused != nil {
		return refused
	}
	if x.TrialStart == nil {
		x.TrialStart = &now
		if x.StartDate == x.CurrentPeriodStart && x.Created == now {
			x.TrialStart = &x.StartDate // it begins with it
		}
	}
	x.Status, x.TrialEnd = "trialing", &end
	x.BillingCycleAnchor, x.CurrentPeriodEnd, x.Cycles = end, end, 0
	return nil
}

// setQuantities reads how many of each price are bought.
func (s *Server) setQuantities(in incoming, x *Subscription) *answer {
	for i, item := range x.AllItems {
		name := "items[" + strconv.Itoa(i) + "][quantity]"
		if !in.params.has(name) {
			continue
		}
		quantity, refused := in.params.integer(name)
		if refused != nil {
			return refused
		}
		item.Quantity = int(quantity)
	}
	return nil
}

// addSubscription starts a subscription at start and bills its first period at once, as Stripe does. A trial is a
// period of its own that costs nothing, and the others are counted from its end.
func (s *Server) addSubscription(
	customer string, price *Price, metadata map[string]string, start, trialDays int64,
) *Subscription {
	if metadata == nil {
		metadata = map[string]string{}
	}
	x := &Subscription{
		ID: s.id("sub"), Object: "subscription", Created: s.unix(), Customer: customer, Status: "active",
		Currency: price.Currency, CollectionMethod: "charge_automatically", BillingCycleAnchor: start,
		CurrentPeriodStart: start, StartDate: start, Metadata: metadata, PriceKept: price.ID,
	}
	x.CurrentPeriodEnd = cycle(price, start, 1)
	x.Cycles = 1
	if trialDays > 0 {
		end := start + trialDays*daySeconds
		x.Status, x.TrialStart, x.TrialEnd = "trialing", &start, &end
		x.BillingCycleAnchor, x.CurrentPeriodEnd, x.Cycles = end, end, 0
	}
	x.hold(price)
	s.state.Subscriptions = append(s.state.Subscriptions, x)
	invoice := s.periodInvoice(x, price, "subscription_create")
	s.finalize(invoice)
	return x
}

// holdAll makes the first price and the further ones of a request the subscription's items.
func (s *Server) holdAll(in incoming, x *Subscription, first *Price) *answer {
	prices := []*Price{first}
	for i := 1; in.params.has("items[" + strconv.Itoa(i) + "][price]"); i++ {
		further, refused := s.priceOf(in, "items["+strconv.Itoa(i)+"][price]")
		if refused != nil {
			return refused
		}
		prices = append(prices, further)
	}
	x.hold(prices...)
	return nil
}

// hold makes the prices the subscription's items.
func (s *Subscription) hold(prices ...*Price) {
	s.AllItems = nil
	for i, price := range prices {
		s.AllItems = append(s.AllItems, &subscriptionItem{
			ID: "si_" + strconv.Itoa(i) + s.ID, Object: "subscription_item", Price: price, Quantity: 1, Subscription: s.ID,
		})
	}
	s.Items = page{
		Object: "list", URL: "/v1/subscription_items?subscription=" + s.ID, HasMore: len(prices) > itemsShown,
		Data: s.AllItems[:min(len(prices), itemsShown)],
	}
}

func (s *Server) updateSubscription(in incoming, x *Subscription) answer {
	metadata, refusedMetadata := in.params.metadata("metadata")
	cancelAt, refusedCancel := in.params.integer("cancel_at")
	refusal := firstRefusal(
		allow(in, "metadata pause_collection cancel_at_period_end cancel_at items billing_cycle_anchor trial_end "+
			"automatic_tax"), refusedMetadata, refusedCancel)
	if refusal != nil {
		return *refusal
	}
	if x.Schedule != nil && (in.params.has("cancel_at") || in.params.has("cancel_at_period_end")) {
		return invalidParam("cancel_at", "The subscription is managed by the subscription schedule `"+*x.Schedule+
			"`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.")
	}
	for key, value := range metadata {
		x.Metadata[key] = value
	}
	if behavior := in.params.get("pause_collection[behavior]"); behavior != "" {
		x.PauseCollection = &PauseCollection{Behavior: behavior}
	} else if in.params.has("pause_collection") {
		x.PauseCollection = nil
	}
	if in.params.has("automatic_tax[enabled]") {
		x.AutomaticTax.Enabled = in.params.get("automatic_tax[enabled]") == "true"
	}
	if cancelAt > 0 {
		x.CancelAt = &cancelAt
	}
	if in.params.has("items[0][price]") {
		price, refused := s.priceOf(in, "items[0][price]")
		if refused != nil {
			return *refused
		}
		x.PriceKept, x.Currency = price.ID, price.Currency
		if refused := s.holdAll(in, x, price); refused != nil {
			return *refused
		}
	}
	if refused := firstRefusal(s.setQuantities(in, x), s.setTrialEnd(in, x)); refused != nil {
		return *refused
	}
	if in.params.get("billing_cycle_anchor") == "now" {
		s.resetAnchor(x)
	}
	if in.params.has("cancel_at_period_end") {
		x.CancelAtPeriodEnd = in.params.get("cancel_at_period_end") == "true"
	}
	return ok(x)
}

func (s *Server) resetAnchor(x *Subscription) {
	x.BillingCycleAnchor, x.CurrentPeriodStart, x.Cycles = s.unix(), s.unix(), 1
	x.CurrentPeriodEnd = cycle(find(s.state.Prices, x.PriceKept), s.unix(), 1)
}

func (s *Server) cancel(x *Subscription) {
	if x.Status == "canceled" {
		return
	}
	now := s.unix()
	if schedule := find(s.state.Schedules, text(x.Schedule)); schedule != nil {
		s.endSchedule(schedule, "canceled")
	}
	x.Status, x.CanceledAt, x.EndedAt = "canceled", &now, &now
}
