package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// run returns when every row of the file is stored or refused.
func (p *pipeline) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	text, err := p.load.file.plain()
	if err != nil {
		return err
	}
	first := <-p.free
	counted := &countingReader{Reader: text}
	filled, atEnd, err := fill(counted, first.buffer, 0)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.load.file.name, joinClose(err, text))
	}
	format, header, err := openFormat(p.load.source, p.load.file.name, first.buffer[:filled], p.load.options.MaxLineBytes)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.load.file.name, joinClose(err, text))
	}
	p.load.format, p.load.chain = format.name, event.NewRowChain(format.header)
	if format.newDecoder == nil { // columns, which are not cut like text
		return p.runColumns(ctx, text, first.buffer[:filled])
	}
	cutter := &cutter{pipeline: p, text: counted, complete: format.complete}
	group.Go(func() error {
		defer close(p.toDecode)
		defer close(p.inOrder)
		err := cutter.run(ctx, first, header, filled, atEnd)
		if closing := text.Close(); err == nil && closing != nil {
			err = fmt.Errorf("read %s: %w", p.load.file.name, closing)
		}
		return err
	})
	p.start(ctx, group, func() func(*job) {
		decoder := format.newDecoder()
		return func(job *job) { decoder.Decode(job.chunk, &job.block) }
	})
	return group.Wait()
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
			// What was sent is stored before this returns, so that it can be removed for good.
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
				if stream, err = native.Dial(ctx, p.load.loader.target, p.load.loader.config.Now); err != nil {
					return mark(err, errWarehouse)
				}
			}
			if !stream.IsOpen() {
				id := p.load.loader.config.Warehouse.StatementID()
				if err := stream.Begin(id, p.load.seq, p.load.source.ID); err != nil {
					return mark(err, errWarehouse)
				}
			}
			if err := stream.Send(&job.block); err != nil {
				return mark(err, errWarehouse)
			}
			if rows += len(job.block.RowNumber); rows >= rowsPerInsert {
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

// cutter reads the text and cuts it into chunks of whole rows.
type cutter struct {
	*pipeline
	text     *countingReader
	passed   uint64 // bytes of text that were given on, or skipped with a row that is too long
	complete func([]byte) int
}

// run goes on from the first buffer, which is filled already and begins with a header of that many bytes.
func (c *cutter) run(ctx context.Context, current *job, header, filled int, atEnd bool) error {
	start := header
	c.passed = uint64(header)
	for {
		data := current.buffer[start:filled]
		rows := c.wholeRows(data, atEnd)
		var rest []byte
		switch {
		case rows > 0 || atEnd:
			current.chunk, rest = data[:rows], data[rows:]
			c.passed += uint64(rows)
		case start > 0: // make room behind the header
			filled = copy(current.buffer, data)
			start = 0
			var err error
			if filled, atEnd, err = fill(c.text, current.buffer, filled); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
			continue
		case filled < c.load.options.MaxLineBytes+2: // a long row: room for it, in this job and for as long as it takes
			current.grow(c.load.options.MaxLineBytes + 2)
			var err error
			if filled, atEnd, err = fill(c.text, current.buffer, filled); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
			continue
		default: // a row longer than any may be: its beginning is enough to refuse it
			current.chunk = data[:c.load.options.MaxLineBytes+2] // one for a carriage return
			var err error
			var skipped int
			if rest, skipped, atEnd, err = skipLine(c.text, len(current.buffer)); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
			c.passed += uint64(len(data) + skipped)
		}
		var next *job
		if !atEnd || len(rest) > 0 {
			select {
			case next = <-c.free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if need := max(c.bufferBytes, len(rest)+1); len(next.buffer) != need {
				next.buffer = make([]byte, need)
			}
			filled = copy(next.buffer, rest) // before the current buffer is given away
		}
		c.inOrder <- current
		c.toDecode <- current
		if next == nil {
			if c.passed != c.text.bytes {
				return fmt.Errorf("read %s: %w: %d bytes of text were read, %d were decoded", c.load.file.name,
					ErrNotConserved, c.text.bytes, c.passed)
			}
			return nil
		}
		current, start = next, 0
		if !atEnd {
			var err error
			if filled, atEnd, err = fill(c.text, current.buffer, filled); err != nil {
				return fmt.Errorf("read %s: %w", c.load.file.name, err)
			}
		}
	}
}

// grow makes room for more of a row, at most for so many bytes.
func (j *job) grow(most int) {
	buffer := make([]byte, min(2*len(j.buffer), most))
	copy(buffer, j.buffer)
	j.buffer = buffer
}

// wholeRows returns how many bytes at the beginning of the data are a chunk: as many whole rows as there are, unless
// they are tiny.
func (c *cutter) wholeRows(data []byte, atEnd bool) int {
	rows := len(data)
	if !atEnd {
		rows = c.complete(data)
	}
	if bytes.Count(data[:rows], []byte{'\n'}) <= event.RowsPerBlock {
		return rows
	}
	end := 0
	for range event.RowsPerBlock {
		end += bytes.IndexByte(data[end:], '\n') + 1
	}
	if fewer := c.complete(data[:end]); fewer > 0 {
		return fewer
	}
	return rows
}

// fill reads until the buffer, which holds that many bytes already, is full or the text ends.
func fill(text io.Reader, buffer []byte, filled int) (int, bool, error) {
	for filled < len(buffer) {
		n, err := text.Read(buffer[filled:])
		filled += n
		if err == io.EOF {
			return filled, true, nil
		}
		if err != nil {
			return filled, false, err
		}
	}
	return filled, false, nil
}

// skipLine reads over the rest of a line. It returns what was read beyond it, at most so many bytes, and how many bytes
// belonged to the line.
func skipLine(text io.Reader, most int) (rest []byte, skipped int, atEnd bool, err error) {
	window := make([]byte, min(64<<10, most))
	for {
		n, err := text.Read(window)
		if end := bytes.IndexByte(window[:n], '\n') + 1; end > 0 {
			return window[end:n], skipped + end, errors.Is(err, io.EOF), ignoreEOF(err)
		}
		skipped += n
		if err != nil {
			return nil, skipped, true, ignoreEOF(err)
		}
	}
}

// countingReader counts what is read of the text, to be compared with what is decoded.
type countingReader struct {
	io.Reader
	bytes uint64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes += uint64(n)
	return n, err
}
