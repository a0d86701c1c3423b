package serve

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// TestSpoolWithoutItsName: rows that were accepted are loaded, also where their file cannot get the name of one that
// is done with.
func TestSpoolWithoutItsName(t *testing.T) {
	var loaded []Segment
	folder := t.TempDir()
	spool, err := OpenSpool(SpoolConfig{
		Directory: folder, Now: time.Now, Log: zerolog.Nop(), Gone: func(int64) {},
		Load: func(_ context.Context, segment Segment) error {
			text, err := os.ReadFile(segment.Path)
			if string(text) != "{}\n" {
				t.Errorf("%s holds %q", segment.Path, text)
			}
			loaded = append(loaded, segment)
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- spool.Run(ctx) }()
	if err := spool.Append(ctx, "one", [][]byte{[]byte("{}")}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	open, err := filepath.Glob(filepath.Join(folder, "one", "*.open"))
	if err != nil || len(open) != 1 {
		t.Fatalf("%v, %v", open, err)
	}
	taken := strings.TrimSuffix(open[0], ".open") + ".jsonl" // a folder that is not empty has the name
	if err := os.MkdirAll(filepath.Join(taken, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Flush(ctx); err == nil {
		t.Error("nobody is told")
	}
	if err := os.RemoveAll(taken); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Flush(ctx); err != nil {
		t.Error(err)
	}
	if len(loaded) != 1 || loaded[0].Name != "events/one/"+filepath.Base(taken) || spool.Waiting() != 0 {
		t.Errorf("loaded %+v, %d bytes wait", loaded, spool.Waiting())
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
