package ingest

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
)

const (
	// maxArrowBatch bounds a record batch, before and after its buffers are unpacked: it is in memory as a whole.
	maxArrowBatch = 256 << 20
	// maxArrowHeader bounds the schema or the layout of a batch.
	maxArrowHeader = 16 << 20
	arrowMagic     = "ARROW1"
)

// arrowReader reads a file or stream of Arrow's, record batch by record batch. A file is read as the stream that it
// holds: its batches stand in order, and so it needs no more than reading once.
type arrowReader struct {
	messages *arrowMessages
	reader   *ipc.Reader
	columns  []arrowColumn
	record   arrow.Record
	at       int64 // rows of the record that were passed on
	most     int64 // rows of it that are read at once
	batches  *batchPool
}

// openArrow reads the schema and finds the columns; found tells which of the names are there, and a batch has their
// vectors.
func openArrow(text io.Reader, names []columnName) (_ *arrowReader, found []bool, err error) {
	defer recoverDamage(&err)
	m := &arrowMessages{text: bufio.NewReaderSize(text, 1<<16)}
	magic, err := m.text.Peek(len(arrowMagic) + 2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if bytes.HasPrefix(magic, []byte(arrowMagic)) {
		m.file = true
		m.text.Discard(len(magic)) //nolint:errcheck // as many were peeked at
	}
	limit := &limitedMemory{messages: m}
	reader, err := ipc.NewReaderFromMessageReader(m, ipc.WithAllocator(limit))
	if err != nil {
		return nil, nil, fmt.Errorf("read Arrow schema: %w", m.cause(err))
	}
	r := &arrowReader{messages: m, reader: reader}
	fields := reader.Schema().Fields()
	found = make([]bool, len(names))
	for i, name := range names {
		column, err := findArrow(fields, name.path, name.text)
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", name.text, err)
		}
		if found[i] = column != nil; found[i] {
			r.columns = append(r.columns, column)
		}
	}
	r.batches = newBatchPool(len(r.columns))
	return r, found, nil
}

func (r *arrowReader) next() (batch *columnBatch, err error) {
	defer recoverDamage(&err)
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
		r.most = rowsAtOnce(record.NumRows(), r.messages.body+r.messages.allocated)
		for _, column := range r.columns {
			if err := column.open(record); err != nil {
				return nil, fmt.Errorf("record batch %d: %w", r.messages.batches, err)
			}
		}
	}
	batch = r.batches.take()
	err = r.read(batch)
	for errors.Is(err, errWide) && r.most > 1 {
		r.most = max(1, r.most/fewerRows)
		err = r.read(batch)
	}
	if err != nil {
		return nil, fmt.Errorf("record batch %d: %w", r.messages.batches, err)
	}
	r.at += int64(batch.rows)
	return batch, nil
}

// read reads the next rows of the record.
func (r *arrowReader) read(batch *columnBatch) error {
	batch.rows = int(min(r.record.NumRows()-r.at, r.most))
	for i, column := range r.columns {
		if err := column.read(int(r.at), batch.rows, &batch.vectors[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *arrowReader) close() error { return nil }

// arrowMessages cuts the stream into messages and bounds them, for the library, which believes every length.
type arrowMessages struct {
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
func (m *arrowMessages) Retain() {}

// Release does nothing, see Retain.
func (m *arrowMessages) Release() {}

// Message returns the next message; io.EOF at the end of the stream.
func (m *arrowMessages) Message() (*ipc.Message, error) {
	message, err := m.read()
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return message, err
}

func (m *arrowMessages) read() (*ipc.Message, error) {
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
		return nil, errCutOff
	case size == 0:
		return nil, io.EOF
	case size > maxArrowHeader:
		return nil, fmt.Errorf("a message's header has %d bytes, at most %d are allowed", size, maxArrowHeader)
	}
	header, err := m.take(int64(size))
	if err != nil {
		return nil, err
	}
	bodyBytes, isBatch, err := arrowHeader(header)
	if err != nil {
		return nil, err
	}
	if bodyBytes < 0 || bodyBytes > maxArrowBatch {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed: write the file with smaller record batches",
			bodyBytes, int64(maxArrowBatch))
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

var errCutOff = errors.New("the file ends in the middle: it was cut off or is still being written; load the whole file")

// take reads so many bytes, growing as they come.
func (m *arrowMessages) take(size int64) ([]byte, error) {
	var buffer bytes.Buffer
	if size <= 1<<20 {
		buffer.Grow(int(size))
	}
	_, err := io.CopyN(&buffer, m.text, size)
	if errors.Is(err, io.EOF) {
		err = errCutOff
	}
	return buffer.Bytes(), err
}

// cause prefers what went wrong here to what the library made of it.
func (m *arrowMessages) cause(err error) error {
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
func (m *arrowMessages) finish() error {
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
	footer, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(m.behind), m.text), maxArrowBatch))
	if err != nil {
		return err
	}
	const tail = 4 + len(arrowMagic)
	if m.cut || len(footer) < tail || string(footer[len(footer)-len(arrowMagic):]) != arrowMagic {
		return errCutOff
	}
	size := int(int32(binary.LittleEndian.Uint32(footer[len(footer)-tail:])))
	if size < 0 || size > len(footer)-tail {
		return errCutOff
	}
	between := footer[:len(footer)-tail-size]
	if len(bytes.Trim(between, "\x00")) > 0 {
		return fmt.Errorf("%d bytes stand between its last record batch and its end: %w", len(between), errSeveralFiles)
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

// errSeveralFiles is for files of columns that were put behind each other, as logs of text may be.
var errSeveralFiles = errors.New(
	"it may be several files behind each other, of which one can be read: load each by itself")

// limitedMemory gives the library memory for one message, up to maxArrowBatch.
type limitedMemory struct {
	memory.GoAllocator
	messages *arrowMessages
}

// Allocate panics beyond the limit, which recoverDamage turns into an error.
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
	if size < 0 || size > maxArrowBatch || l.messages.allocated+int64(size) > maxArrowBatch {
		panic(fmt.Sprintf("a record batch has more than %d bytes: write the file with smaller ones", maxArrowBatch))
	}
	l.messages.allocated += int64(size)
}
