package ingest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	apache "github.com/apache/arrow/go/v15/parquet"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/parquet"
)

// watched runs what reads a hostile input, and fails if it takes long or a lot of memory.
func watched(t *testing.T, mostBytes uint64, run func()) {
	t.Helper()
	const most = 60 * time.Second
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	peak := uint64(0)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(most)
	for {
		select {
		case <-done:
			if peak > mostBytes {
				t.Errorf("the heap grew by %d MB, want at most %d", peak>>20, mostBytes>>20)
			}
			return
		case <-late:
			t.Fatalf("not done after %s", most)
		case <-tick.C:
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
		}
	}
}

// repeat gives a text over and over.
type repeat struct {
	text string
	left int64
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) {
		n += copy(p[n:], r.text)
	}
	n = int(min(int64(n), r.left))
	r.left -= int64(n)
	return n, nil
}

// TestBombs: files of a few kilobytes that unpack to gigabytes take time, and no memory.
func TestBombs(t *testing.T) {
	const unpacked = 1 << 30
	tests := []struct {
		name, file, text string
		writer           func(io.Writer) (io.WriteCloser, error)
	}{
		{"a line of 1 GB", "a.jsonl.gz", "x", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, 1) }},
		{"10,000 levels", "a.jsonl.zst", "[", func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
		}},
		{"an open quote", "a.csv.zst", `"`, func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), test.file)
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			w, err := test.writer(file)
			if err != nil {
				t.Fatal(err)
			}
			head := usageLine("a", "acme", 1) + "\n"
			if strings.Contains(test.file, "csv") {
				head = csvHead + "a,2026-10-01T00:00:00Z,c,m,1,2,\n"
			}
			bomb := io.MultiReader(strings.NewReader(head), &repeat{test.text, unpacked}, strings.NewReader("\n"+head))
			if _, err := io.Copy(w, bomb); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			watched(t, 128<<20, func() {
				preview, err := ReadPreview(t.Context(), Input{Name: path}, Options{Source: ingesttest.Canonical(t)}, 3)
				if err != nil || len(preview.Rows) < 3 || preview.Rows[1].Reason != event.TooLong(defaultMaxLineBytes) {
					t.Errorf("%+v, %v", preview, err)
				}
			})
		})
	}
}

// TestDamagedColumns reads Parquet and Arrow files with bytes changed, cut out or cut off: each ends in an error or in
// rows, soon and without much memory.
func TestDamagedColumns(t *testing.T) {
	all := ingesttest.Samples(200)
	files := map[string][]byte{
		"parquet zstd": ingesttest.Parquet(t, all, 100, apache.WithCompression(ingesttest.Codecs["zstd"]),
			apache.WithDataPageSize(1024)),
		"parquet plain v2": ingesttest.Parquet(t, all, 100, apache.WithDataPageVersion(apache.DataPageV2),
			apache.WithDictionaryDefault(false)),
		"parquet delta": ingesttest.Parquet(t, all, 200, apache.WithDictionaryDefault(false),
			apache.WithEncodingFor("event_id", apache.Encodings.DeltaByteArray),
			apache.WithEncodingFor("input_tokens", apache.Encodings.DeltaBinaryPacked)),
		"arrow file":   ingesttest.Arrow(t, all, true, 100),
		"arrow stream": ingesttest.Arrow(t, all, false, 100),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 4))
			watched(t, 512<<20, func() {
				for range 1500 {
					decodeAny(t, damage(random, file)) //nolint:errcheck // whether it is one is all the same
				}
			})
		})
	}
}

func damage(random *rand.Rand, file []byte) []byte {
	damaged := bytes.Clone(file)
	at := random.IntN(len(file))
	if random.IntN(2) == 0 { // near the end stands what says the most
		at = len(file) - 1 - random.IntN(min(len(file), 1500))
	}
	switch random.IntN(4) {
	case 0:
		return damaged[:at]
	case 1:
		return append(damaged[:at], damaged[min(len(file), at+1+random.IntN(8)):]...)
	}
	for range 1 + random.IntN(3) {
		damaged[at] = []byte{byte(random.IntN(256)), 0xff, 0, 0x7f, 0x80}[random.IntN(5)]
		at = min(len(file)-1, at+random.IntN(4))
	}
	return damaged
}

// decodeAny decodes whatever the data is taken for, as columns if it is that.
func decodeAny(t testing.TB, data []byte) (ingesttest.Decoded, error) {
	if bytes.HasPrefix(data, []byte(parquet.Magic)) {
		return decodeParquet(t, data)
	}
	return decodeArrow(t, ingesttest.Canonical(t), data)
}

// TestLyingLengths: a length that is not so is refused before memory is taken for it.
func TestLyingLengths(t *testing.T) {
	data := ingesttest.Parquet(t, ingesttest.Samples(50), 50, apache.WithDictionaryDefault(false))
	footer := bytes.Clone(data)
	copy(footer[len(footer)-8:], "\xff\xff\xff\x03")
	stream := ingesttest.Arrow(t, ingesttest.Samples(50), false, 50)
	header := bytes.Clone(stream)
	copy(header[4:], "\xff\xff\xff\x7f")
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"Parquet footer":     {footer, "the end of it is missing"},
		"Parquet cut off":    {data[:len(data)/2], "the end of it is missing"},
		"Arrow header":       {header, "at most 16777216 are allowed"},
		"Arrow cut off":      {stream[:len(stream)/2], "the file ends in the middle"},
		"Arrow file cut off": {ingesttest.Arrow(t, ingesttest.Samples(50), true, 50)[:5000], "the file ends in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			watched(t, 64<<20, func() {
				if _, err := decodeAny(t, test.data); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want …%s…", err, test.want)
				}
			})
		})
	}
}

