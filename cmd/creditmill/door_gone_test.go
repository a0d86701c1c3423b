package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// TestDoorOfADeadEngine: the engine is killed and another program takes its ports. Analysts are let in to the one that
// is started again, and that program is told nothing.
func TestDoorOfADeadEngine(t *testing.T) {
	o := newSample(t).fromOutside()
	var running struct {
		PID        int
		NativePort int `json:"tcp_port"`
		HTTPPort   int `json:"http_port"`
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(o.config), "data", "engine", "running.json"))
	o.must(err)
	o.must(json.Unmarshal(text, &running))
	o.must(syscall.Kill(running.PID, syscall.SIGKILL))
	var told atomic.Int64
	for _, port := range []int{running.NativePort, running.HTTPPort} {
		listener := taken(o, port)
		defer listener.Close() //nolint:errcheck // the test is over
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				n, _ := conn.Read(make([]byte, 1024))
				told.Add(int64(n))
				_ = conn.Close()
			}
		}()
	}
	eventually(o, "by the native protocol", func() bool {
		return o.connect(clickhouse.Native, o.login.User, o.login.Password).Ping(o.Context()) == nil
	})
	eventually(o, "by HTTP", func() bool {
		status, _ := o.ask("/?query=SELECT+1", func(r *http.Request) { r.SetBasicAuth(o.login.User, o.login.Password) })
		return status == http.StatusOK
	})
	if told.Load() > 0 {
		t.Errorf("whoever took the engine's ports was told %d bytes", told.Load())
	}
}

// taken listens on a port as soon as it is free.
func taken(o outside, port int) (listener net.Listener) {
	eventually(o, "take the port", func() (done bool) {
		var err error
		listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		return err == nil
	})
	return listener
}

func eventually(o outside, what string, is func() bool) {
	o.Helper()
	for range 600 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	o.Fatalf("%s: not within half a minute", what)
}
