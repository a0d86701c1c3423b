package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// Part is a small file of an Input that is made of many. Each is read and decoded as if it were alone.
type Part struct {
	Name   string
	Remote Remote
}

const (
	// partsAtOnce bounds the requests under way.
	partsAtOnce = 32
	// partsPerStep and partBytesPerStep bound what is read before the warehouse is asked which contents it has.
	partsPerStep     = 2_000
	partBytesPerStep = 32 << 20
	// maxPartText is how much a part may unpack to: all of it is held at once.
	maxPartText = 64 << 20
	// maxLeftOut is of how many parts a load may lack the contents before it is given up.
	maxLeftOut = 100
)

// errLeftOut marks what is wrong with a single part: the others are loaded.
var errLeftOut = errors.New("part is left out")

// errTooManyLeftOut gives up a load many of whose parts cannot be read.
var errTooManyLeftOut = fmt.Errorf("more than %d objects cannot be loaded", maxLeftOut)

// readPart is a part and its contents, or what is wrong with it.
type readPart struct {
	Part
	data []byte // as stored
	sha  string
	err  error
}

// readParts reads the parts, some at once, and passes them on in steps, in their order.
func (p *pipeline) readParts(ctx context.Context, steps chan<- []readPart) error {
	defer close(steps)
	left := p.load.parts
	for len(left) > 0 {
		count, size := 0, uint64(0)
		for count < len(left) && count < partsPerStep && (count == 0 || size+left[count].Remote.Size() <= partBytesPerStep) {
			size += left[count].Remote.Size()
			count++
		}
		step := make([]readPart, count)
		group, reading := errgroup.WithContext(ctx)
		group.SetLimit(partsAtOnce)
		for i := range step {
			step[i].Part = left[i]
			group.Go(func() error { return step[i].read(reading) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		select {
		case steps <- step:
		case <-ctx.Done():
			return ctx.Err()
		}
		left = left[count:]
	}
	return nil
}

// read reads all of the part. An error that is the part's own is kept with it; any other would be that of all.
func (r *readPart) read(ctx context.Context) error {
	body, err := r.Remote.Open(ctx)
	if err == nil {
		buffer := bytes.NewBuffer(make([]byte, 0, r.Remote.Size()+bytes.MinRead))
		_, err = io.Copy(buffer, body)
		r.data, err = buffer.Bytes(), errors.Join(err, body.Close())
	}
	switch {
	case err != nil && ctx.Err() == nil && r.Remote.IsOwn(err):
		r.data, r.err = nil, err
		return nil
	case err != nil:
		return err
	case uint64(len(r.data)) != r.Remote.Size():
		r.data, r.err = nil, fmt.Errorf("read %s: %w; load it again when nothing writes to it", r.Name, ErrChanged)
		return nil
	}
	sum := sha256.Sum256(r.data)
	r.sha = hex.EncodeToString(sum[:])
	return nil
}

// text is what the part unpacks to.
func (r *readPart) text() ([]byte, error) {
	reader, err := plainText(bytes.NewReader(r.data))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxPartText+1))
	err = errors.Join(err, reader.Close())
	if err == nil && len(text) > maxPartText {
		err = fmt.Errorf("it unpacks to more than %d MB: load it by its own name", maxPartText>>20)
	}
	return text, err
}

// piece is what a job holds of a part: all of it, or some of its rows.
type piece struct {
	object   *loadObject
	format   *rowFormat
	isFirst  bool
	from, to int    // in the job's buffer
	lines    uint64 // that it had, once it is decoded
}

// decodePieces decodes each piece as a file of its own.
func decodePieces(job *job) {
	for i := range job.pieces {
		piece := &job.pieces[i]
		before := job.block.Lines()
		piece.format.newDecoder().Decode(job.buffer[piece.from:piece.to], &job.block)
		piece.lines = job.block.Lines() - before
	}
}

// place tells the objects of the pieces where in the load their rows are.
func (l *load) place(pieces []piece) {
	line := l.tally.Lines()
	for _, piece := range pieces {
		if piece.isFirst {
			piece.object.FirstRow = line + 1
			l.chain = event.NewRowChain(piece.format.header)
		}
		piece.object.Rows += piece.lines
		line += piece.lines
	}
}

// runParts returns when every row of the parts is stored or refused.
func (p *pipeline) runParts(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	steps := make(chan []readPart)
	group.Go(func() error { return p.readParts(ctx, steps) })
	group.Go(func() error {
		defer close(p.toDecode)
		defer close(p.inOrder)
		cutter := &partCutter{pipeline: p, seen: map[string]bool{}}
		for step := range steps {
			if err := cutter.take(ctx, step); err != nil {
				return err
			}
		}
		return cutter.flush(ctx)
	})
	p.start(ctx, group, func() func(*job) { return decodePieces })
	return group.Wait()
}

// canShare tells whether rows of several parts may be one block: the columns of their units are the same, and no id is
// made of the rows before.
func canShare(source schemas.Source, format *rowFormat) bool {
	return format.name == schemas.FormatJSONL && source.Fields.EventID.Kind != schemas.FieldRow
}
