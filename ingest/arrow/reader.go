package arrow

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/creditmill/creditmill/ingest/columnar"
)

const (
	// maxBatch bounds a record batch, before and after its buffers are unpacked: it is in memory as a whole.
	maxBatch = 256 << 20
	// maxHeader bounds the schema or the layout of a batch.
	maxHeader = 16 << 20
	// Magic is what an Arrow file begins and ends with; a stream has none.
	Magic = "ARROW1"
)

// Reader reads a file or stream of Arrow's, record batch by record batch. A file is read as the stream that it
// holds: its batches stand in order, and so it needs no more than reading once.
type Reader struct {
	messages *messageReader
	reader   *ipc.Reader
	columns  []columnReader
	record   arrow.Record
	at       int64 // rows of the record that were passed on
	most     int64 // rows of it that are read at once
	batches  *columnar.Pool
}

// Open reads the schema and finds the columns; found tells which of the names are there, and a batch has their
// vectors.
func Open(text io.Reader, search columnar.Search) (_ *Reader, found []bool, err error) {
	defer columnar.RecoverDamage(&err)
	m := &messageReader{text: bufio.NewReaderSize(text, 1<<16)}
	magic, err := m.text.Peek(len(Magic) + 2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if bytes.HasPrefix(magic, []byte(Magic)) {
		m.file = true
		m.text.Discard(len(magic)) //nolint:errcheck // as many were peeked at
	}
	limit := &limitedMemory{messages: m}
	reader, err := ipc.NewReaderFromMessageReader(m, ipc.WithAllocator(limit))
	if err != nil {
		return nil, nil, fmt.Errorf("read Arrow schema: %w", m.cause(err))
	}
	r := &Reader{messages: m, reader: reader}
	fields := reader.Schema().Fields()
	columns := make([]string, len(fields))
	for i, field := range fields {
		columns[i] = field.Name
	}
	names, err := search(columns)
	if err != nil {
		return nil, nil, err
	}
	found = make([]bool, len(names))
	for i, name := range names {
		column, err := find(fields, name.Path, name.Text)
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", name.Text, err)
		}
		found[i] = column != nil
		if found[i] {
			r.columns = append(r.columns, column)
		}
	}
	r.batches = columnar.NewPool(len(r.columns))
	return r, found, nil
}

// Next returns the next rows of the record batch under way, or of the one behind it; io.EOF after the last one.
func (r *Reader) Next() (batch *columnar.Batch, err error) {
	defer columnar.RecoverDamage(&err)
	for r.record == nil || r.at == r.record.NumRows() {
		r.messages.allocated = 0
		record, err := r.reader.Read()
		if err != nil && r.messages.err == nil && errors.Is(err, io.EOF) {
			return nil, r.messages.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("record batch %d: %w", r.messages.batches, r.messages.cause(err))
		}
		r.record, r.at = record, 0
		r.most = columnar.RowsAtOnce(record.NumRows(), r.messages.body+r.messages.allocated)
		for _, column := range r.columns {
			if err := column.open(record); err != nil {
				return nil, fmt.Errorf("record batch %d: %w", r.messages.batches, err)
			}
		}
	}
	batch = r.batches.Take()
	err = r.read(batch)
	for errors.Is(err, columnar.ErrWide) && r.most > 1 {
		r.most = max(1, r.most/columnar.FewerRows)
		err = r.read(batch)
	}
	if err != nil {
		return nil, fmt.Errorf("record batch %d: %w", r.messages.batches, err)
	}
	r.at += int64(batch.Rows)
	return batch, nil
}

