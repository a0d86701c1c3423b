package ingest

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/native"
)

const (
	// chunkBytes is how much text is decoded into one block. Measured: less makes the blocks' dictionaries dear, more only
	// takes memory.
	chunkBytes = 8 << 20
	// rowsPerInsert ends an INSERT, so that a server's limits on one statement are not met; its parts are smaller anyway.
	rowsPerInsert = 8 << 20
	// idleInsert ends an INSERT to which nothing was sent for so long: a server hangs up after minutes.
	idleInsert = 20 * time.Second
)

// job is one chunk on its way from text to rows in the warehouse. A load has a fixed number of jobs, which bounds its
// memory; the reader takes them in the order of the file, so a chunk never waits for one behind it.
type job struct {
	buffer  []byte
	chunk   []byte         // the whole rows in buffer
	pieces  []piece        // instead of chunk, of parts
	columns columnar.Slice // instead of both, of a file of columns
	block   event.Block
	decoded chan struct{} // filled when block is
}

// pipeline reads one file into usage_events: a reader cuts chunks, decoders fill blocks side by side, the caller's
// goroutine puts the blocks back into the order of the file, and inserters send them.
type pipeline struct {
	load      *load
	decoders  int
	inserters int
	// bufferBytes is the room for text that a job has, unless a row needs more.
	bufferBytes int
	free        chan *job
	toDecode    chan *job
	inOrder     chan *job
	toInsert    chan *job
}

func newPipeline(l *load, workers int) *pipeline {
	p := &pipeline{load: l, decoders: workers, inserters: min(workers, 4)}
	jobs := p.decoders + p.inserters + 2
	p.bufferBytes = max(chunkBytes, min(2*l.options.MaxLineBytes, 2<<20))
	if stored := l.file.size(); stored > 0 && stored < uint64(p.bufferBytes) {
		p.bufferBytes = max(int(stored)+1, min(l.options.MaxLineBytes+2, 1<<20))
	}
	p.free = make(chan *job, jobs)
	p.toDecode = make(chan *job, jobs)
	p.inOrder = make(chan *job, jobs)
	p.toInsert = make(chan *job, jobs)
	for range jobs {
		p.free <- &job{buffer: make([]byte, p.bufferBytes), decoded: make(chan struct{}, 1)}
	}
	return p
}

// start begins to decode the jobs that are read, and to store them. newDecode is called once for each goroutine.
func (p *pipeline) start(ctx context.Context, group *errgroup.Group, newDecode func() func(*job)) {
	for range p.decoders {
		decode := newDecode()
		group.Go(func() error {
			for job := range p.toDecode {
				job.block.Reset()
				decode(job)
				job.decoded <- struct{}{}
			}
			return nil
		})
	}
	for range p.inserters {
		group.Go(func() error { return p.insert(ctx) })
	}
	group.Go(func() error {
		defer close(p.toInsert)
		return p.sequence(ctx)
	})
}

// sequence takes the blocks in the order of the file, numbers their rows, counts them and passes them on.
func (p *pipeline) sequence(ctx context.Context) error {
	for job := range p.inOrder {
		select {
		case <-job.decoded:
		case <-ctx.Done():
			return ctx.Err()
		}
		p.load.place(job.pieces)
		if err := p.load.take(ctx, &job.block); err != nil {
			return err
		}
		if len(job.block.RowNumber) == 0 {
			p.free <- job
			continue
		}
		select {
		case p.toInsert <- job:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// insert sends blocks over a connection of its own until there are no more.
func (p *pipeline) insert(ctx context.Context) (err error) {
	var stream *native.Stream
	defer func() {
		if stream != nil && err != nil {
			stream.Close() //nolint:errcheck // the error that matters is being returned
		}
	}()
	rows := 0
	idle := time.NewTimer(idleInsert)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			// What was sent is stored before this returns, so that it can be removed entirely.
			if stream != nil {
				return errors.Join(ctx.Err(), mark(stream.Finish(), errWarehouse))
			}
			return ctx.Err()
		case <-idle.C:
			rows = 0
			if stream != nil {
				if err := stream.Finish(); err != nil {
					return mark(err, errWarehouse)
				}
			}
		case job, more := <-p.toInsert:
			if !more {
				if stream == nil {
					return nil
				}
				if err := stream.Finish(); err != nil {
					return mark(err, errWarehouse)
				}
				return stream.Close()
			}
			if stream == nil {
				if stream, err = native.Dial(ctx, p.load.target, p.load.config.Now); err != nil {
					return mark(err, errWarehouse)
				}
			}
			if !stream.IsOpen() {
				id := p.load.config.Warehouse.StatementID(ctx)
				if err := stream.Begin(id, p.load.seq, p.load.source.ID); err != nil {
					return mark(err, errWarehouse)
				}
			}
			if err := stream.Send(&job.block); err != nil {
				return mark(err, errWarehouse)
			}
			rows += len(job.block.RowNumber)
			if rows >= rowsPerInsert {
				rows = 0
				if err := stream.Finish(); err != nil {
					return mark(err, errWarehouse)
				}
			}
			p.free <- job
			idle.Reset(idleInsert)
		}
	}
}
