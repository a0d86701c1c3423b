// Package ingest turns log files into usage events, one load a file.
//
// A file is cut into chunks of whole rows, decoded side by side into columnar blocks, put back into order and
// streamed into usage_events under the load's number, where no reader sees them. Then the load's identities are
// checked, duplicates and conflicts are moved to duplicate_events, what the warehouse holds is compared with what was
// read, and one row in loads with the status committed makes all of it visible at once. DESIGN.md says what holds at
// every point in between.
//
// How a format stores its rows is known to the packages below (jsonl, csv, parquet, arrow), what an event is to package
// event, and ClickHouse's protocol to package native.
package ingest

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/native"
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
	// MaxRejects aborts a load with more rejects. The zero value bounds those of a file that is hardly a log at all.
	MaxRejects MaxRejects
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

const defaultMaxLineBytes = 16 << 20

// Loader loads files into one warehouse. It may be used for several Loads, one after the other.
type Loader struct {
	config Config
	target native.Target
	progress
}

// New returns a Loader.
func New(config Config) *Loader {
	if config.Workers <= 0 {
		config.Workers = runtime.GOMAXPROCS(0)
	}
	if config.Fault == nil {
		config.Fault = func(string) {}
	}
	if config.Changed == nil {
		config.Changed = func(Result) {}
	}
	return &Loader{config: config, target: native.TargetOf(config.Warehouse)}
}

// Load loads the files and returns a result for each that ended in a Status, in the order given. Files are read side
// by side up to the workers and commit in the order given, so an earlier file's rows stand against a later one's. An
// error of one file does not stop the others; all errors are joined. Load holds the writers' lock and first clears
// away what a killed load left behind.
func (l *Loader) Load(ctx context.Context, inputs []Input, options Options) ([]Result, error) {
	if options.MaxLineBytes <= 0 {
		options.MaxLineBytes = defaultMaxLineBytes
	}
	release, err := l.config.Warehouse.Lock(ctx, warehouse.WriterLock)
	if err != nil {
		return nil, err
	}
	defer release()
	first, err := l.firstSeq(ctx)
	if err != nil {
		return nil, err
	}
	q := &queue{
		loader: l, options: options, nextSeq: first, results: make([]*Result, len(inputs)),
		errs: make([]error, len(inputs)),
	}
	q.run(ctx, inputs)
	var results []Result
	for _, result := range q.results {
		if result != nil {
			results = append(results, *result)
		}
	}
	return results, errors.Join(q.errs...)
}

// firstSeq clears away what a killed load left behind and numbers the next one. The row that begins a load may arrive
// after the process that sent it was killed, so this is done until nothing has come in between. One that comes later
// has the number given here, and the row that commits it, or gives it up, outranks it.
func (l *Loader) firstSeq(ctx context.Context) (first uint64, err error) {
	for {
		if err := Recover(ctx, l.config.Warehouse, l.config.Now); err != nil {
			return 0, err
		}
		next, err := nextLoadSeq(ctx, l.config.Warehouse)
		if err != nil || next == first {
			return next, err
		}
		first = next
	}
}

// queue runs the files of one Load.
type queue struct {
	loader  *Loader
	options Options
	nextSeq uint64
	results []*Result
	errs    []error
}

// run admits the files in order and loads as many side by side as there are workers. Each waits for the one before it
// when it comes to committing; since they are admitted in order, the first one never waits.
func (q *queue) run(ctx context.Context, inputs []Input) {
	side := min(q.loader.config.Workers, len(inputs))
	if side == 0 {
		return
	}
	workers := max(1, q.loader.config.Workers/side)
	var group errgroup.Group
	slots := make(chan struct{}, side)
	before := make(chan struct{})
	close(before)
	for i, input := range inputs {
		slots <- struct{}{}
		done := make(chan struct{})
		turn := before
		before = done
		l, result, err := q.admit(ctx, input)
		if l != nil {
			q.loader.begin(l)
		}
		group.Go(func() error {
			defer func() { <-slots }()
			defer close(done)
			if l != nil {
				result, err = l.run(ctx, workers, turn)
			}
			<-turn
			q.loader.end(l, result)
			q.results[i] = result
			if err != nil {
				q.errs[i] = &FileError{File: input.Name, Err: err}
			}
			if result != nil {
				q.loader.config.Changed(*result)
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // errors are kept by file
}

// admit opens the file and gives it a number, unless its contents are loaded already.
func (q *queue) admit(ctx context.Context, input Input) (*load, *Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	started := q.loader.config.Now()
	file, err := openInput(input)
	if err != nil {
		return nil, nil, err
	}
	l := &load{loader: q.loader, options: q.options, source: q.options.Source, file: file, started: started}
	known, err := q.alreadyLoaded(ctx, l)
	if err != nil || known != nil {
		return nil, known, errors.Join(err, file.close())
	}
	l.seq = q.nextSeq
	q.nextSeq++
	return l, nil, nil
}

// alreadyLoaded looks whether the contents are known. It reads the file once more for its hash only where a committed
// load has its size. Of two equal files in one Load the second finds out when
// it commits.
func (q *queue) alreadyLoaded(ctx context.Context, l *load) (*Result, error) {
	if l.file.info == nil {
		return nil, nil
	}
	same, err := sameSize(ctx, q.loader.config.Warehouse, l.file.size())
	if err != nil || !same {
		return nil, err
	}
	if l.expected, err = l.file.hashFirst(ctx); err != nil {
		return nil, err
	}
	return l.alreadyLoaded(ctx, l.expected)
}
