package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Commands are those of the command line.
type Commands interface {
	// Run runs a command with --json and answers what it prints.
	Run(ctx context.Context, args ...string) Result
	// Load loads a log that is read from body, as `creditmill load` does a file of that name.
	Load(ctx context.Context, name, source string, body io.Reader) Result
	// Check reads rows of JSON Lines as a load would, without loading them. An error says why no row can be read.
	Check(ctx context.Context, source string, rows []byte) ([]Checked, error)
	// Took is told of events that are on disk, before they are in a load and before their sender is answered, and of the
	// number of their segment of the spool.
	Took(source string, events []schemas.Event, segment int64)
	// Entitled answers as `entitled --fresh` does, with what was told to Took counted. fromMemory tells that nothing was
	// read for it.
	Entitled(ctx context.Context, asked Asked) (answer Result, fromMemory bool)
}

// Asked is whether a customer may use more of a feature; empty texts are not given.
type Asked struct{ Customer, Feature, Required, Pool string }

// Checked is a row as a load would understand it.
type Checked struct {
	// Row is its number, from 1.
	Row int
	// Event is what the row says; nil where it is refused or left out by its source.
	Event *schemas.Event
	// Field and Reason say why it is refused; empty where it is not.
	Field, Reason string
}

// Result is what a command answered.
type Result struct {
	// JSON is its output: one document, or several in lines.
	JSON []byte
	// Code is its exit code, Message what went wrong; empty with code 0.
	Code    int
	Message string
	// Status is that of HTTP where the exit code says too little; else 0.
	Status int
}

func (r Result) status() int {
	if r.Status != 0 {
		return r.Status
	}
	return statusOf(r.Code)
}

// Config is what a Server works with. Webhook may be nil, the rest is required.
type Config struct {
	Warehouse *warehouse.Warehouse
	Commands  Commands
	// Answers are values of the types that commands print, by method and path: see Description.
	Answers map[string]any
	Spool   *Spool
	// Exclusive waits for its turn among all that write: requests and jobs.
	Exclusive func(context.Context) (release func(), err error)
	// Webhook answers what Stripe sends: a status, and a text for people.
	Webhook func(ctx context.Context, payload []byte, signature string) (status int, detail string)
	// RequestsPerSecond is how many requests each token may send; 0: 2,000.
	RequestsPerSecond int
	// Live lets requests post with a live key of Stripe.
	Live bool
	Now  func() time.Time
	// Wall is the clock of deadlines; Now may be another one in tests.
	Wall func() time.Time
	Log  zerolog.Logger
}

// Server answers HTTP.
type Server struct {
	config Config
	keys   *keyring
	// description is the API as OpenAPI has it.
	description object
	mux         *http.ServeMux
	// working bounds how many requests are worked on at once.
	working chan struct{}
	// written counts the requests that wrote.
	written atomic.Uint64
	limits  *limits
	metrics *metrics
	held    *heldCounts
}

const (
	// mostAtOnce is how many requests are worked on at once; others are told to come again.
	mostAtOnce = 256
	// bodyMost bounds what is read of a request that is no upload.
	bodyMost = 16 << 20
	// headerMost bounds the headers of a request.
	headerMost = 32 << 10
	// slowest is how long a client may take for its headers, or for a body that is no upload.
	slowest = 30 * time.Second
	// ending is how long requests have to end once the server stops.
	ending = 30 * time.Second
)

const requestIDHeader = "X-Request-Id"

// New returns a server.
func New(config Config) (*Server, error) {
	description, err := Description(config.Answers)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s := &Server{
		config: config, mux: http.NewServeMux(), working: make(chan struct{}, mostAtOnce), metrics: newMetrics(config.Spool),
		keys:   &keyring{tokens: Tokens{Warehouse: config.Warehouse}, now: config.Now},
		limits: newLimits(config.RequestsPerSecond), description: description, held: newHeldCounts(),
	}
	for _, route := range Routes() {
		s.mux.Handle(route.Method+" "+route.Path, s.guarded(route))
	}
	s.mux.HandleFunc("/", s.unknown)
	return s, nil
}

// unknown refuses what no route takes, by its path or only by its method.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, http.StatusMethodNotAllowed, "this takes "+strings.Join(allowed, " or "))
		return
	}
	refuse(w, http.StatusNotFound, "no such endpoint: see /openapi.json")
}

// ServeHTTP gives a request its id, and answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(r.Header.Get(requestIDHeader))
	w.Header().Set(requestIDHeader, id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	began := s.config.Now()
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		elapsed := s.config.Now().Sub(began)
		pattern := r.Pattern
		s.metrics.request(pattern, seen.status, elapsed)
		s.config.Log.Info().Str("request_id", id).Str("method", r.Method).Str("route", pattern).Int("status", seen.status).
			Int64("elapsed_ms", elapsed.Milliseconds()).Msg("request")
	}()
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	default:
		refuse(seen, http.StatusServiceUnavailable, "too many requests are being worked on")
		return
	}
	s.mux.ServeHTTP(seen, r)
}

// requestID takes the client's id where it is harmless, else makes one.
func requestID(given string) string {
	harmless := given != "" && len(given) <= 64 && !strings.ContainsFunc(given, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
	if harmless {
		return given
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return "req_" + hex.EncodeToString(random[:])
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guarded lets those pass whose token has one of the route's roles.
func (s *Server) guarded(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Before a refusal, too, net/http reads on to the end of the body. A server of a test has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(s.config.Wall().Add(slowest))
		caller, known := r.Context().Value(callerKey{}).(Token)
		switch {
		case known && len(route.Roles) > 0 && !route.takes(caller.Role):
			refuseRole(w, route, caller)
			return
		case !known && len(route.Roles) > 0:
			secret, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			token, found, err := s.keys.find(r.Context(), secret)
			switch {
			case err != nil:
				refuse(w, http.StatusServiceUnavailable, "the tokens cannot be read now")
				return
			case !given || !found:
				w.Header().Set("WWW-Authenticate", `Bearer realm="creditmill"`)
				refuse(w, http.StatusUnauthorized, "give a valid token: Authorization: Bearer cmt_…; "+
					"make one with `creditmill token create`")
				return
			case !route.takes(token.Role):
				refuseRole(w, route, token)
				return
			case !s.limits.allow(token.Name):
				refuse(w, http.StatusTooManyRequests, fmt.Sprintf("the token %s sends more requests in a second than %d; send "+
					"several rows in one, or raise serve.requests_per_second", token.Name, s.limits.perSecond))
				return
			}
			caller = token
		}
		if !route.upload {
			r.Body = http.MaxBytesReader(w, r.Body, bodyMost)
		}
		route.handle(s, w, r, call{route: route, caller: caller})
	})
}

func refuseRole(w http.ResponseWriter, route Route, token Token) {
	refuse(w, http.StatusForbidden, fmt.Sprintf("the token %s has the role %s; this takes %s", token.Name, token.Role,
		strings.Join(append(slices.Clone(route.Roles), RoleAdmin), " or ")))
}

// Serve answers on a listener until the context ends; requests that are being worked on may end then.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: slowest, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerMost,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
	defer cancel()
	err := server.Shutdown(stopping)
	s.held.stop()
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stop serving HTTP: %w", err)
	}
	return nil
}
