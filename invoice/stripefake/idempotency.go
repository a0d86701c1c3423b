package stripefake

import (
	"net/http"
	"time"
)

// keptAnswer is what Stripe remembers under an idempotency key. Its fields are exported for the state file.
type keptAnswer struct {
	Method, Path, Body string
	At                 time.Time
	Status             int
	Answer             []byte
}

// keyLifetime is when a key may be forgotten; afterwards it makes a new request.
const keyLifetime = 24 * time.Hour

// idempotent executes the request, or answers what its key is known for. Nothing is kept where the endpoint did not
// begin: unknown parameters, missing objects, rate limits, a key in use.
func (s *Server) idempotent(in incoming, fault *Fault) answer {
	if in.method != http.MethodPost || in.key == "" {
		return s.execute(in, fault)
	}
	if len(in.key) > 255 {
		return fail(http.StatusBadRequest, "", "Idempotency keys are at most 255 characters.", "")
	}
	if s.inFlight(in.key) {
		return fail(http.StatusConflict, "idempotency_key_in_use",
			"There is currently another in-progress request using this Idempotent Key.", "")
	}
	kept, known := s.state.Keys[in.key]
	if known && s.now().Sub(kept.At) < keyLifetime {
		if kept.Method != in.method || kept.Path != in.path || kept.Body != in.body {
			return fail(http.StatusBadRequest, "idempotency_error",
				"Keys for idempotent requests can only be used with the same parameters they were first used with.", "")
		}
		out := answer{status: kept.Status, body: kept.Answer}
		out.set("Idempotent-Replayed", "true")
		return out
	}
	out := s.execute(in, fault)
	if out.executed {
		s.state.Keys[in.key] = keptAnswer{
			Method: in.method, Path: in.path, Body: in.body, At: s.now(), Status: out.status, Answer: out.body,
		}
	}
	return out
}

// execute runs the endpoint, or what the fault puts in its place after the idempotency layer.
func (s *Server) execute(in incoming, fault *Fault) answer {
	if out, replaced := fault.instead(s, in); replaced {
		return out
	}
	return s.endpoint(in)
}

func (s *Server) inFlight(key string) bool {
	for _, request := range s.delayed {
		if request.in.key == key {
			return true
		}
	}
	return false
}
