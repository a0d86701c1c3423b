package ingest

import (
	"fmt"

	"github.com/creditmill/creditmill/schemas"
)

// Status is how a file ended.
type Status string

// The ends of a file.
const (
	// StatusCommitted: its rows are visible.
	StatusCommitted Status = "committed"
	// StatusAlreadyLoaded: its contents were loaded before; nothing changed.
	StatusAlreadyLoaded Status = "already_loaded"
	// StatusAborted: it had too many rejects; nothing of it is visible.
	StatusAborted Status = "aborted"
)

// Result is what became of one file.
type Result struct {
	// LoadID is ld_ and the load's number; with StatusAlreadyLoaded that of the first load.
	LoadID        string `json:"load_id"`
	File          string `json:"file"`
	SHA256        string `json:"sha256"` // of the stored bytes, in hex
	Status        Status `json:"status"`
	RowsRead      uint64 `json:"rows_read"` // = loaded + duplicate + conflict + rejected + skipped
	RowsLoaded    uint64 `json:"rows_loaded"`
	RowsDuplicate uint64 `json:"rows_duplicate"`
	RowsConflict  uint64 `json:"rows_conflict"`
	RowsRejected  uint64 `json:"rows_rejected"`
	RowsSkipped   uint64 `json:"rows_skipped"` // left out on purpose, by skip of the source
	// Tokens and Units are the sums over rows_loaded, of units of tokens and of others.
	Tokens schemas.Tokens `json:"tokens"`
	Units  schemas.Others `json:"units,omitempty"`
	// Objects are those of object storage whose rows the load holds or knows to be loaded; ObjectsKnown those that were
	// not read again.
	Objects      uint64 `json:"objects,omitempty"`
	ObjectsKnown uint64 `json:"objects_known,omitempty"`

	Bytes     uint64 `json:"bytes"` // stored
	ElapsedMS int64  `json:"elapsed_ms"`
	// Warnings are what a person should know of a load that counts.
	Warnings []string `json:"warnings,omitempty"`
	// Replaced are rows of earlier loads whose place the load's rows take; nil where there are none.
	Replaced *Replaced `json:"replaced,omitempty"`
	// Message says more for people: the first load of the contents, or why it was aborted.
	Message string `json:"-"`
}

// Replaced sums up the rows of earlier loads that counted until rows of a load took their place, as its source's keep
// says.
type Replaced struct {
	Rows uint64 `json:"rows"`
	// TokensBefore and UnitsBefore are the sums over those rows, the others those over the load's rows in their place.
	TokensBefore schemas.Tokens `json:"tokens_before"`
	TokensAfter  schemas.Tokens `json:"tokens_after"`
	UnitsBefore  schemas.Others `json:"units_before,omitempty"`
	UnitsAfter   schemas.Others `json:"units_after,omitempty"`
	masked       uint64         // the rows, and those that would count in their place if loads were withdrawn
}

// String is "3 rows of earlier loads are replaced: 170 tokens more".
func (r Replaced) String() string {
	rows, verb := "rows", "are"
	if r.Rows == 1 {
		rows, verb = "row", "is"
	}
	change := r.TokensAfter.Total().Sub(r.TokensBefore.Total())
	direction := "more"
	if change.IsNegative() {
		direction = "fewer"
	}
	return fmt.Sprintf("%d %s of earlier loads %s replaced: %s tokens %s", r.Rows, rows, verb, change.Abs(),
		direction)
}
