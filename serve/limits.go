package serve

import (
	"sync"

	"golang.org/x/time/rate"
)

// defaultRequestsPerSecond is how many requests a token may send in a second.
const defaultRequestsPerSecond = 2000

// limits bounds how many requests each token sends. As many as it may send in a second it may send at once.
type limits struct {
	perSecond int

	mu     sync.Mutex
	tokens map[string]*rate.Limiter // of names that exist
}

func newLimits(perSecond int) *limits {
	if perSecond == 0 {
		perSecond = defaultRequestsPerSecond
	}
	return &limits{perSecond: perSecond, tokens: map[string]*rate.Limiter{}}
}

// allow takes a request of a token, or tells that it is too much.
func (l *limits) allow(token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.tokens[token]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond)
		l.tokens[token] = limiter
	}
	return limiter.Allow()
}
