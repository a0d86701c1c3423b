package ingest

import (
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Config is what a Loader needs.
type Config struct {
	// Warehouse takes the events. Needed.
	Warehouse *warehouse.Warehouse
	// Now is the wall clock. Needed.
	Now func() time.Time
	// Workers is how many chunks are decoded side by side over all files; 0 means one for each core.
	Workers int
	// Jobs is how many files are read side by side, among which the workers are shared out; 0 means one for each worker.
	Jobs int
	// Patience is how long a load that is read waits to commit while others write; 0 means an hour.
	Patience time.Duration
	// Fault, where set, is called at the points named in DESIGN.md: for tests that kill the process there.
	Fault func(point string)
	// Changed, where set, is called after each load with its result, in the order of the inputs.
	Changed func(Result)
}

// Options say how files are read.
type Options struct {
	// Source says how rows become events.
	Source schemas.Source
	// Others are the sources to propose for a file of which Source understands no row.
	Others []schemas.Source
	// Again loads contents that were loaded with another source a second time; else they are refused.
	Again bool
	// Untried loads of remote files only those of which no load was ever made, whatever became of it. Else it is those
	// that do not count.
	Untried bool
	// MaxRejects aborts a load with more rejects. The zero value bounds those of a file that is hardly a log at all.
	MaxRejects MaxRejects
	// AllRejected commits a file of which no row is understood, too; else it is refused, as one for another source.
	AllRejected bool
	// MaxLineBytes is the longest row; longer ones are rejects. 0 means 16 MiB.
	MaxLineBytes int
}

// MaxRejects is a limit on rejected rows.
type MaxRejects struct {
	// Set tells that there is a limit.
	Set bool
	// Limit is a number of rows, or with Percent hundredths of the rows read.
	Limit uint64
	// Percent makes Limit a share in percent.
	Percent bool
}

// unsetRejects is how many rejects a file may have where nothing is said, if they are most of its rows: a few
// kilobytes of compressed nonsense would else become millions of rejects.
const unsetRejects = 100_000

// exceeded tells whether so many rejects are too many; rowsRead counts so far. A share is known at the end only.
func (m MaxRejects) exceeded(rejected, rowsRead uint64, atEnd bool) bool {
	switch {
	case !m.Set:
		return rejected > unsetRejects && rejected > rowsRead/2
	case m.Percent:
		return atEnd && rejected*100 > m.Limit*rowsRead
	}
	return rejected > m.Limit
}

const defaultMaxLineBytes = 16 << 20
