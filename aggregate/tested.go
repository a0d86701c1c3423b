package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// tested is what was used that has prices which depend on tests, and these tests: statements write behind the list of
// units which of them an event passes. Its zero value is nothing.
type tested struct {
	tests    map[pricebook.Used][]schemas.Test
	from, to time.Time // when events may be, to exclusive
}

// testedOf finds what of the given is tested.
func testedOf(books pricebook.Books, used []pricebook.Used, loads []loadState) tested {
	t := tested{tests: map[pricebook.Used][]schemas.Test{}}
	for _, one := range used {
		one.Under = ""
		if tests := books.Tests(one); len(tests) > 0 {
			t.tests[one] = tests
		}
	}
	for _, load := range loads {
		if t.from.IsZero() || load.OccurredFrom.Before(t.from) {
			t.from = load.OccurredFrom
		}
		t.to = schemas.Later(t.to, load.OccurredTo.Add(1))
	}
	return t
}

func byHours(test schemas.Test) bool { return test.Hours != schemas.Hours{} }

// eachContext gives the outcomes of the tests of an event's context, each with the least context that has it.
func eachContext(tests []schemas.Test, each func(least uint64, outcome string)) {
	tests = slices.DeleteFunc(slices.Clone(tests), byHours)
	if len(tests) == 0 {
		return
	}
	for passed := range len(tests) + 1 {
		least := uint64(0)
		if passed > 0 {
			least = tests[passed-1].ContextOver.BigInt().Uint64() + 1
		}
		each(least, schemas.FormatTests(tests, func(test schemas.Test) bool {
			return passed > 0 && !test.ContextOver.GreaterThan(tests[passed-1].ContextOver)
		}))
	}
}

// eachHours gives the outcomes of the tests of an event's time, each with the instant from which on it holds.
func (t tested) eachHours(tests []schemas.Test, each func(from time.Time, outcome string)) {
	tests = slices.DeleteFunc(slices.Clone(tests), func(test schemas.Test) bool { return !byHours(test) })
	var changes []time.Time
	for _, test := range tests {
		changes = append(changes, test.Hours.Changes(t.from, t.to)...)
	}
	slices.SortFunc(changes, time.Time.Compare)
	last := ""
	for _, at := range slices.CompactFunc(changes, time.Time.Equal) {
		outcome := schemas.FormatTests(tests, func(test schemas.Test) bool { return test.Hours.Hold(at) })
		if outcome != last {
			each(at, outcome)
		}
		last = outcome
	}
}

// outcomes are all that statements may write behind a list of units.
func (t tested) outcomes(used pricebook.Used) []string {
	tests := t.tests[used]
	var byContext, byTime, all []string
	eachContext(tests, func(_ uint64, outcome string) { byContext = append(byContext, outcome) })
	t.eachHours(tests, func(_ time.Time, outcome string) {
		if !slices.Contains(byTime, outcome) {
			byTime = append(byTime, outcome)
		}
	})
	switch {
	case len(byContext) == 0:
		all = byTime
	case len(byTime) == 0:
		all = byContext
	default:
		for _, one := range byContext {
			for _, other := range byTime {
				all = append(all, one+","+other)
			}
		}
	}
	return all
}

// misses tells whether circumstances that were written lack some test.
func (t tested) misses(used pricebook.Used) bool {
	made := schemas.ParseCircumstances(used.Under).Tests
	used.Under = ""
	return slices.ContainsFunc(t.tests[used], func(test schemas.Test) bool {
		_, known := made[test.String()]
		return !known
	})
}

