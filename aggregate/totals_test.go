package aggregate

import (
	"errors"
	"strings"
	"testing"
)

// TestWrongTotals: events that the totals say less of than there are would be missing in every figure.
func TestWrongTotals(t *testing.T) {
	s, query := storeWithTotals(t)
	s.must(s.Conn().Exec(t.Context(),
		"ALTER TABLE usage_totals UPDATE events = 0 WHERE customer_id = 'b' SETTINGS mutations_sync = 2"))
	_, err := s.aggregator().Replay(t.Context(), query)
	if !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), "2 events count, 1 were rated") {
		t.Error(err)
	}
}

// storeWithTotals has two customers' usage added up.
func storeWithTotals(t *testing.T) (*store, Query) {
	t.Helper()
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	s.load(use("a", "2026-10-05T00:00:00Z", "small-model", 3), use("b", "2026-10-07T00:00:00Z", "small-model", 4))
	s.run(catalog, "2026-10-10T00:00:00Z")
	return s, Query{AsOf: instant("2026-10-10T00:00:00Z"), Catalog: catalog}
}
