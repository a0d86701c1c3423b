package columnar

import (
	"errors"
	"fmt"
)

const (
	// batchRows is how many rows of a file of columns are decoded at once, and at most sent as one block. Measured: half
	// as many take 5 % more CPU, twice as many only more memory.
	batchRows = 1 << 16
	// batchBytes is what the values of a batch take about, where rows are wide.
	batchBytes = 8 << 20
	// MaxBatchText bounds the texts of one column in a batch, however unevenly wide the rows are: one with more is read
	// again with fewer rows, a FewerRows-th.
	MaxBatchText = 64 << 20
	// FewerRows is what the rows are divided by.
	FewerRows = 4
	// MaxSchemaDepth is how many fields may lie in each other.
	MaxSchemaDepth = 100
	// MaxSchemaColumns is how many fields a schema may have.
	MaxSchemaColumns = 100_000
)

// RowsAtOnce is how many of some rows with so many bytes are decoded at once.
func RowsAtOnce(rows, bytes int64) int64 {
	perRow := max(bytes, 0)/max(rows, 1) + 1
	return min(batchRows, max(1, batchBytes/perRow))
}

// ErrWide says that the rows of a batch have more text than it may have. The reader tries fewer rows.
var ErrWide = fmt.Errorf("a row has more than %d bytes of text", int64(MaxBatchText))

// ErrCutOff says that a file is not all there.
var ErrCutOff = errors.New("the file ends in the middle: it was cut off or is still being written; load the whole file")

// ErrSeveralFiles is for files of columns that were put behind each other, as logs of text may be.
var ErrSeveralFiles = errors.New(
	"it may be several files behind each other, of which one can be read: load each by itself")

// RecoverDamage turns a panic over a damaged file into an error: decoders index by what the file says.
func RecoverDamage(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("the file is damaged: %v", cause)
	}
}
