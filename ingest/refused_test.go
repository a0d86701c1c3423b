package ingest

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestWrongSource: a file of which a source understands nothing is not committed, says which source would, and loads
// with that one at once; loaded so, it does not count with another source unless that is asked for.
func TestWrongSource(t *testing.T) {
	w := warehousetest.New(t)
	options := Options{Source: builtin(t, "openai"), Others: schemas.BuiltinSources()}
	input := write(t, "a.jsonl", usageLine("a", "acme", 1), usageLine("b", "acme", 2))
	load := func(want Status, message string) {
		t.Helper()
		results, err := loader(w).Load(t.Context(), []Input{input}, options)
		if err != nil || len(results) != 1 || results[0].Status != want || !strings.Contains(results[0].Message, message) {
			t.Fatalf("%+v, %v; want %s: %s", results, err, want, message)
		}
	}
	load(StatusAborted, "all of its 2 rows are rejected by source openai; source creditmill would fit")
	wantVisible(t, w)
	options.Source = ingesttest.Canonical(t)
	load(StatusCommitted, "")
	load(StatusAlreadyLoaded, "loaded as ld_2")
	options.Source.ID = "other"
	load(StatusAborted, "with source creditmill; --again counts it with source other as well")
	if n := number(t, w, "SELECT count() FROM v_events"); n != 2 {
		t.Errorf("%d events count, want 2", n)
	}
	options.Again = true
	load(StatusCommitted, "")
	load(StatusAlreadyLoaded, "loaded as ld_3")
	if n := number(t, w, "SELECT count() FROM v_events"); n != 4 {
		t.Errorf("%d events count, want 4", n)
	}
}
