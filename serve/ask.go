package serve

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// Answer is what a request was answered.
type Answer struct {
	Status int
	Header http.Header
	// Body is JSON, or a problem document where the status is 400 or above.
	Body []byte
}

// Ask answers a request as if its caller had sent it with a token: the pages of the web app ask on behalf of who reads
// them, so that what a role may do, and how it is done, is said once. The writer is that of the request that a page
// serves: its deadlines are put off while an upload goes on.
func (s *Server) Ask(
	w http.ResponseWriter, r *http.Request, caller Token, method, target string, body io.Reader,
) Answer {
	if body == nil {
		body = http.NoBody
	}
	inner, err := http.NewRequestWithContext(context.WithValue(r.Context(), callerKey{}, caller), method, target, body)
	if err != nil {
		return Answer{Status: http.StatusBadRequest, Header: http.Header{}}
	}
	written := &answerWriter{through: w, answer: Answer{Status: http.StatusOK, Header: http.Header{}}}
	written.answer.Header.Set(requestIDHeader, w.Header().Get(requestIDHeader))
	s.mux.ServeHTTP(written, inner)
	written.answer.Body = written.text.Bytes()
	return written.answer
}

// callerKey finds who asks in the context of a request that came through Ask.
type callerKey struct{}

// answerWriter keeps an answer.
type answerWriter struct {
	through http.ResponseWriter
	answer  Answer
	text    bytes.Buffer
}

// Header is the answer's.
func (w *answerWriter) Header() http.Header { return w.answer.Header }

// WriteHeader notes the status.
func (w *answerWriter) WriteHeader(status int) { w.answer.Status = status }

// Write keeps what is written.
func (w *answerWriter) Write(text []byte) (int, error) { return w.text.Write(text) }

// Unwrap is for http.ResponseController: the deadlines are those of the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.through }

// Written counts the requests that wrote: what was read before another one may be old.
func (s *Server) Written() uint64 { return s.written.Load() }

// Handle answers what matches a pattern of http.ServeMux by something else than the API, such as pages.
func (s *Server) Handle(pattern string, handler http.Handler) { s.mux.Handle(pattern, handler) }

// May tells whether a role may call the endpoint of a method and a path, as Routes has them.
func May(role, method, path string) bool {
	for _, route := range Routes() {
		if route.Method == method && route.Path == path {
			return route.takes(role)
		}
	}
	return false
}

// Holder returns the valid token of a secret, and a key by which Still finds it again without the secret.
func (s *Server) Holder(ctx context.Context, secret string) (token Token, key string, found bool, err error) {
	key = hashOf(secret)
	token, found, err = s.keys.of(ctx, key)
	return token, key, found, err
}

// Still returns the token of a key while it is valid.
func (s *Server) Still(ctx context.Context, key string) (Token, bool, error) {
	return s.keys.of(ctx, key)
}

// Named returns the valid token of a name, and its key.
func (s *Server) Named(ctx context.Context, name string) (token Token, key string, found bool, err error) {
	return s.keys.named(ctx, name)
}
