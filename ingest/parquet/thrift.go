package parquet

import (
	"bufio"
	"errors"
	"io"
)

// Parquet's headers are Thrift structs in the compact protocol. This is the little of it that is needed to look at them
// with bounds before anything is allocated by what they say.

// The kinds of value in the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// maxThriftDepth is more than the deepest of Parquet's structs.
const maxThriftDepth = 32

var errThrift = errors.New("header is damaged")

// thriftReader reads values one after the other. After the first error everything is zero.
type thriftReader struct {
	r     *bufio.Reader
	left  int64 // bytes that there can be at most
	err   error
	depth int
}

func (t *thriftReader) fail(err error) {
	if t.err == nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		t.err = err
	}
}

func (t *thriftReader) byte() byte {
	if t.err != nil {
		return 0
	}
	t.left--
	if t.left < 0 {
		t.fail(errThrift)
		return 0
	}
	b, err := t.r.ReadByte()
	if err != nil {
		t.fail(err)
	}
	return b
}

func (t *thriftReader) varint() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := t.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	t.fail(errThrift)
	return 0
}

func (t *thriftReader) int() int64 {
	n := t.varint()
	return int64(n>>1) ^ -int64(n&1)
}

func (t *thriftReader) discard(n uint64) {
	if n > uint64(max(t.left, 0)) {
		t.fail(errThrift)
		return
	}
	if t.err != nil {
		return
	}
	t.left -= int64(n)
	if _, err := t.r.Discard(int(n)); err != nil {
		t.fail(err)
	}
}

// text reads a string.
func (t *thriftReader) text() string {
	size := t.varint()
	if size > uint64(max(t.left, 0)) {
		t.fail(errThrift)
	}
	if t.err != nil {
		return ""
	}
	text := make([]byte, size)
	t.left -= int64(size)
	if _, err := io.ReadFull(t.r, text); err != nil {
		t.fail(err)
	}
	return string(text)
}

// list reads the beginning of a list.
func (t *thriftReader) list() (size uint64, of byte) {
	head := t.byte()
	size, of = uint64(head>>4), head&15
	if size == 15 {
		size = t.varint()
	}
	if size > uint64(max(t.left, 0)) { // an element has a byte at least
		t.fail(errThrift)
		return 0, 0
	}
	return size, of
}

// fields reads a struct. visit is called for each field and reads its value, or returns false to have it skipped.
func (t *thriftReader) fields(visit func(id int16, of byte) bool) {
	t.depth++
	if t.depth > maxThriftDepth {
		t.fail(errThrift)
	}
	id := int16(0)
	for t.err == nil {
		head := t.byte()
		if head == 0 {
			break
		}
		if delta := int16(head >> 4); delta > 0 {
			id += delta
		} else {
			id = int16(t.int())
		}
		if t.err == nil && !visit(id, head&15) {
			t.skip(head & 15)
		}
	}
	t.depth--
}

// skip reads over a value.
func (t *thriftReader) skip(of byte) {
	switch of {
	case thriftTrue, thriftFalse: // the value is in the field's head
	case thriftByte:
		t.byte()
	case thriftI16, thriftI32, thriftI64:
		t.varint()
	case thriftDouble:
		t.discard(8)
	case thriftBinary:
		t.discard(t.varint())
	case thriftStruct:
		t.fields(func(int16, byte) bool { return false })
	case thriftList, thriftSet:
		size, of := t.list()
		for range size {
			if t.err != nil {
				return
			}
			t.skipElement(of)
		}
	case thriftMap:
		size := t.varint()
		if size == 0 {
			return
		}
		kinds := t.byte()
		for ; size > 0 && t.err == nil; size-- {
			t.skipElement(kinds >> 4)
			t.skipElement(kinds & 15)
		}
	default:
		t.fail(errThrift)
	}
}

// skipElement reads over an element of a list or map, where a truth takes a byte of its own.
func (t *thriftReader) skipElement(of byte) {
	t.depth++
	if t.depth > maxThriftDepth {
		t.fail(errThrift)
	}
	if of == thriftTrue || of == thriftFalse {
		of = thriftByte
	}
	t.skip(of)
	t.depth--
}
