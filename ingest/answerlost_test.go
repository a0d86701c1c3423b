package ingest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestCommitAnswerLost loses the answer to the insert that commits: the row is stored, the client does not know it. Not
// in parallel with tests that kill loads, which may take the engine along.
func TestCommitAnswerLost(t *testing.T) {
	dsn := warehousetest.NewDSN()
	direct := warehousetest.Open(t, dsn)
	address, database, user, password, _ := direct.Options()
	for _, reachable := range []bool{true, false} {
		proxy := newMuteProxy(t, address)
		through := warehouse.Config{
			DSN: "clickhouse://" + user + ":" + password + "@" + proxy.listener.Addr().String() + "/" + database, Now: time.Now,
		}
		var w *warehouse.Warehouse
		// The connections that were cut before may have taken the engine along; the ping starts it again.
		err := direct.OutliveEngine(t.Context(), func() error {
			err := direct.Conn().Ping(t.Context())
			if err == nil {
				w, err = warehouse.Open(t.Context(), through)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		l := New(Config{Warehouse: w, Now: time.Now, Fault: func(point string) {
			if point == "before-commit" {
				proxy.mute(!reachable)
			}
		}})
		id := map[bool]string{true: "a", false: "b"}[reachable]
		input := write(t, id+".jsonl", usageLine(id, "acme", 1))
		results, err := l.Load(t.Context(), []Input{input}, Options{Source: ingesttest.Canonical(t)})
		if reachable {
			if err != nil {
				t.Fatal(err)
			}
			wantCounts(t, results, "ld_1 committed: 1 = 1 + 0 dup + 0 conflict + 0 rejected, input 1")
		} else if err == nil || len(results) != 0 {
			t.Errorf("load: %v, %v; want an error, since nobody knows", results, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	wantVisible(t, direct, "a acme 1 ld_1 1", "b acme 1 ld_2 1")
}

// muteProxy passes connections on until it is muted: then what the server answers on those that are open is dropped,
// and they are closed a moment later.
type muteProxy struct {
	test     *testing.T
	listener net.Listener
	address  string
	mutex    sync.Mutex
	clients  map[net.Conn]bool
	refusing bool
}

func newMuteProxy(t *testing.T, address string) *muteProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &muteProxy{test: t, listener: listener, address: address, clients: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // the test is over
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.pass(client)
		}
	}()
	return p
}

func (p *muteProxy) pass(client net.Conn) {
	defer client.Close() //nolint:errcheck // cut or done
	server, err := net.Dial("tcp", p.address)
	if err != nil {
		return
	}
	// The server is left in the dark: the embedded engine may end when its client vanishes, which is another fault.
	p.test.Cleanup(func() { server.Close() }) //nolint:errcheck // the test is over
	p.mutex.Lock()
	refusing := p.refusing
	p.clients[client] = false
	p.mutex.Unlock()
	if refusing {
		return
	}
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			p.mutex.Lock()
			muted := p.clients[client]
			p.mutex.Unlock()
			if muted && n > 0 { // the server has done what it was asked and says so
				time.Sleep(300 * time.Millisecond)
				client.Close()              //nolint:errcheck // this is the fault
				io.Copy(io.Discard, server) //nolint:errcheck // until the test is over
				return
			}
			if err == nil {
				_, err = client.Write(buffer[:n])
			}
			if err != nil {
				client.Close() //nolint:errcheck // done
				return
			}
		}
	}()
	io.Copy(server, client) //nolint:errcheck // ends with either side
	p.mutex.Lock()
	muted := p.clients[client]
	p.mutex.Unlock()
	if !muted {
		server.Close() //nolint:errcheck // the client is done
	}
}

// mute drops the next answers. With refuse, no further connection is passed on.
func (p *muteProxy) mute(refuse bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusing = refuse
	for client := range p.clients {
		p.clients[client] = true
	}
}
