package main

import (
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

// faultFile is a file large enough to be in several blocks.
func faultFile(t *testing.T) usageFile {
	t.Helper()
	return writeUsage(t, filepath.Join(t.TempDir(), "usage.jsonl"), 150_000, rand.New(rand.NewPCG(1, 2)),
		map[string]uint64{}, new([]string))
}

// wantRefused loads the file, which must fail with these words, and checks that none of it is visible.
func (p *program) wantRefused(t *testing.T, dsn string, f usageFile, words ...string) {
	t.Helper()
	stdout, stderr, code := p.run(t, dsn, "load", "--json", f.path)
	if code != exitError || stdout != "" {
		t.Errorf("load: exit code %d and %q, want %d and nothing", code, stdout, exitError)
	}
	for _, word := range append(words, f.path) {
		if !strings.Contains(stderr, word) {
			t.Errorf("load says %q, want a word of %q", stderr, word)
		}
	}
}

// TestConnectionCut cuts the connection that carries the rows, in the middle of a block.
func TestConnectionCut(t *testing.T) {
	p, w := newProgram(t)
	f := faultFile(t)
	address, _, user, password, _ := w.Options()
	proxy := cutOnce(t, address, 1<<20)
	dsn := "clickhouse://" + user + ":" + password + "@" + proxy + "/creditmill"
	p.wantRefused(t, dsn, f, "insert")
	wantExactly(t, w, nil)
	p.wantLoaded(t, f)
	wantExactly(t, w, []usageFile{f})
}

// cutOnce passes connections on to the address. The first that has carried so many bytes there is cut.
func cutOnce(t *testing.T, address string, after int64) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // the test is over
	var cut atomic.Bool
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close() //nolint:errcheck // cut or done
				server, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer server.Close()       //nolint:errcheck // cut or done
				go io.Copy(client, server) //nolint:errcheck // ends with either side
				if _, err := io.CopyN(server, client, after); err != nil || cut.CompareAndSwap(false, true) {
					return
				}
				io.Copy(server, client) //nolint:errcheck // ends with either side
			}()
		}
	}()
	return listener.Addr().String()
}

// TestEngineOutOfMemory gives the engine hardly more memory than it takes for itself.
func TestEngineOutOfMemory(t *testing.T) {
	f := faultFile(t)
	p, w := newProgram(t)
	var own int64
	err := w.Conn().QueryRow(t.Context(), "SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'").Scan(&own)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil { // the engine ends with its last user
		t.Fatal(err)
	}
	w = p.open(t, uint64(own)+8<<20)
	// What the engine takes for itself varies: the limit may meet the load or the command as it connects, and the engine
	// may break off before it has said why.
	stdout, stderr, code := p.run(t, p.dsn, "load", "--json", f.path)
	if code == exitOK || stdout != "" || !strings.HasPrefix(stderr, `{"error":{"message":`) {
		t.Errorf("load: exit code %d, %q and %q, want an error", code, stdout, stderr)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = p.open(t, 0)
	var visible uint64 // an engine that is gone cannot clear what it left: the next command does
	if err := w.Conn().QueryRow(t.Context(), "SELECT count() FROM v_events").Scan(&visible); err != nil || visible != 0 {
		t.Fatalf("%d events are visible after a load that failed, %v", visible, err)
	}
	p.wantLoaded(t, f)
	wantExactly(t, w, []usageFile{f})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull has the engine refuse inserts for want of space: first those of rows, then all. A disk that is full in
// earnest would need a small file system of its own, which not every machine lets a test make.
func TestDiskFull(t *testing.T) {
	p, w := newProgram(t)
	f := faultFile(t)
	tables := []string{"usage_events", "duplicate_events", "rejects", "loads"}
	for i, table := range tables {
		full(t, w, table, "MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000")
		if i == 0 || i == len(tables)-1 {
			p.wantRefused(t, p.dsn, f, "space")
		}
	}
	for _, table := range tables {
		full(t, w, table, "RESET SETTING min_free_disk_bytes_to_perform_insert")
	}
	p.wantLoaded(t, f)
	wantExactly(t, w, []usageFile{f})
}

func full(t *testing.T, w *warehouse.Warehouse, table, change string) {
	t.Helper()
	if err := w.Conn().Exec(t.Context(), "ALTER TABLE "+table+" "+change); err != nil {
		t.Fatal(err)
	}
}
