package stripefake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of faults.
const (
	// DropBefore cuts the connection before anything is done.
	DropBefore = "drop_before"
	// DropAfter does everything and cuts the connection instead of answering.
	DropAfter = "drop_after"
	// Delayed cuts the connection; the request executes DelayS seconds later by the fake's clock, its key being in use.
	Delayed = "delayed"
	// Hang does everything and holds the answer back until the client goes away or /fake/release is called.
	Hang = "hang"
	// CutBody answers with half of the body.
	CutBody = "cut_body"
	// BadJSON answers 200 with a body that is well framed and no JSON.
	BadJSON = "bad_json"
	// EmptyObject answers 200 with {}.
	EmptyObject = "empty_object"
	// Set answers with top-level fields of the body replaced by Fields.
	Set = "set"
	// Error500 fails without doing anything; the failure is kept under the key.
	Error500 = "error_500"
	// Error500Done does everything and answers 500; the failure is kept under the key.
	Error500Done = "error_500_done"
	// Error500Late answers 500, kept under the key, and does everything DelayS seconds later.
	Error500Late = "error_500_late"
	// LockTimeout answers 429 lock_timeout, kept under the key.
	LockTimeout = "lock_timeout"
	// RateLimit answers 429 before the idempotency layer.
	RateLimit = "rate_limit"
	// InUse answers 409 before the idempotency layer.
	InUse = "in_use"
	// BadGateway answers 502 with HTML, Unavailable 503 in JSON, before anything is done.
	BadGateway  = "bad_gateway"
	Unavailable = "unavailable"
	// Refuse answers 400 without doing anything.
	Refuse = "refuse"
	// Unauthorized answers 401, Forbidden 403, before anything is done.
	Unauthorized = "unauthorized"
	Forbidden    = "forbidden"
)

// Fault is one entry of the fault script: it befalls the requests that match, after Skip of them have passed.
type Fault struct {
	Kind string `json:"kind"`
	// Method and PathPrefix say which requests match; empty matches all.
	Method     string `json:"method,omitempty"`
	PathPrefix string `json:"path_prefix,omitempty"`
	// Skip is how many matching requests pass first.
	Skip int `json:"skip,omitempty"`
	// Times is how many requests it befalls; 0 means 1, -1 all.
	Times int `json:"times,omitempty"`
	// DelayS is for Delayed and Error500Late, in seconds of the fake's clock.
	DelayS int `json:"delay_s,omitempty"`
	// RetryAfterS is the Retry-After of RateLimit and Unavailable, in seconds. 0: none.
	RetryAfterS int `json:"retry_after_s,omitempty"`
	// Fields is for Set.
	Fields map[string]any `json:"fields,omitempty"`
}

// delayedRequest executes when the clock reaches due.
type delayedRequest struct {
	due time.Time
	in  incoming
}

// takeFault returns the first fault of the script that befalls the request, or nil.
func (s *Server) takeFault(in incoming) *Fault {
	for i, fault := range s.faults {
		if fault.Method != "" && fault.Method != in.method || !strings.HasPrefix(in.path, fault.PathPrefix) {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		if fault.Times >= 0 {
			fault.Times--
			if fault.Times <= 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		taken := *fault
		return &taken
	}
	return nil
}

func (f *Fault) is(kinds ...string) bool { return f != nil && slices.Contains(kinds, f.Kind) }

// cuts says that no whole answer reaches the client.
func (f *Fault) cuts() bool { return f.is(DropBefore, DropAfter, Delayed, CutBody) }

// before answers what goes wrong ahead of authentication and idempotency.
func (f *Fault) before(s *Server, in incoming) (answer, bool) {
	switch {
	case f.is(DropBefore):
		return answer{status: http.StatusOK}, true
	case f.is(Delayed):
		s.delayed = append(s.delayed, delayedRequest{due: s.now().Add(f.delay()), in: in})
		return answer{status: http.StatusOK}, true
	case f.is(RateLimit):
		return f.later(fail(http.StatusTooManyRequests, "rate_limit", "Too many requests.", "")), true
	case f.is(InUse):
		return fail(http.StatusConflict, "idempotency_key_in_use", "Another request is in progress.", ""), true
	case f.is(Refuse):
		return invalidParam("customer", "This customer cannot be billed."), true
	case f.is(Unauthorized):
		return fail(http.StatusUnauthorized, "", "Invalid API Key provided.", ""), true
	case f.is(Forbidden):
		return fail(http.StatusForbidden, "", "The key lacks the permission 'rak_invoice_item_write'.", ""), true
	case f.is(BadGateway):
		return answer{status: http.StatusBadGateway, body: []byte("<html>Bad Gateway</html>")}, true
	case f.is(Unavailable):
		return f.later(fail(http.StatusServiceUnavailable, "", "Stripe is unavailable.", "")), true
	}
	return answer{}, false
}

// later says when to ask again.
func (f *Fault) later(out answer) answer {
	if f.RetryAfterS > 0 {
		out.set("Retry-After", strconv.Itoa(f.RetryAfterS))
	}
	return out
}

// instead answers what goes wrong behind the idempotency layer, so that it is kept under the key.
func (f *Fault) instead(s *Server, in incoming) (answer, bool) {
	if !f.is(Error500, Error500Done, Error500Late, LockTimeout) {
		return answer{}, false
	}
	if f.is(Error500Done) {
		s.endpoint(in)
	}
	if f.is(Error500Late) {
		late := in
		late.key = "" // it is the remains of a request that was answered, no longer one under the key
		s.delayed = append(s.delayed, delayedRequest{due: s.now().Add(f.delay()), in: late})
	}
	out := fail(http.StatusInternalServerError, "", "An unknown error occurred.", "")
	if f.is(LockTimeout) {
		out = fail(http.StatusTooManyRequests, "lock_timeout", "This object cannot be accessed right now.", "")
	}
	out.executed = true
	return out, true
}

// after spoils an answer that is already kept.
func (f *Fault) after(out answer) answer {
	switch {
	case f.is(EmptyObject):
		out.body = []byte("{}")
	case f.is(BadJSON):
		out.body = []byte("{oops")
	case f.is(Set):
		var fields map[string]json.RawMessage
		if json.Unmarshal(out.body, &fields) != nil {
			return out
		}
		for name, value := range f.Fields {
			encoded, err := json.Marshal(value)
			if err != nil {
				panic("stripefake: encode fault: " + err.Error())
			}
			fields[name] = encoded
		}
		out.body = ok(fields).body
	}
	return out
}

// deliver writes the answer, or what the fault leaves of it.
func (f *Fault) deliver(w http.ResponseWriter, r *http.Request, out answer, released <-chan struct{}) {
	switch {
	case f.is(DropBefore, DropAfter, Delayed):
		panic(http.ErrAbortHandler)
	case f.is(Hang):
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-released:
		}
	case f.is(CutBody):
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		out.body = out.body[:len(out.body)/2]
		writeAnswer(w, out)
		panic(http.ErrAbortHandler)
	}
	writeAnswer(w, out)
}

func (f *Fault) delay() time.Duration { return time.Duration(f.DelayS) * time.Second }

// settle lets happen what is due by the clock.
func (s *Server) settle() {
	slices.SortStableFunc(s.delayed, func(a, b delayedRequest) int { return a.due.Compare(b.due) })
	for len(s.delayed) > 0 && !s.delayed[0].due.After(s.now()) {
		due := s.delayed[0]
		s.delayed = s.delayed[1:]
		s.instant = due.due
		s.idempotent(due.in, nil)
		s.instant = time.Time{}
	}
	s.renew()
	s.expireSessions()
}
