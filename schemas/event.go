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

// Event is one metered request to a model, or usage of a feature.
type Event struct {
	// EventID identifies the event within its source; 1 to 256 bytes.
	EventID string
	// OccurredAt is in UTC, kept to the nanosecond.
	OccurredAt time.Time
	// CustomerID is who pays; 1 to 256 bytes.
	CustomerID string
	// Model is the name in the log, at most 256 bytes; the catalog turns it into a feature. Empty if Feature is not.
	Model string
	// Feature is what was used, where the log names it instead of a model.
	Feature string
	// Units are the quantities that are above zero. Tokens are whole and below 2^63.
	Units Amounts
	// Dimensions are what prices may depend on, by name; nil if the row has none.
	Dimensions Dimensions
	// Properties is a JSON object as text, kept for analysts; empty if the row has none.
	Properties string
}

// EventSchema is the canonical row of an event of tokens as Arrow columns, as a Parquet or Arrow file of the source
// `creditmill` holds it. Token columns may be null, which counts as 0.
func EventSchema() *arrow.Schema {
	fields := []arrow.Field{
		{Name: "event_id", Type: arrow.BinaryTypes.String},
		{Name: "occurred_at", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}},
		{Name: "customer_id", Type: arrow.BinaryTypes.String},
		{Name: "model", Type: arrow.BinaryTypes.String},
	}
	for _, unit := range columnUnits {
		fields = append(fields, arrow.Field{Name: UnitColumn(unit), Type: arrow.PrimitiveTypes.Uint64, Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: "properties", Type: arrow.BinaryTypes.String, Nullable: true})
	return arrow.NewSchema(fields, nil)
}
