package parquet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxPageBytes bounds a page, before and after it is unpacked. Writers make pages of about a megabyte.
const maxPageBytes = 128 << 20

// The kinds of page.
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3
)

// pageHeader stands before every page of a column chunk.
type pageHeader struct {
	kind                     int64
	unpackedBytes, size      int64 // unpacked, and as stored
	checksum                 *uint32
	values                   int64 // nulls included
	encoding                 int64
	defEncoding, repEncoding int64 // of pageData
	defBytes, repBytes       int64 // of pageDataV2, whose levels are never compressed
	compressed               bool
}

// readPageHeader reads a header and checks what it says against what there can be.
func readPageHeader(r *bufio.Reader, left int64) (pageHeader, int64, error) {
	h := pageHeader{kind: -1, compressed: true}
	t := thriftReader{r: r, left: left}
	numbers := func(targets map[int16]*int64) func(int16, byte) bool {
		return func(id int16, of byte) bool {
			target := targets[id]
			if target == nil || of != thriftI32 {
				return false
			}
			*target = t.int()
			return true
		}
	}
	inner := map[int16]func(int16, byte) bool{
		5: numbers(map[int16]*int64{1: &h.values, 2: &h.encoding, 3: &h.defEncoding, 4: &h.repEncoding}),
		7: numbers(map[int16]*int64{1: &h.values, 2: &h.encoding}),
		8: func(id int16, of byte) bool {
			if id == 7 {
				h.compressed = of == thriftTrue
				return false
			}
			return numbers(map[int16]*int64{1: &h.values, 4: &h.encoding, 5: &h.defBytes, 6: &h.repBytes})(id, of)
		},
	}
	outer := numbers(map[int16]*int64{1: &h.kind, 2: &h.unpackedBytes, 3: &h.size})
	t.fields(func(id int16, of byte) bool {
		switch {
		case id == 4 && of == thriftI32:
			checksum := uint32(t.int())
			h.checksum = &checksum
			return true
		case of == thriftStruct && inner[id] != nil:
			t.fields(inner[id])
			return true
		}
		return outer(id, of)
	})
	if t.err != nil {
		return h, 0, fmt.Errorf("read page header: %w", t.err)
	}
	if h.size < 0 || h.unpackedBytes < 0 || h.values < 0 || h.defBytes < 0 || h.repBytes < 0 || h.size > t.left ||
		h.defBytes > h.unpackedBytes || h.repBytes > h.unpackedBytes-h.defBytes || h.defBytes+h.repBytes > h.size {
		return h, 0, fmt.Errorf("read page header: %w", errThrift)
	}
	if h.size > maxPageBytes || h.unpackedBytes > maxPageBytes {
		return h, 0, fmt.Errorf("a page has %d bytes, at most %d are allowed: write the file with smaller pages",
			max(h.size, h.unpackedBytes), int64(maxPageBytes))
	}
	return h, left - t.left, nil
}

// The codecs of pages.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecBrotli = 4
	codecLZ4    = 5 // with Hadoop's lengths before each block
	codecZstd   = 6
	codecLZ4Raw = 7
)

// unpacker decompresses pages into buffers whose size is known, so that a page that says less than it holds costs
// nothing.
type unpacker struct {
	zstd *zstd.Decoder
	gzip *gzip.Reader
}

var errUnpacked = errors.New("a page does not unpack to the size it should have")

func (u *unpacker) unpack(codec int64, to, from []byte) error {
	switch codec {
	case codecNone:
		if len(to) != len(from) {
			return errUnpacked
		}
		copy(to, from)
		return nil
	case codecSnappy:
		if n, err := s2.DecodedLen(from); err != nil || n != len(to) {
			return errors.Join(errUnpacked, err)
		}
		_, err := s2.Decode(to, from)
		return err
	case codecGzip:
		return u.unpackGzip(to, from)
	case codecBrotli:
		return readExactly(brotli.NewReader(bytes.NewReader(from)), to)
	case codecLZ4:
		return unpackHadoop(to, from)
	case codecLZ4Raw:
		return unpackLZ4(to, from)
	case codecZstd:
		return u.unpackZstd(to, from)
	}
	return fmt.Errorf("the compression with number %d is not read: use zstd, snappy or gzip", codec)
}

