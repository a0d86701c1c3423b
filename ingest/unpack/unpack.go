// Package unpack reads compressed files: gzip, Zstandard, LZ4 and Snappy, told by their first bytes. It refuses a file
// that was cut, and knows nothing of what is inside.
package unpack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// What compressed files begin with.
var (
	gzipMagic   = []byte{0x1f, 0x8b}
	zstdMagic   = []byte{0x28, 0xb5, 0x2f, 0xfd}
	lz4Magic    = []byte{0x04, 0x22, 0x4d, 0x18}
	snappyMagic = []byte("\xff\x06\x00\x00sNaPpY")
)

// compressedSuffixes are what names of compressed files end with.
var compressedSuffixes = []string{".gz", ".zst", ".lz4", ".snappy", ".sz"}

// PlainName is a file's name without the suffixes that say how it is compressed.
func PlainName(file string) string {
	for slices.Contains(compressedSuffixes, strings.ToLower(path.Ext(file))) {
		file = strings.TrimSuffix(file, path.Ext(file))
	}
	return file
}

// Open returns what is stored without compression, which is told by its first bytes. It refuses a file that was cut:
// of the frames of LZ4 and Zstandard the structure is followed here, since a library may take the end of the file at a
// block's border for the end of the frame. What no format tells is a cut between two members, or between two chunks of
// Snappy, which has no end mark.
func Open(stored *bufio.Reader) (io.Reader, func() error, error) {
	nothing := func() error { return nil }
	if err := skipFrames(stored); err != nil {
		return nil, nil, err
	}
	magic, err := peek(stored, len(snappyMagic))
	if err != nil {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		member, err := gzip.NewReader(stored)
		if err != nil {
			return nil, nil, errIfCut(err)
		}
		member.Multistream(false)
		return &gzipMembers{stored: stored, member: member}, nothing, nil
	case bytes.HasPrefix(magic, zstdMagic):
		frames := &frameReader{stored: stored, next: zstdParts}
		unzip, err := zstd.NewReader(frames, zstd.WithDecoderMaxMemory(1<<28))
		if err != nil {
			return nil, nil, err
		}
		return frames.checked(unzip), func() error { unzip.Close(); return nil }, nil
	case bytes.HasPrefix(magic, lz4Magic):
		frames := &frameReader{stored: stored, next: lz4Parts}
		return frames.checked(lz4.NewReader(frames)), nothing, nil
	case bytes.Equal(magic, snappyMagic):
		return cutReader{s2.NewReader(stored)}, nothing, nil
	}
	return stored, nothing, nil
}

// peek looks at no more bytes than there are.
func peek(stored *bufio.Reader, bytes int) ([]byte, error) {
	data, err := stored.Peek(bytes)
	return data, ignoreEOF(err)
}

// skipFrames passes the frames that LZ4 and Zstandard have for other programs' data.
func skipFrames(stored *bufio.Reader) error {
	for {
		head, err := peek(stored, 8)
		if err != nil || len(head) < 8 || head[0]&0xf0 != 0x50 || !bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}) {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(head[4:])) + 8
		if _, err := io.CopyN(io.Discard, stored, size); err != nil {
			return errIfCut(err)
		}
	}
}

// cutReader says of a library's reader where the file was cut.
type cutReader struct{ io.Reader }

func (c cutReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = columnar.ErrCutOff
	}
	return n, err
}

func errIfCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return columnar.ErrCutOff
	}
	return err
}

// behindMember looks at what stands behind a member: nothing, which is io.EOF; the zeros that tapes and aligned disks
// fill up with, to the end; or another member.
func behindMember(stored *bufio.Reader, magic []byte) error {
	head, err := peek(stored, len(magic))
	switch {
	case err != nil:
		return err
	case len(head) == 0:
		return io.EOF
	case bytes.Equal(head, magic):
		return nil
	}
	for {
		head, err := peek(stored, 4096)
		if err != nil {
			return err
		}
		if len(head) == 0 {
			return io.EOF
		}
		if len(bytes.Trim(head, "\x00")) > 0 {
			return errors.New("what follows its compressed part is neither another one nor zeros")
		}
		if _, err := stored.Discard(len(head)); err != nil {
			return err
		}
	}
}

// gzipMembers reads one member after the other.
type gzipMembers struct {
	stored *bufio.Reader
	member *gzip.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.member.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, errIfCut(ignoreEOF(err))
		}
		if err := behindMember(g.stored, gzipMagic); err != nil {
			return 0, err
		}
		if err := g.member.Reset(g.stored); err != nil {
			return 0, errIfCut(err)
		}
		g.member.Multistream(false)
	}
}

