package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// AnalystAddresses is how other programs read the views of an embedded warehouse, password included: for whoever runs
// the warehouse to hand on, never for a log.
type AnalystAddresses struct {
	DSN      string `json:"dsn"`            // native protocol
	HTTP     string `json:"http,omitempty"` // HTTP interface, without the login; empty while it is closed
	User     string `json:"user"`
	Password string `json:"password"`
}

// AnalystLimits are what a query of the analyst may take of an embedded warehouse; one that would take more ends with
// an error. 0 is the default of each.
type AnalystLimits struct {
	MemoryBytes uint64 // of one query; all at once may take twice as much. Default 1,000,000,000
	Seconds     uint64 // a client that asks for more is refused. Default 300
	Rows        uint64 // of the answer; default 1,000,000
}

func (l AnalystLimits) orDefaults() AnalystLimits {
	return AnalystLimits{
		MemoryBytes: cmp.Or(l.MemoryBytes, 1_000_000_000), Seconds: cmp.Or(l.Seconds, 300), Rows: cmp.Or(l.Rows, 1_000_000),
	}
}

// DialEngine connects to the engine of an embedded warehouse by the native protocol, wherever it listens by now. One
// that has ended is started again first, so whoever took its port is told nothing.
func (w *Warehouse) DialEngine(ctx context.Context) (net.Conn, error) { return w.engine.dial(ctx, "") }

// DialEngineHTTP is DialEngine by HTTP, which answers once OpenHTTP was called.
func (w *Warehouse) DialEngineHTTP(ctx context.Context) (net.Conn, error) {
	return w.engine.dialHTTP(ctx)
}

// AnalystAddresses returns the zero value for a server: its owner knows who may read it.
func (w *Warehouse) AnalystAddresses() AnalystAddresses {
	if w.engine == nil {
		return AnalystAddresses{}
	}
	return AnalystAddresses{
		DSN:      w.loginDSN(analystUser, w.engine.passwords.Analyst),
		User:     analystUser,
		Password: w.engine.passwords.Analyst,
	}
}

// FullDSN names an embedded warehouse with the login that may do everything, for its owner to use in other programs.
// It is empty for a server.
func (w *Warehouse) FullDSN() string {
	if w.engine == nil {
		return ""
	}
	return w.loginDSN(w.target.user, w.target.password)
}

func (w *Warehouse) loginDSN(user, password string) string {
	address := url.URL{
		Scheme: "clickhouse", User: url.UserPassword(user, password), Host: w.engine.address(), Path: "/" + w.target.database,
	}
	return address.String()
}

// Analyst connects as one who may only read: on an embedded warehouse as a user who sees the views, as analyst does,
// but without its limits; on a server with the login of the DSN and everything but reading switched off. The caller
// closes the connection.
func (w *Warehouse) Analyst() (driver.Conn, error) {
	options := w.clientOptions(w.target.database)
	if w.engine != nil {
		options.Auth.Username, options.Auth.Password = readerUser, w.engine.passwords.Reader
	} else {
		options.Settings["readonly"] = 2 // reading, and settings such as time limits
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("connect to warehouse %s: %w: %w", w.target, ErrUnreachable, err)
	}
	return conn, nil
}

// ReadView reads all rows of a view, as whoever the connection of Analyst may be.
func ReadView(ctx context.Context, analyst driver.Conn, view string) (driver.Rows, error) {
	ctx, text, err := prepare(ctx, "warehouse/export_view.sql", Params{"view": view})
	if err != nil {
		return nil, fmt.Errorf("read view %s: %w", view, err)
	}
	rows, err := analyst.Query(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("read view %s: %w", view, err)
	}
	return rows, nil
}

// ShowProperties says whether v_events and v_duplicates show the properties of log rows. It is kept in the warehouse,
// so it holds for every reader of the views, whatever program asks. Before the first call they are shown. now is when
// it is said; nothing is written where nothing changes.
func (w *Warehouse) ShowProperties(ctx context.Context, shown bool, now time.Time) error {
	value := map[bool]string{true: "shown", false: "hidden"}[shown]
	var present string
	if err := w.QueryRow(ctx, "warehouse/analyst_properties.sql", nil, &present); err != nil {
		return fmt.Errorf("read settings of the warehouse: %w", err)
	}
	if present == value {
		return nil
	}
	err := w.Exec(ctx, "warehouse/set_analyst_properties.sql", Params{"value": value, "now": now.UTC()})
	if err != nil {
		return fmt.Errorf("keep settings in the warehouse: %w", err)
	}
	return nil
}

// OpenHTTP opens the HTTP interface of an embedded warehouse and returns its address. Without it, no HTTP port is open.
func (w *Warehouse) OpenHTTP(ctx context.Context) (string, error) {
	address := loopbackAddress(w.engine.httpPort())
	if err := w.Exec(ctx, "warehouse/listen_http.sql", nil); err != nil {
		return "", fmt.Errorf("open the HTTP interface on %s (if the port is taken, end all commands that use %s and "+
			"remove engine/running.json in it; another port is chosen then): %w", address, w.target, err)
	}
	return "http://" + address, nil
}

// HoldEngine keeps the embedded engine running, starting it again should it end, until the context is done. With http
// it keeps the HTTP interface open, too, and closes it in the end.
func (w *Warehouse) HoldEngine(ctx context.Context, http bool) error {
	for {
		select {
		case <-ctx.Done():
			if !http {
				return nil
			}
			return w.Exec(context.WithoutCancel(ctx), "warehouse/listen_http_end.sql", nil)
		case <-time.After(time.Second):
		}
		err := w.engine.revive(ctx)
		if err == nil && http && !w.engine.answersHTTP(ctx) {
			_, err = w.OpenHTTP(ctx)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}
