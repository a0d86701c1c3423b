// Package stripefake is a small Stripe for tests and demos: customers, subscriptions, invoice items, invoices and
// Checkout at API version 2023-10-16, stateful, with a clock of its own.
//
// A request goes through Server.ServeHTTP: fault script, authentication, idempotency, then the endpoint. What always
// holds: one request executes at a time; an unknown parameter is refused with 400; the same Idempotency-Key executes
// once and is replayed as Stripe does it, failures included; lists are newest first and consistent. The clock moves
// only as Config.Now does and by Advance, and what was due in between happens in order.
package stripefake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// APIVersion is the only version of Stripe's API that is spoken.
const APIVersion = "2023-10-16"

// Config is what a Server starts with.
type Config struct {
	// Now is where the clock starts from; Advance adds to it. Nil: the clock stands at 2026-01-01 and only Advance moves
	// it.
	Now func() time.Time
	// Account is the id that GET /v1/account answers. Empty: acct_fake.
	Account string
	// StateFile keeps the state across restarts. Empty: memory only.
	StateFile string
	// ReadsPerSecond and WritesPerSecond are how many requests are taken in any second of the clock; those above are
	// answered 429 before anything is done. 0: no limit. Stripe has 100 of each in live mode, 25 in test mode.
	ReadsPerSecond, WritesPerSecond int
	// Date is the Date of answers. Nil: over HTTP it is the machine's, else there is none.
	Date func() time.Time
	// Public is the URL under which the server is reached, for Checkout links. Empty: http://127.0.0.1.
	Public string
}

// Request is one request as it came in, for assertions.
type Request struct {
	Method, Path, Query, Body, IdempotencyKey string
	// Status is 0 where the connection was cut instead of answering.
	Status   int
	Replayed bool
}

// Server is the fake. Use New; it is safe for concurrent use.
type Server struct {
	config Config

	mu       sync.Mutex
	state    state
	faults   []*Fault
	delayed  []delayedRequest
	requests []Request
	reads    limit
	writes   limit
	released chan struct{}
	// instant stands for the clock while something happens that was due earlier.
	instant time.Time
}

// New returns a server with the state of Config.StateFile, if there is one.
func New(config Config) (*Server, error) {
	if config.Now == nil {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		config.Now = func() time.Time { return start }
	}
	if config.Account == "" {
		config.Account = "acct_fake"
	}
	if config.Public == "" {
		config.Public = "http://127.0.0.1"
	}
	s := &Server{config: config, state: newState(), released: make(chan struct{})}
	s.reads.perSecond, s.writes.perSecond = config.ReadsPerSecond, config.WritesPerSecond
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// SetPublic changes the URL under which the server is reached.
func (s *Server) SetPublic(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Public = url
}

// Now is the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time {
	if !s.instant.IsZero() {
		return s.instant
	}
	return s.config.Now().Add(s.state.Offset).UTC()
}

func (s *Server) unix() int64 { return s.now().Unix() }

// Advance moves the clock forward and lets happen what falls due: delayed requests, renewals, finalization of drafts.
func (s *Server) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Offset += by
	s.settle()
	s.save()
}

// Requests returns what was asked of /v1 so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Inject adds faults to the script.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range faults {
		s.faults = append(s.faults, &fault)
	}
}

// ClearFaults empties the fault script. Requests that are delayed already still execute when they are due.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// ServeHTTP answers /v1/… as Stripe does and /fake/… for whoever controls the fake.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/fake/") {
		s.serveControl(w, r)
		return
	}
	in, err := readIncoming(r)
	if err != nil {
		writeAnswer(w, fail(http.StatusBadRequest, "", err.Error(), ""))
		return
	}
	s.mu.Lock()
	s.settle()
	out, fault := s.answer(in)
	request := Request{
		Method: in.method, Path: in.path, Query: r.URL.RawQuery, Body: in.body, IdempotencyKey: in.key,
		Status: out.status, Replayed: out.header["Idempotent-Replayed"] != "",
	}
	if fault.cuts() {
		request.Status = 0
	}
	s.requests = append(s.requests, request)
	out.set("Request-Id", fmt.Sprintf("req_%06d", len(s.requests)))
	s.save()
	released := s.released
	s.mu.Unlock()
	if s.config.Date != nil {
		out.set("Date", s.config.Date().UTC().Format(http.TimeFormat))
	}
	fault.deliver(w, r, out, released)
}

// answer runs one request: rate limit, fault script, authentication, idempotency, endpoint.
func (s *Server) answer(in incoming) (answer, *Fault) {
	if s.exceeds(in.method) {
		return fail(http.StatusTooManyRequests, "rate_limit", "Too many requests in a second.", ""), nil
	}
	fault := s.takeFault(in)
	if out, done := fault.before(s, in); done {
		return out, fault
	}
	if out, refused := authenticate(in); refused {
		return out, fault
	}
	out := s.idempotent(in, fault)
	return fault.after(out), fault
}

func authenticate(in incoming) (answer, bool) {
	key := in.secret
	switch {
	case key == "":
		return fail(http.StatusUnauthorized, "", "You did not provide an API key.", ""), true
	case !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_"):
		return fail(http.StatusUnauthorized, "", "Invalid API Key provided; this server takes sk_test_… keys.", ""), true
	case in.version != "" && in.version != APIVersion:
		return fail(http.StatusBadRequest, "", "Only API version "+APIVersion+" is spoken here.", ""), true
	}
	return answer{}, false
}

// answer is a response before it is written.
type answer struct {
	status int
	body   []byte
	header map[string]string
	// executed says that the endpoint began to work; only then is the answer kept under its idempotency key.
	executed bool
}

func (a *answer) set(name, value string) {
	header := map[string]string{name: value}
	for k, v := range a.header {
		header[k] = v
	}
	a.header = header
}

func ok(object any) answer {
	body, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		panic("stripefake: encode answer: " + err.Error())
	}
	return answer{status: http.StatusOK, body: body, executed: true}
}

// fail is an error answer as Stripe writes it.
func fail(status int, code, message, param string) answer {
	kind := "invalid_request_error"
	switch {
	case status >= http.StatusInternalServerError:
		kind = "api_error"
	case code == "idempotency_error":
		kind, code = "idempotency_error", ""
	}
	details := map[string]string{"type": kind, "message": message}
	if code != "" {
		details["code"] = code
	}
	if param != "" {
		details["param"] = param
	}
	out := ok(map[string]any{"error": details})
	out.status, out.executed = status, false
	return out
}

func unknownParam(name string) answer {
	return fail(http.StatusBadRequest, "parameter_unknown", "Received unknown parameter: "+name, name)
}

func missingParam(name string) answer {
	return fail(http.StatusBadRequest, "parameter_missing", "Missing required param: "+name+".", name)
}

func invalidParam(name, message string) answer {
	return fail(http.StatusBadRequest, "parameter_invalid", message, name)
}

func missingObject(kind, id, param string) answer {
	status := http.StatusBadRequest
	if param == "id" {
		status = http.StatusNotFound
	}
	return fail(status, "resource_missing", "No such "+kind+": '"+id+"'", param)
}

func writeAnswer(w http.ResponseWriter, out answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Stripe-Version", APIVersion)
	for name, value := range out.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(out.status)
	if _, err := w.Write(out.body); err != nil && !errors.Is(err, http.ErrHandlerTimeout) {
		return // the client went away; it will ask again
	}
}
