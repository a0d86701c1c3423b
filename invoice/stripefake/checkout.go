package stripefake

import (
	"fmt"
	"net/http"
	"slices"
)

// Session is Stripe's Checkout session.
type Session struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	Created           int64             `json:"created"`
	ExpiresAt         int64             `json:"expires_at"`
	Livemode          bool              `json:"livemode"`
	Mode              string            `json:"mode"`
	Status            string            `json:"status"`
	PaymentStatus     string            `json:"payment_status"`
	URL               *string           `json:"url"`
	Customer          *string           `json:"customer"`
	ClientReferenceID *string           `json:"client_reference_id"`
	Subscription      *string           `json:"subscription"`
	SuccessURL        string            `json:"success_url"`
	CancelURL         *string           `json:"cancel_url"`
	Metadata          map[string]string `json:"metadata"`
	PriceKept         string            `json:"fake_price"`
	Subscribed        map[string]string `json:"fake_subscription_metadata"`
	TrialDays         int64             `json:"fake_trial_days"`
}

const (
	trialParam   = "subscription_data[trial_period_days]"
	maxTrialDays = 730
)

func (s *Session) identity() (string, int64) { return s.ID, s.Created }

func (s *Server) serveSessions(in incoming, id, verb string) answer {
	session := find(s.state.Sessions, id)
	operation := route(in, id, verb)
	if session == nil && operation != "create" && operation != "list" {
		return missingObject("checkout.session", id, "id")
	}
	switch operation {
	case "create":
		return s.createSession(in)
	case "get":
		return ok(session)
	case "list":
		if refusal := allow(in, "customer subscription status"+listParams); refusal != nil {
			return *refusal
		}
		return s.listSessions(in)
	case "POST expire":
		if refusal := allow(in, ""); refusal != nil {
			return *refusal
		}
		if session.Status != "open" {
			return fail(http.StatusBadRequest, "", "Only Checkout Sessions with a status in [\"open\"] can be expired. "+
				"This Checkout Session has a status of `"+session.Status+"`.", "")
		}
		session.Status, session.URL = "expired", nil
		return ok(session)
	}
	return s.noRoute(in)
}

func (s *Server) listSessions(in incoming) answer {
	customer, subscription := in.params.get("customer"), in.params.get("subscription")
	status := in.params.get("status")
	if in.params.has("status") && !slices.Contains([]string{"complete", "expired", "open"}, status) {
		return invalidParam("status", "Invalid status: must be one of complete, expired, or open")
	}
	return list(in, "checkout.session", s.state.Sessions, func(x *Session) bool {
		return (customer == "" || customer == text(x.Customer)) && (status == "" || status == x.Status) &&
			(subscription == "" || subscription == text(x.Subscription))
	})
}

// expireSessions ends the sessions whose time is over.
func (s *Server) expireSessions() {
	for _, session := range s.state.Sessions {
		if session.Status == "open" && s.unix() >= session.ExpiresAt {
			session.Status, session.URL = "expired", nil
		}
	}
}

func (s *Server) createSession(in incoming) answer {
	price, refusedPrice := s.priceOf(in, "line_items[0][price]")
	metadata, refusedMetadata := in.params.metadata("metadata")
	subscribed, refusedSubscribed := in.params.metadata("subscription_data[metadata]")
	expires, refusedExpires := in.params.integer("expires_at")
	trial, refusedTrial := in.params.integer(trialParam)
	refusal := firstRefusal(
		allow(in, "mode customer client_reference_id line_items success_url cancel_url expires_at metadata"+
			" subscription_data allow_promotion_codes customer_email"),
		refusedPrice, refusedMetadata, refusedSubscribed, refusedExpires, refusedTrial)
	if refusal != nil {
		return *refusal
	}
	mode, customer := in.params.get("mode"), in.params.get("customer")
	switch {
	case mode != "subscription" && mode != "payment" && mode != "setup":
		return invalidParam("mode", "Invalid mode: must be one of payment, setup, or subscription.")
	case in.params.has(trialParam) && (trial < 1 || trial > maxTrialDays || mode != "subscription"):
		return invalidParam(trialParam, "A subscription's trial is of 1 to 730 days.")
	case in.params.get("success_url") == "":
		return missingParam("success_url")
	case customer != "" && find(s.state.Customers, customer) == nil:
		return missingObject("customer", customer, "customer")
	// Stripe has an upper bound of 24 hours too; here the clock may stand far behind that of the client.
	case expires != 0 && expires < s.unix()+1800:
		return invalidParam("expires_at", "The expiry must be at least 30 minutes from now.")
	}
	if expires == 0 {
		expires = s.unix() + 24*3600
	}
	session := &Session{
		ID: s.id("cs_test"), Object: "checkout.session", Created: s.unix(), ExpiresAt: expires, Mode: mode,
		Status: "open", PaymentStatus: "unpaid", Customer: optional(customer),
		ClientReferenceID: optional(in.params.get("client_reference_id")), SuccessURL: in.params.get("success_url"),
		CancelURL: optional(in.params.get("cancel_url")), Metadata: metadata, PriceKept: price.ID,
		Subscribed: subscribed, TrialDays: trial,
	}
	session.URL = optional(s.config.Public + "/fake/checkout/" + session.ID)
	s.state.Sessions = append(s.state.Sessions, session)
	return ok(session)
}

// Complete pays a Checkout session as its customer would: the subscription exists from now on, and the customer too.
func (s *Server) Complete(sessionID string) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	session := find(s.state.Sessions, sessionID)
	switch {
	case session == nil:
		return nil, fmt.Errorf("no session %q", sessionID)
	case session.Status != "open":
		return nil, fmt.Errorf("session %s is %s", sessionID, session.Status)
	}
	if session.Customer == nil {
		customer := s.addCustomer("", text(session.ClientReferenceID)+"@example.com", "", nil)
		session.Customer = &customer.ID
	}
	subscription := s.addSubscription(text(session.Customer), find(s.state.Prices, session.PriceKept),
		session.Subscribed, s.unix(), session.TrialDays)
	session.Subscription, session.URL = &subscription.ID, nil
	session.Status, session.PaymentStatus = "complete", "paid"
	s.save()
	return session, nil
}
