package warehouse

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// AnalystAddresses is how other programs read the views of an embedded warehouse, password included: for whoever runs
// the warehouse to hand on, never for a log.
type AnalystAddresses struct {
	DSN      string `json:"dsn"`  // native protocol
	HTTP     string `json:"http"` // HTTP interface, without the login
	User     string `json:"user"`
	Password string `json:"password"`
}

// AnalystAddresses returns the zero value for a server: its owner knows who may read it.
func (w *Warehouse) AnalystAddresses() AnalystAddresses {
	if w.engine == nil {
		return AnalystAddresses{}
	}
	return AnalystAddresses{
		DSN:      w.loginDSN(analystUser, w.engine.passwords.Analyst),
		HTTP:     "http://" + loopbackAddress(w.engine.httpPort()),
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

// Analyst connects as one who may only read: on an embedded warehouse as the user analyst, who sees the views; on a
// server with the login of the DSN and everything but reading switched off. The caller closes the connection.
func (w *Warehouse) Analyst() (driver.Conn, error) {
	options := w.clientOptions(w.target.database)
	if w.engine != nil {
		options.Auth.Username, options.Auth.Password = analystUser, w.engine.passwords.Analyst
	} else {
		options.Settings = clickhouse.Settings{"readonly": 2} // 2: reading, and settings such as time limits
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("connect to warehouse %s: %w: %w", w.target, ErrUnreachable, err)
	}
	return conn, nil
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

// HoldEngine keeps the embedded engine running, starting it again should it end, until the context is done.
func (w *Warehouse) HoldEngine(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		if err := w.engine.revive(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