// FuzzParquet and FuzzArrow: no bytes make the readers crash, hang or grow; a row is an event or a reject.
func FuzzParquet(f *testing.F) {
	all := ingesttest.Samples(20)
	f.Add(ingesttest.Parquet(f, all, 10, apache.WithCompression(ingesttest.Codecs["snappy"])))
	f.Add(ingesttest.Parquet(f, all, 20, apache.WithDataPageVersion(apache.DataPageV2),
		apache.WithDictionaryDefault(false),
		apache.WithEncodingFor("event_id", apache.Encodings.DeltaByteArray),
		apache.WithEncodingFor("input_tokens", apache.Encodings.DeltaBinaryPacked)))
	f.Fuzz(func(t *testing.T, data []byte) {
		conserve(t, append([]byte(parquet.Magic), data[min(4, len(data)):]...))
	})
}

func FuzzArrow(f *testing.F) {
	all := ingesttest.Samples(20)
	f.Add(ingesttest.Arrow(f, all, true, 10))
	f.Add(ingesttest.Arrow(f, all, false, 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte(parquet.Magic)) {
			conserve(t, data)
		}
	})
}

func conserve(t *testing.T, data []byte) {
	if len(data) > 1<<20 {
		return
	}
	late := time.AfterFunc(10*time.Second, func() { panic("hangs") })
	defer late.Stop()
	d, err := decodeAny(t, data)
	if err == nil && d.Rows != uint64(len(d.Events)+len(d.Rejects)) {
		t.Fatalf("%d rows became %d events and %d rejects", d.Rows, len(d.Events), len(d.Rejects))
	}
}

// FuzzDecompress: no bytes make a decompressor crash or grow.
func FuzzDecompress(f *testing.F) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("text")) //nolint:errcheck // into memory
	w.Close()               //nolint:errcheck // into memory
	f.Add(packed.Bytes())
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoder.EncodeAll([]byte("text"), nil))
	f.Add([]byte("\x04\x22\x4d\x18\x40\x40\xc0\x04\x00\x00\x80text\x00\x00\x00\x00"))
	f.Add([]byte("\xff\x06\x00\x00sNaPpY\x01\x08\x00\x00\x00\x00\x00\x00text"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := openInput(t.Context(), Input{Name: "-", Reader: bytes.NewReader(data)})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := file.plain()
		if err != nil {
			return
		}
		io.Copy(io.Discard, io.LimitReader(plain, 64<<20)) //nolint:errcheck // any end is fine
		plain.Close()                                      //nolint:errcheck // likewise
	})
}

// TestWideRows reads rows so wide that few of them make a batch, also where they stand behind many that are not.
func TestWideRows(t *testing.T) {
	const narrow, wide, width = 20_000, 1500, 48 << 10
	all := ingesttest.Samples(narrow + wide)
	for i := range all[narrow:] {
		all[narrow+i].Properties = `{"a":"` + strings.Repeat(string(rune('a'+i%26)), width) + `"}`
	}
	source := ingesttest.Canonical(t)
	stored := ingesttest.Parquet(t, all, len(all), apache.WithDictionaryDefault(false),
		apache.WithCompression(ingesttest.Codecs["zstd"]))
	fromParquet, columns, err := ingesttest.SearchColumns(source, openParquet(stored))
	if err != nil {
		t.Fatal(err)
	}
	fromArrow, arrowColumns, err := ingesttest.SearchColumns(source,
		openArrow(ingesttest.Arrow(t, all, true, len(all))))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		reader  columnar.Reader
		columns []event.WantedColumn
	}{{"parquet", fromParquet, columns.List}, {"arrow", fromArrow, arrowColumns.List}} {
		t.Run(test.name, func(t *testing.T) {
			at := func(path string) int {
				return slices.IndexFunc(test.columns, func(c event.WantedColumn) bool { return c.Text == path })
			}
			ids, properties := at("event_id"), at("properties")
			read := 0
			for {
				batch, err := test.reader.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if size := len(batch.Vectors[properties].Text.Wire); size > columnar.MaxBatchText {
					t.Errorf("a batch of %d rows with %d bytes of text", batch.Rows, size)
				}
				for row := range batch.Rows {
					want := all[read+row]
					if id := batch.Vectors[ids].At(row); string(id) != want.ID {
						t.Fatalf("row %d has the id %q, want %q", read+row, id, want.ID)
					}
					got := ""
					if v := &batch.Vectors[properties]; !v.IsNull(row) {
						got = string(v.At(row))
					}
					if got != want.Properties {
						t.Fatalf("row %d has other properties: %d bytes, want %d", read+row, len(got), len(want.Properties))
					}
				}
				read += batch.Rows
				batch.Release()
			}
			if err := test.reader.Close(); err != nil || read != len(all) {
				t.Errorf("%d rows, %v, want %d", read, err, len(all))
			}
		})
	}
}
