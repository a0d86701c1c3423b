// Package schemas holds the shapes that creditmill agrees on with the world outside: the usage event, the catalog of
// features, credit systems and products, and the sources that say how a log file becomes events.
//
// Catalogs and sources are YAML, decoded strictly: every mistake is reported at once as a Problem with its file, line
// and column. Numbers are taken from their text and never pass through a float.
package schemas

import (
	"time"

	"github.com/apache/arrow/go/v15/arrow"
)

// Pool is one of the five disjoint kinds of tokens; it indexes Pools and PoolCosts.
type Pool int

// The pools, in the order in which they are stored and shown.
const (
	PoolInput Pool = iota
	PoolCachedInput
	PoolCacheWrite
	PoolOutput
	PoolReasoning

	// PoolCount is the number of pools.
	PoolCount = 5
)

// PoolNames are the pools as the catalog, sources and JSON write them.
var PoolNames = [PoolCount]string{"input", "cached_input", "cache_write", "output", "reasoning"}

// PoolColumns are the pools as columns of the canonical row and of the warehouse.
var PoolColumns = [PoolCount]string{
	"input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
}

// String is the pool's name.
func (p Pool) String() string {
	if p < 0 || p >= PoolCount {
		return "unknown"
	}
	return PoolNames[p]
}

// ParsePool returns the pool of a name.
func ParsePool(name string) (Pool, bool) {
	for i, known := range PoolNames {
		if name == known {
			return Pool(i), true
		}
	}
	return 0, false
}

// Pools holds tokens by pool. An event's counts are below 2^63.
type Pools [PoolCount]uint64

// Event is one metered request to a model.
type Event struct {
	// EventID identifies the event within its source; 1 to 256 bytes.
	EventID string
	// OccurredAt is in UTC, kept to the nanosecond.
	OccurredAt time.Time
	// CustomerID is who pays; 1 to 256 bytes.
	CustomerID string
	// Model is the name in the log, 1 to 256 bytes; the catalog turns it into a feature.
	Model string
	// Tokens by pool.
	Tokens Pools
	// Properties is a JSON object as text, kept for analysts; empty if the row has none.
	Properties string
}

// EventSchema is the canonical row as Arrow columns: what a Parquet or Arrow file of the source `creditmill` holds, and
// what a loader's batches hold. Token columns may be null, which counts as 0.
func EventSchema() *arrow.Schema {
	fields := []arrow.Field{
		{Name: "event_id", Type: arrow.BinaryTypes.String},
		{Name: "occurred_at", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}},
		{Name: "customer_id", Type: arrow.BinaryTypes.String},
		{Name: "model", Type: arrow.BinaryTypes.String},
	}
	for _, column := range PoolColumns {
		fields = append(fields, arrow.Field{Name: column, Type: arrow.PrimitiveTypes.Uint64, Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: "properties", Type: arrow.BinaryTypes.String, Nullable: true})
	return arrow.NewSchema(fields, nil)
}
