package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/serve"
)

const (
	// watchEvery is how soon a change by another process is seen.
	watchEvery = 250 * time.Millisecond
	// computeTries is how often balances are computed for one question before it is refused: each time something may come
	// in between.
	computeTries = 5
	// fewCustomers are computed by name; of more, everybody's balances are.
	fewCustomers = 500
)

// errNotCounted is returned while something that was accepted cannot be loaded.
var errNotCounted = errors.New("what was accepted is not counted yet")

// liveAnswers answers who is entitled from memory. Balances are computed once, events of the spool go on top of them,
// and whatever else changes in the warehouse, in the catalog or with time has them computed again.
type liveAnswers struct {
	mill      *mill
	spool     *serve.Spool
	computing singleflight.Group

	// reading is held while balances are read, so that no segment is loaded then. lastLoaded is the last that was.
	reading    sync.RWMutex
	lastLoaded int64

	looking  sync.Mutex
	mu       sync.Mutex
	live     *aggregate.Live
	catalog  *schemas.Catalog
	state    liveState // as the balances know it
	refused  string    // a catalog's file that cannot be read: answers go on by the one before it
	all      bool      // everybody's balances were computed
	segments map[int64]*liveSegment
	recent   recentIDs
}

// liveState is that of the warehouse and of the catalog's file.
type liveState struct {
	catalog   string
	warehouse aggregate.LiveState
}

// liveSegment is what is known of a segment of the spool until it is loaded.
type liveSegment struct {
	events    uint64 // that are new, as far as memory goes
	customers map[string]bool
}

func newLiveAnswers(m *mill, spool *serve.Spool) *liveAnswers {
	return &liveAnswers{mill: m, spool: spool, segments: map[int64]*liveSegment{}}
}

// watch looks for changes by other processes until the context ends.
func (l *liveAnswers) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.look(ctx)
		}
	}
}

// look has balances computed again where anything changed that they depend on.
func (l *liveAnswers) look(ctx context.Context) {
	l.looking.Lock()
	defer l.looking.Unlock()
	if l.now() == nil {
		return
	}
	state, err := l.stateNow(ctx)
	if err != nil && ctx.Err() == nil {
		l.mill.app.log.Error().Err(err).Msg("live_balances_not_checked")
		state.warehouse = aggregate.LiveState{Text: "nobody knows"}
	}
	catalog := l.newCatalog(state.catalog)
	l.mu.Lock()
	defer l.mu.Unlock()
	if catalog == nil {
		state.catalog = l.state.catalog
	}
	if state == l.state {
		return
	}
	if state.warehouse.Withdrawn != l.state.warehouse.Withdrawn { // what was loaded may come again, and count
		l.recent = recentIDs{}
	}
	l.state = state
	if catalog != nil {
		l.live, l.catalog, l.all = aggregate.NewLive(catalog), catalog, false
		return
	}
	l.live.Doubt(nil)
}

// newCatalog is the one of the catalog's file, if it is another one and can be read. One that cannot, such as one that
// is half written, is told once.
func (l *liveAnswers) newCatalog(stamp string) *schemas.Catalog {
	l.mu.Lock()
	same := stamp == l.state.catalog || stamp == l.refused
	l.mu.Unlock()
	if same {
		return nil
	}
	one, _, _ := l.mill.command(strings.NewReader(""))
	catalog, err := one.catalog()
	if err == nil {
		return catalog
	}
	l.mill.app.log.Error().Err(err).Msg("catalog_not_read")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = stamp
	return nil
}

// stateNow is the state as it is.
func (l *liveAnswers) stateNow(ctx context.Context) (state liveState, err error) {
	state.catalog = "none"
	if file, err := os.Stat(l.mill.app.config.Catalog); err == nil {
		state.catalog = fmt.Sprint(file.ModTime().UnixNano(), file.Size())
	}
	worker, err := l.mill.app.aggregator(ctx)
	if err != nil {
		return state, err
	}
	state.warehouse, err = worker.LiveState(ctx)
	return state, err //nolint:wrapcheck // it says what it looked for
}

// took counts events that are on disk, in a segment of the spool.
func (l *liveAnswers) took(source string, events []schemas.Event, segment int64) {
	known, err := l.mill.source(source)
	l.mu.Lock()
	defer l.mu.Unlock()
	into := l.segments[segment]
	if into == nil {
		into = &liveSegment{customers: map[string]bool{}}
		l.segments[segment] = into
	}
	for _, event := range events {
		into.customers[event.CustomerID] = true
		if !l.recent.add(source, event.EventID) {
			continue
		}
		into.events++
		if l.live != nil {
			l.live.Use(event, segment, l.mill.app.now().UTC())
		}
	}
	// Where another row than the first may count, only the load knows which.
	if l.live != nil && (err != nil || known.Keep != "" && known.Keep != schemas.KeepFirst) {
		l.live.Doubt(slices.Collect(maps.Keys(into.customers)))
	}
}

