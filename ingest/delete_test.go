package ingest

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestWatch: work that waits is ended when there is no room several times in a row, and only then.
func TestWatch(t *testing.T) {
	other := errors.New("nobody answers")
	for name, found := range map[string][]error{
		"no room": {ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom},
		"no room for long": {
			ErrNoRoom, ErrNoRoom, nil, ErrNoRoom, other, ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom,
		},
		"room": {ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom, nil},
	} {
		t.Run(name, func(t *testing.T) {
			looks := 0
			enough := make(chan struct{})
			err := watch(t.Context(), time.Millisecond, func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-enough:
					return nil
				}
			}, func(ctx context.Context) error {
				err := found[looks]
				if looks++; looks == len(found) && !errors.Is(err, ErrNoRoom) {
					close(enough)
					<-ctx.Done()
				}
				return err
			})
			if want := found[len(found)-1]; looks != len(found) || !errors.Is(err, want) {
				t.Errorf("%d looks and %v, want %d and %v", looks, err, len(found), want)
			}
		})
	}
}

// TestDeleteThatWaits: a DELETE that waits for something else than room is waited for.
func TestDeleteThatWaits(t *testing.T) {
	w := warehousetest.New(t)
	mustLoad(t, w, write(t, "usage.jsonl", event("a", "acme", 1)))
	run := func(statement string) {
		if err := w.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	run("SYSTEM STOP MERGES usage_events")
	deleted := make(chan error, 1)
	go func() { deleted <- remove(t.Context(), w, 1, "ingest/remove_events.sql") }()
	const waiting = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND is_done = 0"
	for number(t, w, waiting) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	var needed, free uint64
	err := w.QueryRow(t.Context(), "ingest/delete_without_room.sql", nil, &needed, &free)
	if !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("%d bytes are needed and %d are free, %v", needed, free, err)
	}
	run("SYSTEM START MERGES usage_events")
	if err := <-deleted; err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "SELECT count() FROM usage_events"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
