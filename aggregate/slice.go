package aggregate

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// slice is a stretch of a timeline in which one period and one price list hold: what is in it is summed up.
type slice struct {
	timeline string // customer id, or empty for the timeline of customers that never had a subscription
	span     int    // index into the timeline's spans
	from, to cut
	epoch    int
	system   string // of the product's credits
}

// sliceSpend is what a customer used in a slice, of one feature in one credit system. Usage without any price has no
// credit system; that of no feature has no feature either.
type sliceSpend struct {
	Slice int
	// Day is the accounting day where spend is asked for by day, else the same for all.
	Day     time.Time
	System  string
	Feature string
	Events  uint64
	Unrated uint64
	Units   schemas.Amounts
	Credits decimal.Decimal

	from time.Time // start of the slice
	span int       // that the slice is in
}
