package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/creditmill/creditmill/ingest/arrow"
	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/parquet"
	"github.com/creditmill/creditmill/schemas"
)

// openColumns opens the reader of a format. text is the file without compression.
func (f *inputFile) openColumns(ctx context.Context, source schemas.Source, format string, text io.Reader,
) (reader columnar.Reader, columns *event.Columns, err error) {
	search := event.NewColumnSearch(source)
	var found []bool
	if format == schemas.FormatArrow {
		reader, found, err = arrow.Open(text, search.Names)
	} else {
		reader, found, err = f.openStored(ctx, text, search.Names)
	}
	if err != nil {
		return nil, nil, err
	}
	columns, err = search.Present(found)
	if err != nil {
		return nil, nil, errors.Join(err, reader.Close())
	}
	return reader, columns, nil
}

// openStored opens a Parquet file, which is read at any place.
func (f *inputFile) openStored(ctx context.Context, text io.Reader, search columnar.Search,
) (columnar.Reader, []bool, error) {
	stored, rest, err := f.randomAccess(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	reader, found, err := parquet.Open(stored, stored.size, search)
	if err != nil {
		return nil, nil, errors.Join(err, stored.close())
	}
	return &storedParquet{
		parquet: reader, file: stored, text: rest, buffer: make([]byte, hashStep),
	}, found, nil
}

// storedParquet reads the file itself beside its columns, from beginning to end at the same pace: for its hash, and for
// those who watch.
type storedParquet struct {
	parquet *parquet.Reader
	file    *storedFile
	text    io.Reader
	read    int64 // of text
	buffer  []byte
}

// hashStep is how much of the file is read at once for its hash: no less than what its reader buffers, which is passed
// by then.
const hashStep = 1 << 20

func (s *storedParquet) Next() (*columnar.Batch, error) {
	batch, err := s.parquet.Next()
	switch {
	case err == nil:
		to := int64(float64(s.file.size) * s.parquet.Share())
		for to-s.read >= hashStep {
			n, reading := io.ReadFull(s.text, s.buffer)
			s.read += int64(n)
			if errors.Is(reading, io.EOF) || errors.Is(reading, io.ErrUnexpectedEOF) {
				break // it has become shorter, which is found out at its end
			}
			if reading != nil {
				return nil, reading
			}
		}
	case errors.Is(err, io.EOF):
		if _, reading := io.Copy(io.Discard, s.text); reading != nil {
			return nil, reading
		}
	}
	return batch, err
}

func (s *storedParquet) Close() error { return errors.Join(s.parquet.Close(), s.file.close()) }

// storedFile is a file that can be read at any place.
type storedFile struct {
	*os.File
	size      int64
	temporary bool
}

func (s *storedFile) close() error {
	if !s.temporary {
		return nil // it is the load's own
	}
	return errors.Join(s.Close(), ignoreMissing(os.Remove(s.Name())))
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// randomAccess returns the file itself where it is one and not compressed, and what of text is still to be read beside
// it. Else text is copied to a temporary file, which has no name any more where the system allows that, so that
// nothing is left of it however the process ends.
func (f *inputFile) randomAccess(ctx context.Context, text io.Reader) (*storedFile, io.Reader, error) {
	if f.file != nil {
		magic := make([]byte, 4)
		if _, err := f.file.ReadAt(magic, 0); err == nil && string(magic) == parquet.Magic {
			return &storedFile{File: f.file, size: int64(f.size())}, &contextReader{ctx, text}, nil
		}
	}
	file, err := os.CreateTemp("", "creditmill-*")
	if err != nil {
		return nil, nil, fmt.Errorf("make temporary file: %w", err)
	}
	os.Remove(file.Name()) //nolint:errcheck // close tries again, where an open file cannot be removed
	s := &storedFile{File: file, temporary: true}
	if s.size, err = io.Copy(file, &contextReader{ctx, text}); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("unpack to temporary file (TMPDIR says where): %w", err), s.close())
	}
	return s, text, nil
}

// contextReader stops reading when the context ends.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
