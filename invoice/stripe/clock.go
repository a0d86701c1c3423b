package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxSkew is how far this machine's clock may be from Stripe's. Quiet times are measured by Stripe's, but periods end
// by this one.
const maxSkew = 2 * time.Minute

// ErrClock is returned when this machine's clock is too far from Stripe's; nothing is posted then.
var ErrClock = errors.New("this machine's clock is wrong")

// skew is how far this machine's clock is ahead of Stripe's, by the Date of its latest answer.
type skew struct {
	mu    sync.Mutex
	ahead time.Duration
}

// measure takes an answer that came between two instants of this machine's clock. A Date in between, which counts
// whole seconds, is no skew.
func (s *skew) measure(response *http.Response, sent, came time.Time) {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return
	}
	ahead := time.Duration(0)
	switch latest := date.Add(time.Second); {
	case latest.Before(sent):
		ahead = sent.Sub(latest)
	case date.After(came):
		ahead = came.Sub(date)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = ahead
}

func (s *skew) get() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ahead
}

// check refuses to go on with a clock that is too far from Stripe's.
func (s *skew) check() error {
	ahead := s.get()
	direction := "ahead of"
	if ahead < 0 {
		ahead, direction = -ahead, "behind"
	}
	if ahead <= maxSkew {
		return nil
	}
	return fmt.Errorf("post with a clock that is %s %s Stripe's: set this machine's time, for instance with "+
		"`timedatectl set-ntp true`, and post again: %w", ahead.Round(time.Second), direction, ErrClock)
}
