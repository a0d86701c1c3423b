package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	// heldKept is how long counts of held charges are shown again at least, heldShare how many times as long as they
	// took: counting takes a twentieth of the time at most, however many charges there are.
	heldKept  = time.Minute
	heldShare = 20
	// heldWait is how long a scrape waits for counts that are being made.
	heldWait = 5 * time.Second
)

// heldCounts counts held charges by code for those who scrape. That takes a plan, which may take longer than a scrape
// has: it is made beside it, one at a time, and scrapes show the last.
type heldCounts struct {
	life context.Context //nolint:containedctx // of what is counted, whoever asked for it
	end  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	last    map[string]float64 // nil where none could be made
	madeAt  time.Time
	took    time.Duration
	running chan struct{} // closed when it is done; nil where nothing is counted
}

func newHeldCounts() *heldCounts {
	life, end := context.WithCancel(context.Background())
	return &heldCounts{life: life, end: end}
}

// counts are the latest; nil where there are none yet, or no plan can be made.
func (h *heldCounts) counts(ctx context.Context, s *Server) map[string]float64 {
	h.mu.Lock()
	if h.running == nil && (h.madeAt.IsZero() || s.config.Wall().Sub(h.madeAt) >= max(heldKept, heldShare*h.took)) &&
		h.life.Err() == nil {
		h.running = make(chan struct{})
		h.work.Go(func() { h.count(s) })
	}
	running := h.running
	h.mu.Unlock()
	if running != nil {
		waiting, cancel := context.WithTimeout(ctx, heldWait)
		defer cancel()
		select {
		case <-running:
		case <-waiting.Done():
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

func (h *heldCounts) count(s *Server) {
	began := s.config.Wall()
	result := s.config.Commands.Run(h.life, "status", "--held")
	var now state
	if result.status() != http.StatusOK || json.Unmarshal(result.JSON, &now) != nil {
		s.config.Log.Warn().Str("error", result.Message).Msg("held_not_counted")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.madeAt = now.Charges.Held, s.config.Wall()
	h.took = h.madeAt.Sub(began)
	close(h.running)
	h.running = nil
}

// stop ends what is counted, and waits for that.
func (h *heldCounts) stop() {
	h.mu.Lock()
	h.end()
	h.mu.Unlock()
	h.work.Wait()
}
