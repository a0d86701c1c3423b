package aggregate

import (
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate/pricebook"
)

// totals are what an earlier run added up of the rollup of many loads, so that only later loads must be added. Its
// zero value means that there are none. They rest on rows of the rollup that nothing supersedes, so they hold as long
// as all their loads count.
type totals struct {
	Seq      uint64   `ch:"totals_seq"`
	Timezone string   `ch:"timezone"`
	Loads    []uint64 `ch:"loads"`
	Rows     uint64   `ch:"rows"`
	Exact    uint64   `ch:"exact_rows"`
	Events   uint64   `ch:"events"`
	Stored   uint64   `ch:"stored_rows"` // fewer than rows where some were lost: they are of no use then

	unfit     []unfitCustomer
	unfitRows uint64
}

// unfitCustomer is one of whom a boundary divides some total, and the number of the customer's totals.
type unfitCustomer struct {
	CustomerID string `ch:"customer_id"`
	Rows       uint64 `ch:"rows"`
}

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
	// uses are what was used, as the survey found it, and stale of it what the rollup does not tell apart as prices do.
	uses  []usedList
	stale map[pricebook.Used]bool
	// tested is what of it has prices that depend on tests.
	tested tested
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

// expires tells whether the raw rows of some load expired.
func (r rating) expires() bool {
	return slices.ContainsFunc(r.loads, func(load loadState) bool { return load.Expired != 0 })
}

func anyUnrolled(loads []loadState) bool {
	return slices.ContainsFunc(loads, func(load loadState) bool { return load.Rolled == 0 })
}
