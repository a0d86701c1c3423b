// Package ingest turns log files into usage events, one load a file.
//
// A file is cut into chunks of whole rows, decoded side by side into columnar blocks, put back into order and
// streamed into usage_events under the load's number, where no reader sees them. That is done under a lease of the load
// alone, so any number of processes do it at once. Then, under the writers' lock, the load's identities are checked,
// duplicates and conflicts are moved to duplicate_events, what the warehouse holds is compared with what was read, and
// one row in loads with the status committed makes all of it visible at once. DESIGN.md says what holds at every point
// in between.
//
// How a file is compressed is known to package unpack, what it is to sniff, how a format stores its rows to jsonl, csv,
// parquet and arrow, what an event is to event, and ClickHouse's protocol to native.
package ingest

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/warehouse"
)

// Loader loads files into one warehouse. It may be used for several Loads, one after the other.
type Loader struct {
	config Config
	progress
}

// New returns a Loader.
func New(config Config) *Loader {
	if config.Workers <= 0 {
		config.Workers = runtime.GOMAXPROCS(0)
	}
	if config.Jobs <= 0 {
		config.Jobs = config.Workers
	}
	if config.Patience <= 0 {
		config.Patience = time.Hour
	}
	if config.Fault == nil {
		config.Fault = func(string) {}
	}
	if config.Changed == nil {
		config.Changed = func(Result) {}
	}
	return &Loader{config: config}
}

// Load loads the files and returns a result for each that ended in a Status, in the order given. Files are read side
// by side, as many as there are jobs, and commit in the order given, so an earlier file's rows stand against a later
// one's. An error of one file does not stop the others; all errors are joined. What a killed load left behind is
// cleared away first, unless others write just then, and by each file that commits.
func (l *Loader) Load(ctx context.Context, inputs []Input, options Options) ([]Result, error) {
	if options.MaxLineBytes <= 0 {
		options.MaxLineBytes = defaultMaxLineBytes
	}
	if err := l.recover(ctx); err != nil {
		return nil, err
	}
	q := &queue{
		loader: l, options: options, results: make([]*Result, len(inputs)), errs: make([]error, len(inputs)),
	}
	var err error
	if q.known, err = q.knownObjects(ctx, inputs); err != nil {
		return nil, err
	}
	q.loadAll(ctx, inputs)
	var results []Result
	for _, result := range q.results {
		if result != nil {
			results = append(results, *result)
		}
	}
	return results, errors.Join(q.errs...)
}

// recover clears away what killed loads left behind. Whoever holds the lock now has done so.
func (l *Loader) recover(ctx context.Context) error {
	release, err := l.config.Warehouse.Lock(ctx, warehouse.WriterLock)
	if errors.Is(err, warehouse.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	return Recover(ctx, l.config.Warehouse, l.config.Now)
}

// queue runs the files of one Load.
type queue struct {
	loader  *Loader
	options Options
	known   map[objectVersion]knownObject
	results []*Result
	errs    []error
}

// loadAll admits the files in order and loads as many side by side as there are jobs. Each waits for the one before
// it when it comes to committing; since they are admitted in order, the first one never waits.
func (q *queue) loadAll(ctx context.Context, inputs []Input) {
	side := min(q.loader.config.Jobs, len(inputs))
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
			for l != nil {
				result, err = l.run(ctx, workers, turn)
				q.loader.end(l, result)
				if !errors.Is(err, errOvertaken) {
					break
				}
				if l, result, err = q.admit(ctx, input); l != nil {
					q.loader.begin(l)
				}
			}
			<-turn
			if l == nil {
				q.loader.end(nil, result)
			}
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
	if known := q.knownVersion(input, started); known != nil {
		return nil, known, nil
	}
	file, err := openInput(ctx, input)
	if err != nil {
		return nil, nil, err
	}
	source := q.options.Source
	if input.Parts == nil { // else each has a name of its own
		source, err = event.SourceOfFile(source, input.Name)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.close())
	}
	l := &load{
		config: q.loader.config, options: q.options, source: source, file: file,
		started: started,
	}
	known, err := q.alreadyLoaded(ctx, l, input.Parts)
	if err != nil || known != nil {
		return nil, known, errors.Join(err, file.close())
	}
	if err := l.chooseShard(ctx); err != nil {
		return nil, nil, errors.Join(err, file.close())
	}
	if err := l.takeNumber(ctx); err != nil {
		return nil, nil, errors.Join(err, file.close())
	}
	return l, nil, nil
}

// alreadyLoaded looks whether the contents are known. It reads the file once more for its hash only where a committed
// load has its size. Of two equal files in one Load the second finds out when
// it commits.
func (q *queue) alreadyLoaded(ctx context.Context, l *load, parts []Part) (*Result, error) {
	if parts != nil {
		return q.admitParts(l, parts), nil
	}
	if l.file.isStream() {
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