// loading begins to load a segment. What it returns is told how it went: where other events count than those that came,
// because some were loaded before, the balances of their customers are computed again.
func (l *liveAnswers) loading(segment int64) func([]ingest.Result, error) {
	l.reading.Lock()
	return func(results []ingest.Result, err error) {
		defer l.reading.Unlock()
		l.lastLoaded = max(l.lastLoaded, segment)
		as := err == nil && len(results) == 1 && results[0].Status == ingest.StatusCommitted && results[0].Replaced == nil
		l.mu.Lock()
		defer l.mu.Unlock()
		known := l.segments[segment]
		switch {
		case l.live == nil:
		case known == nil:
			l.live.Doubt(nil)
		case !as || results[0].RowsLoaded != known.events:
			l.live.Doubt(slices.Collect(maps.Keys(known.customers)))
		}
		if err != nil {
			return
		}
		delete(l.segments, segment)
		if l.live != nil {
			l.live.Loaded(segment)
		}
	}
}

// gone is told of a segment that was set aside: what came in it does not count.
func (l *liveAnswers) gone(segment int64) {
	l.loading(segment)(nil, nil)
}

// entitled answers, from memory if it can.
func (l *liveAnswers) entitled(
	ctx context.Context, query aggregate.EntitledQuery,
) (answer aggregate.Entitlement, fromMemory bool, err error) {
	for try := range computeTries {
		if live := l.now(); live != nil {
			query.AsOf = l.mill.app.now().UTC()
			if answer, ok, err := live.Entitled(query); ok || err != nil {
				return answer, try == 0, err //nolint:wrapcheck // it says what of whom
			}
		}
		// Of everybody, balances are found for those who have any: a second try is about the customer alone.
		if err := l.compute(ctx, query.CustomerID, try > 0); err != nil {
			return answer, false, err
		}
	}
	return answer, false, fmt.Errorf("%w: the warehouse changes all the time; ask again", errNotCounted)
}

func (l *liveAnswers) now() *aggregate.Live {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live
}

// compute computes the balances of a customer, and unless alone those of others that do not hold. Several who ask at
// once share the work.
func (l *liveAnswers) compute(ctx context.Context, customer string, alone bool) error {
	key := ""
	if alone {
		key = customer
	}
	_, err, _ := l.computing.Do(key, func() (any, error) {
		return nil, l.computeNow(context.WithoutCancel(ctx), customer, alone)
	})
	return err //nolint:wrapcheck // it is computeNow's
}

func (l *liveAnswers) computeNow(ctx context.Context, customer string, alone bool) error {
	live, catalog, everybody, err := l.begin(ctx)
	if err != nil {
		return err
	}
	worker, err := l.mill.app.aggregator(ctx)
	if err != nil {
		return err
	}
	customers := []string{customer}
	if !alone {
		customers = append(customers, live.Unsure(l.mill.app.now().UTC())...)
		customers = slices.Compact(slices.Sorted(slices.Values(customers)))
		if everybody || len(customers) > fewCustomers {
			customers = nil
		}
	}
	computation := live.Begin()
	upTo, end, err := l.flush(ctx)
	if err != nil {
		computation.Abandon()
		return err
	}
	defer end()
	now := l.mill.app.now().UTC()
	found, err := worker.LiveBalances(ctx, aggregate.Query{AsOf: now, Catalog: catalog, Customers: customers})
	if err != nil {
		computation.Abandon()
		return err //nolint:wrapcheck // it says what was computed
	}
	computation.Set(found, upTo, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = l.all || l.live == live && customers == nil
	return nil
}

// begin makes a memory by the catalog as it is now, unless there is one. everybody says that everybody's balances have
// yet to be computed.
func (l *liveAnswers) begin(
	ctx context.Context,
) (live *aggregate.Live, catalog *schemas.Catalog, everybody bool, err error) {
	memory := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		live, catalog, everybody = l.live, l.catalog, !l.all
		return live != nil
	}
	if memory() {
		return live, catalog, everybody, nil
	}
	l.looking.Lock()
	defer l.looking.Unlock()
	if memory() { // somebody else has made it
		return live, catalog, everybody, nil
	}
	state, err := l.stateNow(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	one, _, _ := l.mill.command(strings.NewReader(""))
	if catalog, err = one.catalog(); err != nil {
		return nil, nil, false, fmt.Errorf("%w: %w", errNotCounted, err)
	}
	live = aggregate.NewLive(catalog)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live, l.catalog, l.state = live, catalog, state
	return live, catalog, true, nil
}

// flush loads what is in the spool: the segments up to upTo. None is loaded until end.
func (l *liveAnswers) flush(ctx context.Context) (upTo int64, end func(), err error) {
	for {
		if upTo, err = l.spool.Flush(ctx); err != nil {
			return 0, nil, fmt.Errorf("%w: %w", errNotCounted, err)
		}
		l.reading.RLock()
		if l.lastLoaded <= upTo {
			return upTo, l.reading.RUnlock, nil
		}
		l.reading.RUnlock()
	}
}

// recentIDs are the events that came last, at least mostRecent of them: one that comes again counts once. What is
// older is found to be a duplicate when it is loaded.
type recentIDs struct{ young, old map[[16]byte]struct{} }

// mostRecent bounds the memory of ids: to about 100 MB in all.
const mostRecent = 1_000_000

// add tells whether the event is new.
func (r *recentIDs) add(source, id string) bool {
	sum := sha256.Sum256([]byte(source + "\x00" + id))
	key := [16]byte(sum[:16])
	_, isOld := r.old[key]
	_, isYoung := r.young[key]
	if isOld || isYoung {
		return false
	}
	if r.young == nil || len(r.young) >= mostRecent {
		r.young, r.old = map[[16]byte]struct{}{}, r.young
	}
	r.young[key] = struct{}{}
	return true
}
