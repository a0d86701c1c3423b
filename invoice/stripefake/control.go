package stripefake

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Items returns copies of all invoice items, oldest first, with delayed requests that are due executed.
func (s *Server) Items() []InvoiceItem {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return copies(s.state.Items)
}

// Invoices returns copies of all invoices, oldest first.
func (s *Server) Invoices() []Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return copies(s.state.Invoices)
}

// Subscriptions returns copies of all subscriptions, oldest first.
func (s *Server) Subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return copies(s.state.Subscriptions)
}

// Schedules returns copies of all subscription schedules, oldest first.
func (s *Server) Schedules() []Schedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return copies(s.state.Schedules)
}

// Sessions returns copies of all Checkout sessions, oldest first.
func (s *Server) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return copies(s.state.Sessions)
}

// Void makes an invoice void, whatever it was.
func (s *Server) Void(invoice string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	find(s.state.Invoices, invoice).Status = "void"
}

// SetStatus changes the status of a subscription.
func (s *Server) SetStatus(subscription, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	find(s.state.Subscriptions, subscription).Status = status
}

// ResetAnchor begins the billing cycle of a subscription again, now.
func (s *Server) ResetAnchor(subscription string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	s.resetAnchor(find(s.state.Subscriptions, subscription))
}

// AddCustomer makes a customer with an id of the caller's choice.
func (s *Server) AddCustomer(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addCustomer(id, "", "", nil)
}

// SetEmail gives a customer an e-mail address, to which invoices can be sent.
func (s *Server) SetEmail(customer, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	find(s.state.Customers, customer).Email = optional(email)
}

// AddPrice makes a monthly price with an id of the caller's choice.
func (s *Server) AddPrice(id, currency string, amountMinor int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addPrice(id, currency, s.id("prod"), "month", "1", amountMinor)
}

// AddYearlyPrice makes a price that is due once a year.
func (s *Server) AddYearlyPrice(id, currency string, amountMinor int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addPrice(id, currency, s.id("prod"), "year", "1", amountMinor)
}

// AddSubscription subscribes a customer to a price from start on and returns the subscription's id.
func (s *Server) AddSubscription(customer, price string, start time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addSubscription(customer, find(s.state.Prices, price), nil, start.Unix(), 0).ID
}

func copies[T any](objects []*T) []T {
	out := make([]T, 0, len(objects))
	for _, object := range objects {
		out = append(out, *object)
	}
	return out
}

// serveControl answers /fake/…, which Stripe does not have:
//
//	POST /fake/advance {"seconds":3600}        moves the clock
//	GET  /fake/checkout/<session>              pays the session (what a person does in the browser), also POST
//	GET  /fake/items, /fake/invoices           everything there is
//	GET  /fake/requests                        what was asked of /v1
//	POST /fake/faults [{"kind":"drop_after"}]  adds to the fault script; DELETE empties it
//	POST /fake/release                         lets go of answers that hang
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/fake/")
	session, isCheckout := strings.CutPrefix(path, "checkout/")
	switch {
	case isCheckout:
		session, err := s.Complete(strings.TrimSuffix(session, "/complete"))
		if err != nil {
			refuseControl(w, err)
			return
		}
		writeAnswer(w, ok(session))
	case path == "items":
		writeAnswer(w, ok(s.Items()))
	case path == "invoices":
		writeAnswer(w, ok(s.Invoices()))
	case path == "requests":
		writeAnswer(w, ok(s.Requests()))
	case path == "advance":
		var step struct {
			Seconds int64 `json:"seconds"`
		}
		if !readControl(w, r, &step) {
			return
		}
		s.Advance(time.Duration(step.Seconds) * time.Second)
		writeAnswer(w, ok(map[string]any{"now": s.Now()}))
	case path == "faults" && r.Method == http.MethodDelete:
		s.ClearFaults()
		writeAnswer(w, ok(map[string]any{}))
	case path == "faults":
		var faults []Fault
		if readControl(w, r, &faults) {
			s.Inject(faults...)
			writeAnswer(w, ok(faults))
		}
	case path == "release":
		s.release()
		writeAnswer(w, ok(map[string]any{}))
	default:
		http.NotFound(w, r)
	}
}

// release lets go of the answers that hang now.
func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.released)
	s.released = make(chan struct{})
}

func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		refuseControl(w, err)
		return false
	}
	return true
}

func refuseControl(w http.ResponseWriter, err error) {
	writeAnswer(w, fail(http.StatusBadRequest, "", err.Error(), ""))
}