// frameReader passes frames on byte for byte and follows their structure meanwhile.
type frameReader struct {
	stored *bufio.Reader
	// next reads the head of the frame's next part into the frameReader and says how many bytes follow it.
	next    func(*frameReader) (size int64, err error)
	head    []byte // what next read and is still to be passed on
	left    int64  // bytes that follow it
	inFrame bool
	check   bool // a checksum ends the frame
	each    bool // a checksum ends every block
	err     error
}

// take reads more of a head.
func (f *frameReader) take(bytes int) ([]byte, error) {
	from := len(f.head)
	f.head = append(f.head, make([]byte, bytes)...)
	if _, err := io.ReadFull(f.stored, f.head[from:]); err != nil {
		return nil, errIfCut(err)
	}
	return f.head[from:], nil
}

// Read returns io.EOF behind the last frame.
func (f *frameReader) Read(p []byte) (int, error) {
	for len(f.head) == 0 && f.left == 0 && f.err == nil {
		f.left, f.err = f.next(f)
	}
	if len(f.head) > 0 && f.err == nil {
		n := copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.stored.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	if err != nil {
		f.err = errIfCut(err)
	}
	return n, f.err
}

// begin goes on to the next frame; io.EOF behind the last.
func (f *frameReader) begin(magic []byte) error {
	if err := skipFrames(f.stored); err != nil {
		return err
	}
	if err := behindMember(f.stored, magic); err != nil {
		return err
	}
	_, err := f.take(len(magic))
	return err
}

// checked prefers what went wrong here to what a library makes of it.
func (f *frameReader) checked(unpacked io.Reader) io.Reader { return &checkedReader{unpacked, f} }

type checkedReader struct {
	io.Reader
	frames *frameReader
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && c.frames.err != nil && !errors.Is(c.frames.err, io.EOF) {
		err = c.frames.err
	}
	return n, err
}

// zstdParts follows RFC 8878: a frame's header, then blocks of which one is the last, then maybe a checksum.
func zstdParts(f *frameReader) (size int64, err error) {
	f.head = f.head[:0]
	if !f.inFrame {
		if err := f.begin(zstdMagic); err != nil {
			return 0, err
		}
		descriptor, err := f.take(1)
		if err != nil {
			return 0, err
		}
		flags := descriptor[0]
		single := flags & 0x20
		size := []int64{0, 1, 2, 4}[flags&3] + []int64{0, 2, 4, 8}[flags>>6]
		if single == 0 {
			size++
		} else if flags>>6 == 0 {
			size++
		}
		f.inFrame, f.check = true, flags&4 != 0
		return size, nil
	}
	block, err := f.take(3)
	if err != nil {
		return 0, err
	}
	head := int64(block[0]) | int64(block[1])<<8 | int64(block[2])<<16
	size = head >> 3
	if kind := head >> 1 & 3; kind == 1 { // one byte, repeated
		size = 1
	}
	if head&1 == 1 {
		f.inFrame = false
		if f.check {
			size += 4
		}
	}
	return size, nil
}

// lz4Parts follows the LZ4 frame format: a descriptor, then blocks up to the end mark, then maybe a checksum.
func lz4Parts(f *frameReader) (size int64, err error) {
	f.head = f.head[:0]
	if !f.inFrame {
		if err := f.begin(lz4Magic); err != nil {
			return 0, err
		}
		descriptor, err := f.take(2)
		if err != nil {
			return 0, err
		}
		flags := descriptor[0]
		f.inFrame, f.check, f.each = true, flags&4 != 0, flags&0x10 != 0
		size = 1 // the header's checksum
		if flags&8 != 0 {
			size += 8
		}
		if flags&1 != 0 {
			return 0, errors.New("it was compressed with a dictionary, which is not supported")
		}
		return size, nil
	}
	mark, err := f.take(4)
	if err != nil {
		return 0, err
	}
	const stored = 1 << 31 // the block is not compressed
	switch word := binary.LittleEndian.Uint32(mark); {
	case word == 0 && f.check:
		f.inFrame, size = false, 4
	case word == 0:
		f.inFrame = false
	default:
		size = int64(word &^ stored)
	}
	if f.each && f.inFrame {
		size += 4
	}
	return size, nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
