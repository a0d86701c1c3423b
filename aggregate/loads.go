package aggregate

import "time"

// loadState is a committed load and what is known of its rollup.
type loadState struct {
	Seq          uint64    `ch:"load_seq"`
	Rolled       uint8     `ch:"rolled"`
	DailyRows    uint64    `ch:"daily_rows"` // of its rollup
	Events       uint64    `ch:"events"`
	Superseded   uint64    `ch:"superseded"` // of the events, by other loads
	Replaced     uint64    `ch:"replaced"`   // events of other loads that it takes off
	OccurredFrom time.Time `ch:"occurred_from"`
	OccurredTo   time.Time `ch:"occurred_to"`
}
