package ingest

import (
	"fmt"
	"math/big"

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
	// Tokens are the sums over rows_loaded.
	Tokens    Tokens `json:"tokens"`
	Bytes     uint64 `json:"bytes"` // stored
	ElapsedMS int64  `json:"elapsed_ms"`
	// Warnings are what a person should know of a load that counts.
	Warnings []string `json:"warnings,omitempty"`
	// Replaced are rows of earlier loads whose place the load's rows take; nil where there are none.
	Replaced *Replaced `json:"replaced,omitempty"`
	// Message says more for people: the first load of the contents, or why it was aborted.
	Message string `json:"-"`
}

// Tokens are sums by pool; in JSON an object of integers by the pools' names.
type Tokens [schemas.PoolCount]*big.Int

// Total is the sum over all pools.
func (t Tokens) Total() *big.Int {
	total := new(big.Int)
	for _, sum := range t {
		if sum != nil {
			total.Add(total, sum)
		}
	}
	return total
}

// MarshalJSON writes every pool; a nil sum is 0.
func (t Tokens) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for pool, sum := range t {
		if pool > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), schemas.PoolNames[pool]...), '"', ':')
		if sum == nil {
			sum = new(big.Int)
		}
		text = sum.Append(text, 10)
	}
	return append(text, '}'), nil
}

// Replaced sums up the rows of earlier loads that counted until rows of a load took their place, as its source's keep
// says.
type Replaced struct {
	Rows uint64 `json:"rows"`
	// TokensBefore are the sums over those rows, TokensAfter those over the load's rows in their place.
	TokensBefore Tokens `json:"tokens_before"`
	TokensAfter  Tokens `json:"tokens_after"`
	masked       uint64 // the rows, and those that would count in their place if loads were withdrawn
}

// String is "3 rows of earlier loads are replaced: 170 tokens more".
func (r Replaced) String() string {
	rows, verb := "rows", "are"
	if r.Rows == 1 {
		rows, verb = "row", "is"
	}
	change := new(big.Int).Sub(r.TokensAfter.Total(), r.TokensBefore.Total())
	direction := "more"
	if change.Sign() < 0 {
		direction = "fewer"
	}
	return fmt.Sprintf("%d %s of earlier loads %s replaced: %s tokens %s", r.Rows, rows, verb, change.Abs(change),
		direction)
}