// read reads the next rows of the record.
func (r *Reader) read(batch *columnar.Batch) error {
	batch.Rows = int(min(r.record.NumRows()-r.at, r.most))
	for i, column := range r.columns {
		if err := column.read(int(r.at), batch.Rows, &batch.Vectors[i]); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing: the reader holds nothing but memory.
func (r *Reader) Close() error { return nil }

// messageReader cuts the stream into messages and bounds them, for the library, which believes every length.
type messageReader struct {
	text      *bufio.Reader
	file      bool
	batches   int
	body      int64  // bytes of the message under way
	allocated int64  // bytes that the library took for it
	marked    bool   // messages begin with a mark, as they do since 2019
	behind    []byte // what was read beyond the last message
	err       error  // what went wrong, which the library may not pass on
	cut       bool   // the stream ended in the middle
}

// Retain does nothing: there is one user.
func (m *messageReader) Retain() {}

// Release does nothing, see Retain.
func (m *messageReader) Release() {}

// Message returns the next message; io.EOF at the end of the stream.
func (m *messageReader) Message() (*ipc.Message, error) {
	message, err := m.read()
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return message, err
}

func (m *messageReader) read() (*ipc.Message, error) {
	const continuation = 0xffffffff
	var head [4]byte
	length := func() (uint32, error) {
		_, err := io.ReadFull(m.text, head[:])
		return binary.LittleEndian.Uint32(head[:]), err
	}
	size, err := length()
	if errors.Is(err, io.EOF) {
		m.cut = true
		return nil, io.EOF
	}
	if err == nil && size == continuation {
		m.marked = true
		size, err = length()
	} else if err == nil && m.marked && m.file && size != 0 { // the footer: not all writers end the stream before it
		m.behind = head[:]
		return nil, io.EOF
	}
	switch {
	case err != nil:
		return nil, columnar.ErrCutOff
	case size == 0:
		return nil, io.EOF
	case size > maxHeader:
		return nil, fmt.Errorf("a message's header has %d bytes, at most %d are allowed", size, maxHeader)
	}
	header, err := m.take(int64(size))
	if err != nil {
		return nil, err
	}
	bodyBytes, isBatch, err := checkHeader(header)
	if err != nil {
		return nil, err
	}
	if bodyBytes < 0 || bodyBytes > maxBatch {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed: write the file with smaller record batches",
			bodyBytes, int64(maxBatch))
	}
	if isBatch {
		m.batches++
	}
	m.body = bodyBytes
	body, err := m.take(bodyBytes)
	if err != nil {
		return nil, err
	}
	return ipc.NewMessage(memory.NewBufferBytes(header), memory.NewBufferBytes(body)), nil
}

// take reads so many bytes, growing as they come.
func (m *messageReader) take(size int64) ([]byte, error) {
	var buffer bytes.Buffer
	if size <= 1<<20 {
		buffer.Grow(int(size))
	}
	_, err := io.CopyN(&buffer, m.text, size)
	if errors.Is(err, io.EOF) {
		err = columnar.ErrCutOff
	}
	return buffer.Bytes(), err
}

// cause prefers what went wrong here to what the library made of it.
func (m *messageReader) cause(err error) error {
	if m.err != nil {
		return m.err
	}
	return err
}

// errNoEndMark is for a stream that ends between two batches. The format allows that to a writer which closes the
// connection; of a file nobody can tell it from one that was cut.
var errNoEndMark = errors.New("the Arrow stream ends without its end mark, so batches may be missing: " +
	"write it again and close the writer")

// finish reads what stands behind the last batch. A file's end counts its batches.
func (m *messageReader) finish() error {
	if !m.file {
		if m.cut {
			return errNoEndMark
		}
		if n, err := io.Copy(io.Discard, m.text); err != nil {
			return err
		} else if n > 0 {
			return fmt.Errorf("%d bytes follow the end of the Arrow stream", n)
		}
		return io.EOF
	}
	footer, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(m.behind), m.text), maxBatch))
	if err != nil {
		return err
	}
	const tail = 4 + len(Magic)
	if m.cut || len(footer) < tail || string(footer[len(footer)-len(Magic):]) != Magic {
		return columnar.ErrCutOff
	}
	size := int(int32(binary.LittleEndian.Uint32(footer[len(footer)-tail:])))
	if size < 0 || size > len(footer)-tail {
		return columnar.ErrCutOff
	}
	between := footer[:len(footer)-tail-size]
	if len(bytes.Trim(between, "\x00")) > 0 {
		return fmt.Errorf("%d bytes stand between its last record batch and its end: %w", len(between),
			columnar.ErrSeveralFiles)
	}
	batches, err := footerBatches(footer[len(footer)-tail-size : len(footer)-tail])
	if err == nil && batches != m.batches {
		err = fmt.Errorf("the file's end counts %d record batches, %d were found", batches, m.batches)
	}
	if err != nil {
		return err
	}
	return io.EOF
}

// limitedMemory gives the library memory for one message, up to maxArrowBatch.
type limitedMemory struct {
	memory.GoAllocator
	messages *messageReader
}

// Allocate panics beyond the limit, which columnar.RecoverDamage turns into an error.
func (l *limitedMemory) Allocate(size int) []byte {
	l.grow(size)
	return l.GoAllocator.Allocate(size)
}

// Reallocate panics beyond the limit.
func (l *limitedMemory) Reallocate(size int, b []byte) []byte {
	l.grow(size)
	return l.GoAllocator.Reallocate(size, b)
}

func (l *limitedMemory) grow(size int) {
	if size < 0 || size > maxBatch || l.messages.allocated+int64(size) > maxBatch {
		panic(fmt.Sprintf("a record batch has more than %d bytes: write the file with smaller ones", maxBatch))
	}
	l.messages.allocated += int64(size)
}
