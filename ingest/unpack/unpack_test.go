package unpack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/creditmill/creditmill/ingest/columnar"
)

func closed(t *testing.T, w io.WriteCloser, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// memberPackers make a member of each compression, of several blocks.
func memberPackers(t *testing.T) map[string]func(string) []byte {
	lz4With := func(options ...lz4.Option) func(string) []byte {
		return func(text string) []byte {
			var b bytes.Buffer
			w := lz4.NewWriter(&b)
			if err := w.Apply(append(options, lz4.BlockSizeOption(lz4.Block64Kb))...); err != nil {
				t.Fatal(err)
			}
			closed(t, w, text)
			return b.Bytes()
		}
	}
	return map[string]func(string) []byte{
		"gzip": func(text string) []byte {
			var b bytes.Buffer
			closed(t, gzip.NewWriter(&b), text)
			return b.Bytes()
		},
		"zstd": func(text string) []byte {
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<10))
			if err != nil {
				t.Fatal(err)
			}
			closed(t, w, text)
			return b.Bytes()
		},
		"zstd, size in its header, no checksum": func(text string) []byte {
			w, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false))
			if err != nil {
				t.Fatal(err)
			}
			return w.EncodeAll([]byte(text), nil)
		},
		"lz4":                        lz4With(),
		"lz4, checksum of blocks":    lz4With(lz4.BlockChecksumOption(true), lz4.ChecksumOption(false)),
		"lz4, size and no checksums": lz4With(lz4.SizeOption(1<<20), lz4.ChecksumOption(false)),
	}
}

func unpacked(data []byte) (string, error) {
	reader, closeReader, err := Open(bufio.NewReader(bytes.NewReader(data)))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(reader)
	return string(text), errors.Join(err, closeReader())
}

// sampleText is many blocks, some of which compress and some do not.
func sampleText() string {
	var b strings.Builder
	for i := range 1 << 17 {
		b.WriteString("{\"n\":")
		for n := uint64(i)*0x9e3779b97f4a7c15 + 1; b.Len()%3 != 0; n >>= 7 {
			b.WriteByte(byte('a' + n%26))
		}
		b.WriteString("}\n")
	}
	return b.String()[:1<<20]
}

// Wherever a member is cut, the file is refused; of a whole one, nothing is missing.
func TestCutMembers(t *testing.T) {
	text := sampleText()
	for name, pack := range memberPackers(t) {
		t.Run(name, func(t *testing.T) {
			whole := pack(text)
			if got, err := unpacked(whole); err != nil || got != text {
				t.Fatalf("whole: %d bytes of %d, %v", len(got), len(text), err)
			}
			step := max(1, len(whole)/600)
			for size := 11; size < len(whole); size += step {
				if got, err := unpacked(whole[:size]); !errors.Is(err, columnar.ErrCutOff) {
					t.Fatalf("%d of %d bytes were read as %d of %d bytes of text: %v", size, len(whole), len(got), len(text), err)
				}
			}
			for size := len(whole) - 20; size < len(whole); size++ {
				if _, err := unpacked(whole[:size]); err == nil {
					t.Fatalf("without its last %d bytes it is read", len(whole)-size)
				}
			}
		})
	}
}

// An LZ4 frame that ends at each block's border is the cut that a library takes for the end.
func TestLZ4CutAtABlock(t *testing.T) {
	text := sampleText()
	whole := memberPackers(t)["lz4"](text)
	at, borders := 7, 0
	for at+4 <= len(whole) {
		if _, err := unpacked(whole[:at]); !errors.Is(err, columnar.ErrCutOff) {
			t.Fatalf("cut at the border at byte %d: %v", at, err)
		}
		size := int(binary.LittleEndian.Uint32(whole[at:]) &^ (1 << 31))
		borders++
		if size == 0 {
			break
		}
		at += 4 + size
	}
	if borders < 3 {
		t.Fatalf("%d borders of blocks were found", borders)
	}
}

func TestMembersAndWhatLiesAmongThem(t *testing.T) {
	skippable := []byte("\x5a\x2a\x4d\x18\x05\x00\x00\x00hello")
	zeros := make([]byte, 10_000)
	for name, pack := range memberPackers(t) {
		one, two := pack("one\n"), pack("two\n")
		join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
		frames := name != "gzip"
		tests := []struct {
			name  string
			data  []byte
			want  string
			fails bool
			only  bool // of formats with skippable frames
		}{
			{name: "several members", data: join(one, two, one), want: "one\ntwo\none\n"},
			{name: "an empty member among them", data: join(one, pack(""), two), want: "one\ntwo\n"},
			{name: "zeros to the end of a tape's block", data: join(one, two, zeros), want: "one\ntwo\n"},
			{name: "one zero", data: join(one, zeros[:1]), want: "one\n"},
			{name: "a member behind zeros", data: join(one, zeros, two), fails: true},
			{name: "text behind it", data: join(one, []byte("plain\n")), fails: true},
			{name: "less than another beginning", data: join(one, two[:1]), fails: true},
			{name: "skippable frame first", data: join(skippable, one), want: "one\n", only: true},
			{name: "skippable frames first", data: join(skippable, skippable, one), want: "one\n", only: true},
			{name: "skippable frame between", data: join(one, skippable, two), want: "one\ntwo\n", only: true},
			{name: "skippable frame last", data: join(one, skippable), want: "one\n", only: true},
			{name: "skippable frame that is cut", data: join(one, skippable[:10]), fails: true, only: true},
		}
		for _, test := range tests {
			if test.only && !frames {
				continue
			}
			t.Run(name+"/"+test.name, func(t *testing.T) {
				got, err := unpacked(test.data)
				if (err != nil) != test.fails || (!test.fails && got != test.want) {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
	}
}

// Snappy's frames have no end mark: inside a chunk a cut is seen, between two chunks nothing tells.
func TestSnappyCut(t *testing.T) {
	var b bytes.Buffer
	closed(t, s2.NewWriter(&b, s2.WriterSnappyCompat()), sampleText())
	seen, unseen := 0, 0
	for size := 10; size < b.Len(); size += 997 {
		if _, err := unpacked(b.Bytes()[:size]); err != nil {
			seen++
		} else {
			unseen++
		}
	}
	if unseen > 1 || seen < 10 {
		t.Errorf("%d cuts were seen, %d were not", seen, unseen)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Add([]byte("\x04\x22\x4d\x18\x40\x40\xc0\x00\x00\x00\x00"))
	f.Add([]byte("\x5a\x2a\x4d\x18\x05\x00\x00\x00hello"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		reader, closeReader, err := Open(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		_, err = io.CopyN(io.Discard, reader, 1<<22)
		if closing := closeReader(); err == nil && closing != nil {
			t.Fatal(closing)
		}
	})
}
