package ingest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestMaskIsOnDiskBeforeItCounts counts the files that the engine has synced by the time the mask of duplicates is
// made: at least all those that the masked part does not share with the part before it, and its folder. Should a power
// cut take one of them, the engine would go back to the part without the mask.
func TestMaskIsOnDiskBeforeItCounts(t *testing.T) { // not in parallel: the engine counts for all
	for name, setting := range map[string]string{
		"compact part": "min_bytes_for_wide_part = 1000000000", "wide part": "min_bytes_for_wide_part = 0",
	} {
		t.Run(name, func(t *testing.T) {
			w := warehousetest.New(t)
			if err := w.Conn().Exec(t.Context(), "ALTER TABLE usage_events MODIFY SETTING "+setting); err != nil {
				t.Fatal(err)
			}
			mustLoad(t, w, write(t, "one.jsonl", usageLine("b", "acme", 2), usageLine("a", "acme", 4)))
			// A row where the mask looks for what it masks.
			err := w.Conn().Exec(t.Context(), "INSERT INTO duplicate_events (load_seq, row_number) VALUES (1, 2)")
			if err != nil {
				t.Fatal(err)
			}
			files, folders := synced(t, w)
			if err := w.Delete(t.Context(), "ingest/mask_duplicates.sql", warehouse.Params{"load_seq": 1}); err != nil {
				t.Fatal(err)
			}
			filesNow, foldersNow := synced(t, w)
			fresh := freshFiles(t, w)
			if fresh < 3 {
				t.Fatalf("the mask wrote %d files", fresh)
			}
			if filesNow-files < fresh || foldersNow == folders {
				t.Errorf("%d files and %d folders were synced, want %d files and a folder", filesNow-files,
					foldersNow-folders, fresh)
			}
			if n := number(t, w, "SELECT count() FROM usage_events"); n != 1 {
				t.Errorf("%d events are left, want 1", n)
			}
		})
	}
}

// TestReplacementIsOnDiskBeforeItCounts: a row of replaced_events, without which the replaced row counted again beside
// the other, is synced with its folder before the commit, which comes after it.
func TestReplacementIsOnDiskBeforeItCounts(t *testing.T) { // not in parallel: the engine counts for all
	w := warehousetest.New(t)
	options := Options{Source: ingesttest.Canonical(t)}
	options.Source.Keep = schemas.KeepLast
	if _, err := loader(w).Load(t.Context(), []Input{
		write(t, "f.jsonl", usageLine("a", "acme", 1)),
	}, options); err != nil {
		t.Fatal(err)
	}
	var files, folders, filesThen, foldersThen uint64
	config := loader(w).config
	config.Fault = func(point string) {
		switch point {
		case "after-candidates":
			files, folders = synced(t, w)
		case "after-replace":
			filesThen, foldersThen = synced(t, w)
		}
	}
	if _, err := New(config).Load(t.Context(), []Input{
		write(t, "f.jsonl", usageLine("a", "acme", 2)),
	}, options); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "SELECT count() FROM replaced_events"); n != 1 {
		t.Fatalf("%d rows are replaced, want 1", n)
	}
	if files == 0 || filesThen-files < 3 || foldersThen == folders {
		t.Errorf("%d files and %d folders were synced with the replacement", filesThen-files, foldersThen-folders)
	}
}

// synced is how many files and folders the engine has synced since it started.
func synced(t *testing.T, w *warehouse.Warehouse) (files, folders uint64) {
	t.Helper()
	return number(t, w, "SELECT sum(value) FROM system.events WHERE event = 'FileSync'"),
		number(t, w, "SELECT sum(value) FROM system.events WHERE event = 'DirectorySync'")
}

// freshFiles are the files of the part with the mask that it shares with no other part.
func freshFiles(t *testing.T, w *warehouse.Warehouse) (fresh uint64) {
	t.Helper()
	var folder string
	err := w.Conn().QueryRow(t.Context(), "SELECT path FROM system.parts WHERE active AND database = currentDatabase() "+
		"AND table = 'usage_events' AND has_lightweight_delete").Scan(&folder)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Sys().(*syscall.Stat_t).Nlink == 1 {
			fresh++
		}
	}
	return fresh
}
