package warehouse_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestEngineConnectsNowhere: statements that name an address, whose users have no right to them or have one, reach
// nobody. A kernel without Landlock's rights of the network lets them connect: what then holds is what the test says.
func TestEngineConnectsNowhere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close() //nolint:errcheck // the test is over
	var came atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			_ = conn.Close() // it was only counted
		}
	}()
	w := warehousetest.New(t)
	analyst, err := w.Analyst()
	check(t, err)
	defer func() { check(t, analyst.Close()) }()
	for name, conn := range map[string]clickhouse.Conn{"analyst": analyst, "creditmill": w.Conn()} {
		for _, statement := range []string{
			"RESTORE ALL FROM S3('http://" + listener.Addr().String() + "/bucket/x', 'key', 'secret')",
			"RESTORE ALL FROM AzureBlobStorage('http://" + listener.Addr().String() + "/account', 'c', 'p', 'account', 'a2V5')",
		} {
			// The engine tries again and again; a connection would come at once.
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			err := conn.Exec(ctx, statement)
			cancel()
			if err == nil {
				t.Errorf("%s: %s is done", name, statement)
			}
		}
	}
	if count := came.Load(); (count == 0) != warehouse.EngineConnectsNowhere() {
		t.Errorf("%d connections came; the kernel keeps the engine from them: %t", count, warehouse.EngineConnectsNowhere())
	}
}