// params are the inputs that statements test events with.
func (t tested) params() (warehouse.Params, error) {
	params := warehouse.Params{
		"any_tested": len(t.tests) > 0, "none_tested": len(t.tests) == 0, "context_units": schemas.ContextUnits(),
	}
	list, err := ext.NewTable("tested", ext.Column("model", "String"), ext.Column("feature", "String"))
	if err != nil {
		return nil, fmt.Errorf("set up tests: %w", err)
	}
	contexts, err := ext.NewTable("contexts", ext.Column("model", "String"), ext.Column("feature", "String"),
		ext.Column("least", "UInt64"), ext.Column("outcome", "String"))
	if err != nil {
		return nil, fmt.Errorf("set up tests: %w", err)
	}
	hours, err := ext.NewTable("hours", ext.Column("model", "String"), ext.Column("feature", "String"),
		ext.Column("starts_at", "DateTime64(9, 'UTC')"), ext.Column("outcome", "String"))
	if err != nil {
		return nil, fmt.Errorf("set up tests: %w", err)
	}
	add := func(table *ext.Table, values ...any) {
		if failure := table.Append(values...); failure != nil && err == nil {
			err = fmt.Errorf("set up tests: %w", failure)
		}
	}
	all := slices.SortedFunc(maps.Keys(t.tests), func(a, b pricebook.Used) int {
		return strings.Compare(a.String(), b.String())
	})
	for _, used := range all {
		add(list, used.Model, used.Feature)
		eachContext(t.tests[used], func(least uint64, outcome string) {
			add(contexts, used.Model, used.Feature, least, outcome)
		})
		t.eachHours(t.tests[used], func(from time.Time, outcome string) {
			add(hours, used.Model, used.Feature, from, outcome)
		})
	}
	params["tested"], params["contexts"], params["hours"] = list, contexts, hours
	return params, err
}

// findStaleRollups has those loads rolled up again whose rollup does not tell events apart that prices of the catalog
// now do.
func (a *Aggregator) findStaleRollups(ctx context.Context, catalog *schemas.Catalog, loads []loadState) error {
	books := pricebook.Books{}.With(catalog)
	if !books.AnyTests() {
		return nil
	}
	type rolled struct {
		Seq           uint64 `ch:"load_seq"`
		Model         string `ch:"used_model"`
		Feature       string `ch:"used_feature"`
		Circumstances string `ch:"circumstances"`
	}
	var seqs []uint64
	for _, load := range loads {
		if load.Rolled != 0 {
			seqs = append(seqs, load.Seq)
		}
	}
	found, err := warehouse.Select[rolled](ctx, a.warehouse, "aggregate/rolled_tests.sql",
		warehouse.Params{"timezone": catalog.Timezone.String(), "loads": seqs})
	if err != nil {
		return fmt.Errorf("read tests of rollups: %w", err)
	}
	stale := map[uint64]bool{}
	for _, row := range found {
		used := pricebook.Used{Model: row.Model, Feature: row.Feature, Under: row.Circumstances}
		if testedOf(books, []pricebook.Used{used}, nil).misses(used) {
			stale[row.Seq] = true
		}
	}
	for i := range loads {
		if stale[loads[i].Seq] && loads[i].Expired == 0 {
			loads[i].Rolled, loads[i].DailyRows = 0, 0
		}
	}
	if len(stale) > 0 {
		a.log.Info().Int("loads", len(stale)).Msg("rollup_is_made_again_for_prices_that_depend_on_more")
	}
	return nil
}

// usedBy is what events of some loads used, as far as prices of it are tested.
func usedBy(
	ctx context.Context, w *warehouse.Warehouse, books pricebook.Books, loads []uint64,
) ([]pricebook.Used, error) {
	if !books.AnyTests() {
		return nil, nil
	}
	type row struct {
		Model   string `ch:"used_model"`
		Feature string `ch:"used_feature"`
	}
	rows, err := warehouse.Select[row](ctx, w, "aggregate/raw_uses.sql", warehouse.Params{"loads": loads})
	if err != nil {
		return nil, fmt.Errorf("list what loads used: %w", err)
	}
	used := make([]pricebook.Used, len(rows))
	for i, row := range rows {
		used[i] = pricebook.Used{Model: row.Model, Feature: row.Feature}
	}
	return used, nil
}

// ParamsOfTests are the inputs with which a statement tests the events of some loads, in [from, to), for prices of the
// books.
func ParamsOfTests(
	ctx context.Context, w *warehouse.Warehouse, books pricebook.Books, loads []uint64, from, to time.Time,
) (warehouse.Params, error) {
	used, err := usedBy(ctx, w, books, loads)
	if err != nil {
		return nil, err
	}
	t := testedOf(books, used, nil)
	t.from, t.to = from, to
	return t.params()
}