func (u *unpacker) unpackGzip(to, from []byte) (err error) {
	if u.gzip == nil {
		u.gzip, err = gzip.NewReader(bytes.NewReader(from))
	} else {
		err = u.gzip.Reset(bytes.NewReader(from))
	}
	if err != nil {
		return err
	}
	return readExactly(u.gzip, to)
}

func (u *unpacker) unpackZstd(to, from []byte) (err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPageBytes))
		if err != nil {
			return err
		}
	}
	unpacked, err := u.zstd.DecodeAll(from, to[:0])
	if err == nil && len(unpacked) != len(to) {
		err = errUnpacked
	}
	return err
}

func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}

func readExactly(r io.Reader, to []byte) error {
	if _, err := io.ReadFull(r, to); err != nil {
		return errors.Join(errUnpacked, err)
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); !errors.Is(err, io.EOF) {
		return errors.Join(errUnpacked, err)
	}
	return nil
}

func unpackLZ4(to, from []byte) error {
	if len(to) == 0 && len(from) <= 1 {
		return nil
	}
	n, err := lz4.UncompressBlock(from, to)
	if err == nil && n != len(to) {
		err = errUnpacked
	}
	return err
}

func unpackHadoop(to, from []byte) error {
	all, packed := to, from
	for len(from) >= 8 {
		unpackedBytes, size := binary.BigEndian.Uint32(from), binary.BigEndian.Uint32(from[4:])
		from = from[8:]
		if uint64(unpackedBytes) > uint64(len(to)) || uint64(size) > uint64(len(from)) {
			return unpackLZ4(all, packed) // as some writers did
		}
		if err := unpackLZ4(to[:unpackedBytes], from[:size]); err != nil {
			return unpackLZ4(all, packed)
		}
		to, from = to[unpackedBytes:], from[size:]
	}
	if len(to) != 0 || len(from) != 0 {
		return errUnpacked
	}
	return nil
}

// page is a page as it is decoded.
type page struct {
	pageHeader
	rep, def, data []byte // levels and values, unpacked
}

// pageBuffers hold a page of a column, as it is stored and unpacked. The next page of the column takes their place.
type pageBuffers struct{ stored, unpacked []byte }

// readPage reads and unpacks the page behind the header.
func (u *unpacker) readPage(r io.Reader, h pageHeader, codec int64, buffers *pageBuffers,
	levels func(*page, []byte) error,
) (*page, error) {
	stored, unpacked := sized(&buffers.stored, int(h.size)), sized(&buffers.unpacked, int(h.unpackedBytes))
	if _, err := io.ReadFull(r, stored); err != nil {
		return nil, err
	}
	if h.checksum != nil && crc32.ChecksumIEEE(stored) != *h.checksum {
		return nil, errors.New("a page's checksum is wrong")
	}
	p := &page{pageHeader: h}
	plain := int(h.repBytes + h.defBytes)
	copy(unpacked, stored[:plain])
	if !h.compressed {
		codec = codecNone
	}
	if err := u.unpack(codec, unpacked[plain:], stored[plain:]); err != nil {
		return nil, fmt.Errorf("unpack page: %w", err)
	}
	if h.kind == pageDataV2 {
		p.rep, p.def, p.data = unpacked[:h.repBytes], unpacked[h.repBytes:plain], unpacked[plain:]
		return p, nil
	}
	return p, levels(p, unpacked)
}

// sized returns the buffer with so many bytes, whatever they are.
func sized(buffer *[]byte, bytes int) []byte {
	if cap(*buffer) < bytes {
		*buffer = make([]byte, bytes)
	}
	*buffer = (*buffer)[:bytes]
	return *buffer
}
