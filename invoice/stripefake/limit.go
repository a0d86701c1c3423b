package stripefake

import (
	"net/http"
	"time"
)

// limit counts the requests of the last second.
type limit struct {
	perSecond int
	taken     []time.Time
}

// exceeds says whether a request is one too many in this second.
func (s *Server) exceeds(method string) bool {
	l := &s.writes
	if method == http.MethodGet {
		l = &s.reads
	}
	if l.perSecond == 0 {
		return false
	}
	now := s.now()
	for len(l.taken) > 0 && !l.taken[0].Add(time.Second).After(now) {
		l.taken = l.taken[1:]
	}
	if len(l.taken) >= l.perSecond {
		return true
	}
	l.taken = append(l.taken, now)
	return false
}
