package stripefake

import (
	"net/http"
	"strings"
)

// endpoint executes a request; the caller holds the lock. Paths are /v1/<kind>, /v1/<kind>/<id> or
// /v1/<kind>/<id>/<verb>.
func (s *Server) endpoint(in incoming) answer {
	path, found := strings.CutPrefix(in.path, "/v1/")
	if !found {
		return s.noRoute(in)
	}
	path = strings.Replace(path, "checkout/sessions", "checkout_sessions", 1)
	parts := strings.Split(path, "/")
	var id, verb string
	if len(parts) > 1 {
		id = parts[1]
	}
	if len(parts) > 2 {
		verb = parts[2]
	}
	if len(parts) > 3 {
		return s.noRoute(in)
	}
	handlers := map[string]func(in incoming, id, verb string) answer{
		"account":                s.serveAccount,
		"customers":              s.serveCustomers,
		"products":               s.serveProducts,
		"prices":                 s.servePrices,
		"subscriptions":          s.serveSubscriptions,
		"subscription_items":     s.serveSubscriptionItems,
		"subscription_schedules": s.serveSchedules,
		"invoiceitems":           s.serveItems,
		"invoices":               s.serveInvoices,
		"credit_notes":           s.serveCreditNotes,
		"checkout_sessions":      s.serveSessions,
	}
	handler, found := handlers[parts[0]]
	if !found {
		return s.noRoute(in)
	}
	return handler(in, id, verb)
}

func (s *Server) noRoute(in incoming) answer {
	return fail(http.StatusNotFound, "", "Unrecognized request URL ("+in.method+": "+in.path+").", "")
}

func (s *Server) serveAccount(in incoming, id, _ string) answer {
	if in.method != http.MethodGet || id != "" {
		return s.noRoute(in)
	}
	return ok(map[string]any{"id": s.config.Account, "object": "account"})
}

// route says what a request asks of a kind of object: create, list, get, update, delete, or a verb.
func route(in incoming, id, verb string) string {
	switch {
	case verb != "":
		return in.method + " " + verb
	case in.method == http.MethodPost && id == "":
		return "create"
	case in.method == http.MethodPost:
		return "update"
	case in.method == http.MethodGet && id == "":
		return "list"
	case in.method == http.MethodGet:
		return "get"
	case in.method == http.MethodDelete && id != "":
		return "delete"
	}
	return ""
}

// allow refuses parameters that are not in names.
func allow(in incoming, names string) *answer {
	if name, found := in.params.unknown(names); found {
		out := unknownParam(name)
		return &out
	}
	return nil
}

// firstRefusal returns the first refusal there is, or nil.
func firstRefusal(refusals ...*answer) *answer {
	for _, refusal := range refusals {
		if refusal != nil {
			return refusal
		}
	}
	return nil
}

// deletedObject is what Stripe answers to DELETE, and to GET of a deleted customer.
type deletedObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}
