package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// most is the limit of statements that list problems: one more than are named, so that it shows that there are more.
const most = findings.MostProblems + 1

// verifier holds what the checks share.
type verifier struct {
	warehouse  *warehouse.Warehouse
	aggregator *aggregate.Aggregator
	run        *storedRun // the latest one, once it was read
}

// sums are quantities by unit, and the number of events by eventCount.
type sums = map[string]decimal.Decimal

// eventCount is not the name of any unit.
const eventCount = ""

// namesOf are those of the sums of both, and of the units that have columns: events first, then the units.
func namesOf(stored, found sums) []string {
	var units schemas.Amounts
	for _, unit := range schemas.ColumnUnits() {
		units.Add(unit, decimal.Zero)
	}
	events := false
	for _, of := range []sums{stored, found} {
		for name := range of {
			if name == eventCount {
				events = true
			} else {
				units.Add(name, decimal.Zero)
			}
		}
	}
	var names []string
	if events {
		names = append(names, eventCount)
	}
	for _, amount := range units {
		names = append(names, amount.Unit)
	}
	return names
}

// ofUnits are sums by the names of lists of units as sums by unit.
func ofUnits(listed sums) sums {
	units := make(sums, len(listed))
	for name, amount := range listed {
		unit, inNanos := schemas.ListedUnit(name)
		if inNanos {
			amount = amount.Shift(-9)
		}
		units[unit] = units[unit].Add(amount)
	}
	return units
}

// sumDifferences names the sums that differ; what is missing is 0.
func sumDifferences(stored, found sums) string {
	stored, found = ofUnits(stored), ofUnits(found)
	var list []string
	for _, name := range namesOf(stored, found) {
		if left, right := stored[name], found[name]; !left.Equal(right) {
			column := "events"
			if name != eventCount {
				column = schemas.UnitColumn(name)
			}
			list = append(list, fmt.Sprintf("%s: %s stored, %s found", column, left, right))
		}
	}
	return strings.Join(list, "; ")
}

// differences names the figures that differ, as "input_tokens: 3 stored, 4 found".
func differences(names, stored, found []string) string {
	var list []string
	for i, name := range names {
		left, right := "none", "none"
		if i < len(stored) {
			left = stored[i]
		}
		if i < len(found) {
			right = found[i]
		}
		if left != right {
			list = append(list, fmt.Sprintf("%s: %s stored, %s found", name, left, right))
		}
	}
	return strings.Join(list, "; ")
}

// storedRun is the latest run, and what has to be known to compute it again.
type storedRun struct {
	Seq         uint64    `ch:"run_seq"`
	AsOf        time.Time `ch:"as_of"`
	CatalogSHA  string    `ch:"catalog_sha"`
	Timezone    string    `ch:"timezone"`
	Loads       uint64    `ch:"loads"`
	Customers   uint64    `ch:"customers"`
	UnratedRows uint64    `ch:"unrated_rows"`
	FinishedAt  time.Time `ch:"finished_at"`
	Catalog     string    `ch:"catalog"`
	// Changed are customers that were imported, attached or granted credits since: the run cannot have had their figures.
	Changed []string `ch:"changed"`

	loads []runLoad // that it saw
}

// runLoad is a load that counted in the run.
type runLoad struct {
	Seq    uint64 `ch:"load_seq"`
	Events uint64 `ch:"events"`
	// CutExpired: the run counted a part of it, by raw rows that are gone.
	CutExpired uint8 `ch:"cut_expired"`
}

// seqs are the numbers of the loads that the run saw; never nil, which would mean those that count now.
func (r *storedRun) seqs() []uint64 {
	seqs := make([]uint64, len(r.loads))
	for i, load := range r.loads {
		seqs[i] = load.Seq
	}
	return seqs
}

// changed tells whether a key is that of a customer that changed since the run.
func (r *storedRun) changed(key []string) bool { return slices.Contains(r.Changed, key[0]) }

// describe says what a check of the run leaves out. False: there is no run to check.
func (r *storedRun) describe(check *findings.Check) bool {
	switch {
	case r == nil:
		check.Note = "nothing is aggregated yet"
	case slices.ContainsFunc(r.loads, func(load runLoad) bool { return load.CutExpired != 0 }):
		check.Note = fmt.Sprintf("raw rows expired that the run as of %s needs: run creditmill aggregate",
			r.AsOf.UTC().Format(time.RFC3339))
		return false
	case len(r.Changed) > 0:
		check.Note = fmt.Sprintf("customers changed since the last aggregate, left out: %d", len(r.Changed))
	}
	return r != nil
}

// parseCatalog returns the run's catalog; nil where it is not stored as it was, which is noted as a problem.
func (r *storedRun) parseCatalog(check *findings.Check) (*schemas.Catalog, error) {
	sum := sha256.Sum256([]byte(r.Catalog))
	if hex.EncodeToString(sum[:]) != r.CatalogSHA {
		check.Problem("run ag_%d: the catalog it was priced with is not stored as it was", r.Seq)
		return nil, nil
	}
	catalog, problems := schemas.ParseCatalog(fmt.Sprintf("catalog of run ag_%d", r.Seq), []byte(r.Catalog))
	if catalog == nil {
		return nil, fmt.Errorf("read catalog of the last run: %w", problems.Err())
	}
	return catalog, nil
}

// latest returns the latest run; nil when there is none.
func (v *verifier) latest(ctx context.Context) (*storedRun, error) {
	if v.run != nil {
		return v.run, nil
	}
	runs, err := warehouse.Select[storedRun](ctx, v.warehouse, "verify/run.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read last run: %w", err)
	}
	if len(runs) == 0 {
		return nil, nil
	}
	run := runs[0]
	run.loads, err = warehouse.Select[runLoad](ctx, v.warehouse, "verify/run_loads.sql",
		warehouse.Params{"at": run.FinishedAt, "as_of": run.AsOf})
	if err != nil {
		return nil, fmt.Errorf("list loads of the last run: %w", err)
	}
	v.run = &run
	return v.run, nil
}

// rowCounts is how much there is to look at.
type rowCounts struct {
	Events     uint64 `ch:"events"`
	Duplicates uint64 `ch:"duplicates"`
	Balances   uint64 `ch:"balances"`
	Spend      uint64 `ch:"spend"`
}

func (v *verifier) counts(ctx context.Context) (rowCounts, error) {
	var counts rowCounts
	err := v.warehouse.QueryRow(ctx, "verify/counts.sql", nil,
		&counts.Events, &counts.Duplicates, &counts.Balances, &counts.Spend)
	if err != nil {
		return counts, fmt.Errorf("count rows to verify: %w", err)
	}
	return counts, nil
}
