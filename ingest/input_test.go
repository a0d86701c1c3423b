package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// TestCompression: compression is told by content, whatever the name says; the hash is that of the stored bytes.
func TestCompression(t *testing.T) {
	text := append([]byte("\xef\xbb\xbf"), bytes.Repeat([]byte(usageLine("a", "acme", 1)+"\n"), 5000)...)
	tests := []struct {
		name   string
		writer func(io.Writer) (io.WriteCloser, error)
	}{
		{"none", nil},
		{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }},
		{"zstd", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }},
		{"lz4", func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }},
		{"snappy", func(w io.Writer) (io.WriteCloser, error) { return s2.NewWriter(w, s2.WriterSnappyCompat()), nil }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stored := bytes.NewBuffer(nil)
			// Two members in a row are one text, as cat makes them.
			for _, part := range [][]byte{text[:1000], text[1000:]} {
				if test.writer == nil {
					stored.Write(part)
					continue
				}
				w, err := test.writer(stored)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(part); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(t.TempDir(), "log.jsonl")
			if err := os.WriteFile(path, stored.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := openInput(t.Context(), Input{Name: path})
			if err != nil {
				t.Fatal(err)
			}
			plain, err := f.plain()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(plain)
			if err != nil || !bytes.Equal(got, text[3:]) {
				t.Fatalf("read %d bytes, %v; want %d without the byte-order mark", len(got), err, len(text)-3)
			}
			sum := sha256.Sum256(stored.Bytes())
			if err := f.unchanged(hex.EncodeToString(sum[:])); err != nil {
				t.Error(err)
			}
			if err := plain.Close(); err != nil {
				t.Error(err)
			}
			if err := f.close(); err != nil {
				t.Error(err)
			}
		})
	}
}
