package ingest

import (
	"slices"
	"testing"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// TestColumnsBehindEachOther: files of columns that were put behind each other, as logs may be, are refused: each
// begins and ends by itself, so the rows of all but one would be missing.
func TestColumnsBehindEachOther(t *testing.T) {
	one, two := ingesttest.Samples(40)[:20], ingesttest.Samples(40)[20:]
	tests := []struct {
		name   string
		decode func([]byte) (ingesttest.Decoded, error)
		files  [2][]byte
	}{
		{
			"Parquet of one shape", func(b []byte) (ingesttest.Decoded, error) { return decodeParquet(t, b) },
			[2][]byte{ingesttest.Parquet(t, one, 100), ingesttest.Parquet(t, one, 100)},
		},
		{
			"Parquet, the first is longer", func(b []byte) (ingesttest.Decoded, error) { return decodeParquet(t, b) },
			[2][]byte{ingesttest.Parquet(t, ingesttest.Samples(400), 1000), ingesttest.Parquet(t, two, 100)},
		},
		{
			"Parquet, the second is longer", func(b []byte) (ingesttest.Decoded, error) { return decodeParquet(t, b) },
			[2][]byte{ingesttest.Parquet(t, two, 100), ingesttest.Parquet(t, ingesttest.Samples(400), 1000)},
		},
		{
			"Arrow files", func(b []byte) (ingesttest.Decoded, error) { return decodeArrow(t, ingesttest.Canonical(t), b) },
			[2][]byte{ingesttest.Arrow(t, one, true, 100), ingesttest.Arrow(t, two, true, 100)},
		},
		{
			"Arrow streams", func(b []byte) (ingesttest.Decoded, error) { return decodeArrow(t, ingesttest.Canonical(t), b) },
			[2][]byte{ingesttest.Arrow(t, one, false, 100), ingesttest.Arrow(t, two, false, 100)},
		},
		{
			"an Arrow stream behind a file", func(b []byte) (ingesttest.Decoded, error) {
				return decodeArrow(t,
					ingesttest.Canonical(t), b)
			},
			[2][]byte{ingesttest.Arrow(t, one, true, 100), ingesttest.Arrow(t, two, false, 100)},
		},
		{
			"an Arrow file behind a stream", func(b []byte) (ingesttest.Decoded, error) {
				return decodeArrow(t,
					ingesttest.Canonical(t), b)
			},
			[2][]byte{ingesttest.Arrow(t, one, false, 100), ingesttest.Arrow(t, two, true, 100)},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for i, file := range test.files {
				if _, err := test.decode(file); err != nil {
					t.Fatalf("file %d alone: %v", i, err)
				}
			}
			d, err := test.decode(slices.Concat(test.files[0], test.files[1]))
			if err == nil {
				t.Errorf("%d events and %d rejects, want the file to be refused", len(d.Events), len(d.Rejects))
			}
		})
	}
}
