package aggregate

import (
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate/pricebook"
)

// rating is one question to the warehouse: how much was used in each slice.
type rating struct {
	query  Query
	loads  []loadState
	books  pricebook.Books
	slices []slice
	// byDay asks for spend by accounting day. The slices need not hold all usage then, and usage outside is left out.
	byDay bool
	// totals are used where they serve, and made again with keepTotals where that pays.
	totals     totals
	keepTotals bool
	// checked waits until the rollup is checked, and returns what that found; needed with keepTotals.
	checked func() error
	// models are those used, as the survey found them.
	models []modelUse
	// sliceTable and splitDays are what the statements read of the slices, once setSliceTables has made them. Only one
	// statement at a time may be given either.
	sliceTable, splitDays *ext.Table
}

// cutsLoads tells whether some load holds events at or after t: then the rollup's day of t is too coarse.
func (r rating) cutsLoads(t time.Time) bool {
	return slices.ContainsFunc(r.loads, func(load loadState) bool { return !load.OccurredTo.Before(t) })
}

// replaces tells whether some load takes off events of another.
func (r rating) replaces() bool {
	return slices.ContainsFunc(r.loads, func(load loadState) bool { return load.Replaced > 0 })
}

func anyUnrolled(loads []loadState) bool {
	return slices.ContainsFunc(loads, func(load loadState) bool { return load.Rolled == 0 })
}
