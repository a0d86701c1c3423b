package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
)

// runColumns reads a file of columns. text is the file without compression, of which head was read already.
func (p *pipeline) runColumns(ctx context.Context, text io.ReadCloser, head []byte) (err error) {
	defer func() {
		if closing := text.Close(); err == nil && closing != nil {
			err = fmt.Errorf("read %s: %w", p.load.file.name, closing)
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	reader, columns, err := p.load.file.openColumns(ctx, p.load.source, p.load.format,
		io.MultiReader(bytes.NewReader(head), text))
	if err != nil {
		return fmt.Errorf("read %s: %w", p.load.file.name, err)
	}
	p.dropBuffers()
	group.Go(func() (err error) {
		defer close(p.toDecode)
		defer close(p.inOrder)
		defer func() { err = errors.Join(err, reader.Close()) }()
		if err := p.readColumns(ctx, reader); err != nil {
			return fmt.Errorf("read %s: %w", p.load.file.name, err)
		}
		return nil
	})
	p.start(ctx, group, func() func(*job) {
		decoder := event.NewColumnDecoder(columns, p.load.options.MaxLineBytes)
		return func(job *job) {
			decoder.Decode(job.columns, &job.block)
			job.columns.Batch.Release()
			job.columns.Batch = nil
		}
	})
	return group.Wait()
}

// dropBuffers frees the memory for text.
func (p *pipeline) dropBuffers() {
	for range len(p.free) {
		job := <-p.free
		job.buffer = nil
		p.free <- job
	}
	p.free <- &job{decoded: make(chan struct{}, 1)} // for the one that held the head
}

// readColumns passes the batches on, in jobs of about chunkBytes.
func (p *pipeline) readColumns(ctx context.Context, reader columnar.Reader) error {
	for {
		batch, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = batch.Split(chunkBytes, func(part columnar.Slice) error {
			select {
			case job := <-p.free:
				job.columns = part
				p.inOrder <- job
				p.toDecode <- job
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return err
		}
	}
}
