package main

import (
	"net/http"
	"strings"
	"sync"
)

// gate passes requests on to a handler. One of them it holds until a test lets it go: what happens meanwhile happens to
// a program that waits for an answer.
type gate struct {
	http.Handler
	mu       sync.Mutex
	held     heldRequest
	arrived  chan struct{}
	released chan struct{}
}

// heldRequest is the nth request, from 1, of a method to a path that begins so.
type heldRequest struct {
	method, path string
	nth          int
}

// hold has that request wait. arrived is closed once it is there; release lets it go.
func (g *gate) hold(request heldRequest) (arrived <-chan struct{}, release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = request
	g.arrived, g.released = make(chan struct{}), make(chan struct{})
	released := g.released
	return g.arrived, sync.OnceFunc(func() { close(released) })
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if released := g.pass(r); released != nil {
		<-released
	}
	g.Handler.ServeHTTP(w, r)
}

// pass counts a request; for the one that is held it returns what to wait for.
func (g *gate) pass(r *http.Request) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held.nth == 0 || g.held.method != r.Method || !strings.HasPrefix(r.URL.Path, g.held.path) {
		return nil
	}
	g.held.nth--
	if g.held.nth > 0 {
		return nil
	}
	close(g.arrived)
	return g.released
}
