package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/objects/objectstest"
	"github.com/creditmill/creditmill/warehouse"
)

// TestTwoBackupsToOnePlace: of two backups to one prefix the one that is late sends nothing once the other has begun to
// send, and does not end as a backup once the other has.
func TestTwoBackupsToOnePlace(t *testing.T) {
	store, err := objectstest.New("logs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	t.Setenv("AWS_ENDPOINT_URL", store.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTWO")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
	a := newApp(strings.NewReader(""), io.Discard, io.Discard)
	a.config = &config{Warehouse: "embedded:" + t.TempDir()}
	w, err := a.warehouse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	late := func(prefix, other string) {
		t.Helper()
		_, err := a.backUpTo(context.Background(), w, "s3://logs/"+prefix, func() { // when the copy is made
			if err := store.Put("logs", prefix+other, []byte("another's")); err != nil {
				t.Fatal(err)
			}
		})
		if !errors.Is(err, warehouse.ErrBackup) {
			t.Errorf("%s: %v, want ErrBackup", prefix, err)
		}
		if keys, err := store.Keys("logs"); err != nil || len(keys) != 1 || keys[0] != prefix+other {
			t.Errorf("there are %q (%v), want the other's alone", keys, err)
		}
		if err := store.Delete("logs", prefix+other); err != nil {
			t.Fatal(err)
		}
	}
	late("b1/", "data/.backup")
	late("b2/", "manifest.json")

	place, err := a.openPlace(t.Context(), "back up to", "s3://logs/b3")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put("logs", "b3/manifest.json", []byte("another's")); err != nil {
		t.Fatal(err)
	}
	if err := place.finish(t.Context(), t.TempDir(), warehouse.Manifest{}); !errors.Is(err, warehouse.ErrBackup) {
		t.Errorf("finish beside another's manifest: %v, want ErrBackup", err)
	}
}
