package serve

import (
	"context"
	"errors"
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
	if err := spool.Append(ctx, "one", Rows{Lines: [][]byte{[]byte("{}")}}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	open, err := filepath.Glob(filepath.Join(folder, "segments", "one", "*.open"))
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

// TestSpoolOfAnyID: rows come back for the source that they were accepted for, whatever its id looks like in a path,
// and nothing is written beside the folder.
func TestSpoolOfAnyID(t *testing.T) {
	ids := []string{"..", ".", "uploads", "team/gw", "../x", "50%", "a b", "segments"}
	beside := t.TempDir()
	config := SpoolConfig{
		Directory: filepath.Join(beside, "spool"), Now: time.Now, Log: zerolog.Nop(), Gone: func(int64) {},
		Load: func(context.Context, Segment) error { return errors.New("not now") },
	}
	spool, err := OpenSpool(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- spool.Run(ctx) }()
	for _, id := range ids {
		if err := spool.Append(ctx, id, Rows{Lines: [][]byte{[]byte(id)}}, func(int64) {}); err != nil {
			t.Fatal(id, err)
		}
	}
	stop()
	if err := <-ended; err == nil {
		t.Fatal("it was loaded")
	}
	if left, err := Left(config.Directory, time.Now().Add(time.Hour)); err != nil || left.IsZero() {
		t.Errorf("nothing is left: %v", err)
	}
	if left, err := Left(config.Directory, time.Now().Add(-time.Hour)); err != nil || !left.IsZero() {
		t.Errorf("left since %s (%v), want none of an hour ago", left, err)
	}
	if entries, err := os.ReadDir(beside); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder: %v, %v", entries, err)
	}
	got := map[string]string{}
	config.Load = func(_ context.Context, segment Segment) error {
		text, err := os.ReadFile(segment.Path)
		got[segment.Source] = strings.TrimSpace(string(text))
		return err
	}
	if spool, err = OpenSpool(config); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if got[id] != id {
			t.Errorf("source %q has %q", id, got[id])
		}
	}
	if left, err := Left(config.Directory, time.Now().Add(time.Hour)); err != nil || !left.IsZero() {
		t.Errorf("left since %s (%v), want nothing", left, err)
	}
}
