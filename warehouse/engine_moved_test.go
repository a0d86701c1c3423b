package warehouse_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// TestEngineAtOtherPorts: an engine that was killed may be started again by another command, and its ports may be
// somebody else's by then. Whoever knew the old ones follows.
func TestEngineAtOtherPorts(t *testing.T) {
	directory := t.TempDir()
	first, second := open(t, directory), open(t, directory)
	defer func() { check(t, first.Close()) }()
	defer func() { check(t, second.Close()) }()
	ask := func(w *warehouse.Warehouse) {
		t.Helper()
		check(t, w.OutliveEngine(context.Background(), func() error {
			return w.Conn().Exec(context.Background(), "SELECT 1")
		}))
	}
	ask(first)
	old, _, _, _, _ := first.Options()
	check(t, syscall.Kill(first.EnginePID(), syscall.SIGKILL))
	squatter, err := net.Listen("tcp", old)
	for begun := time.Now(); err != nil && time.Since(begun) < 10*time.Second; squatter, err = net.Listen("tcp", old) {
		time.Sleep(time.Millisecond)
	}
	check(t, err)
	ask(second)
	check(t, squatter.Close()) // the old port refuses from now on
	if now, _, _, _, _ := second.Options(); now == old {
		t.Fatalf("the engine listens at %s again", now)
	}
	ask(first)
}
