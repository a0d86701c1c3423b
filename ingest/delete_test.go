package ingest

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestDeleteThatWaits: a DELETE that waits for something else than room is waited for.
func TestDeleteThatWaits(t *testing.T) {
	w := warehousetest.New(t)
	mustLoad(t, w, write(t, "usage.jsonl", usageLine("a", "acme", 1)))
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
	err := w.QueryRow(t.Context(), "warehouse/delete_without_room.sql", nil, &needed, &free)
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
