package warehouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/sql"
)

// ErrShard is returned when a shard of a cluster does not answer, or is not as creditmill can use it. Nothing is read
// without it: a figure that lacks a shard's rows would be wrong.
var ErrShard = errors.New("shard is not usable")

// clusterVersion is the oldest server that a cluster was tried with.
const clusterVersion = "26.7"

// shardSuffix ends the name of the database that every shard has beside the warehouse's own, which only home has.
const shardSuffix = "_shard"

// shardTables grow with the usage and are spread over the shards, whole loads at a time. On home the same names are
// Distributed tables over them; all other tables are home's alone.
var shardTables = []string{"usage_events", "duplicate_events", "rejects", "usage_daily"}

// clusterSettings go with every statement that is sent to a cluster.
var clusterSettings = clickhouse.Settings{
	// By its default a GLOBAL IN above a UNION ALL of Distributed tables silently finds nothing.
	"allow_push_predicate_ast_for_distributed_subqueries": 0,
	"skip_unavailable_shards":                             0, // a shard that is away is an error
	"distributed_foreground_insert":                       1, // rows are on their shard when an insert returns
	"parallel_distributed_insert_select":                  0, // else an insert would leave rows where they were read
}

// viewSetting ends each view of a cluster, so that it is right whatever its reader has set.
const viewSetting = "allow_push_predicate_ast_for_distributed_subqueries = 0"

// shard is one server of a cluster, with connections of its own to it.
type shard struct {
	number  uint32
	address string
	conn    driver.Conn // its current database is that of the shards
}

func (s shard) String() string { return fmt.Sprintf("shard %d (%s)", s.number, s.address) }

// shardDatabase is the database of the shards.
func (t target) shardDatabase() string { return t.database + shardSuffix }

// Spread tells whether the warehouse is spread over shards.
func (w *Warehouse) Spread() bool { return len(w.shards) > 0 }

// findShards asks the servers that the DSN names for the shards of its cluster. The first one is home.
func (w *Warehouse) findShards(ctx context.Context) error {
	options := w.clientOptions("system")
	options.Addr = w.target.asked
	conn, err := clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("connect to warehouse %s: %w: %w", w.target, ErrUnreachable, err)
	}
	defer conn.Close() //nolint:errcheck // only read from
	type node struct {
		Shard   uint32 `ch:"shard_num"`
		Replica uint32 `ch:"replica_num"`
		Host    string `ch:"host_name"`
		Port    uint16 `ch:"port"`
	}
	var nodes []node
	ctx = withParams(ctx, Params{"cluster": w.target.cluster})
	if err := conn.Select(ctx, &nodes, text("warehouse/cluster_nodes.sql")); err != nil {
		return w.explainConnect(ctx, err)
	}
	if len(nodes) == 0 {
		return fmt.Errorf("use warehouse %s: the server knows no cluster %q (system.clusters lists them): %w",
			w.target, w.target.cluster, ErrConfig)
	}
	for _, n := range nodes {
		if n.Replica > 1 {
			return fmt.Errorf("use warehouse %s: shard %d has more than one replica; creditmill uses clusters of one replica "+
				"a shard: %w", w.target, n.Shard, ErrConfig)
		}
		address := net.JoinHostPort(n.Host, strconv.Itoa(int(n.Port)))
		w.shards = append(w.shards, shard{number: n.Shard, address: address})
	}
	w.target.address = w.shards[0].address
	return nil
}

// connectShards opens the connections to the shards, each of which must answer.
func (w *Warehouse) connectShards(ctx context.Context) error {
	for i := range w.shards {
		s := &w.shards[i]
		options := w.shardOptions(*s, w.target.shardDatabase())
		conn, err := clickhouse.Open(options)
		if err != nil {
			return fmt.Errorf("connect to %s: %w: %w", s, ErrUnreachable, err)
		}
		s.conn = conn
	}
	return w.onShards(ctx, func(ctx context.Context, s shard) error {
		conn, err := clickhouse.Open(w.shardOptions(s, "system"))
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // only asked for its version
		if err := conn.Ping(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		version, err := conn.ServerVersion()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		if found := versionText(version.Version); compareVersions(found, clusterVersion) < 0 {
			return fmt.Errorf("it runs ClickHouse %s, a cluster needs %s or newer: %w", found, clusterVersion, ErrTooOld)
		}
		return nil
	})
}

func (w *Warehouse) shardOptions(s shard, database string) *clickhouse.Options {
	options := w.clientOptions(database)
	options.Addr = []string{s.address}
	if options.TLS != nil {
		options.TLS = options.TLS.Clone()
		options.TLS.ServerName, _, _ = net.SplitHostPort(s.address)
	}
	return options
}

// onShards does the work on every shard at once; there are none but in a cluster.
func (w *Warehouse) onShards(ctx context.Context, work func(context.Context, shard) error) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, s := range w.shards {
		all.Go(func() error {
			if err := work(ctx, s); err != nil {
				return fmt.Errorf("on %s: %w: %w", s, ErrShard, err)
			}
			return nil
		})
	}
	return all.Wait()
}

// eachPlace asks one after the other of the servers whose current database has tables of the warehouse: home, and in a
// cluster each shard. What a server tells of itself alone is asked so: its parts, its disks, its statements.
func (w *Warehouse) eachPlace(ask func(number uint32, conn driver.Conn) error) error {
	if err := ask(0, w.conn); err != nil {
		return err
	}
	for _, s := range w.shards {
		if err := ask(s.number, s.conn); err != nil {
			return fmt.Errorf("on %s: %w", s, err)
		}
	}
	return nil
}

// send runs a prepared statement where its file says: on home, or on each shard.
func (w *Warehouse) send(ctx context.Context, name, statement string) error {
	if len(w.shards) == 0 || !statementOf(name).onShards {
		return w.conn.Exec(w.Marked(ctx), statement)
	}
	return w.onShards(ctx, func(ctx context.Context, s shard) error {
		return s.conn.Exec(w.Marked(ctx), statement)
	})
}

// Disk is what the warehouse takes of the disks in bytes, and what is free on the fullest of them.
func (w *Warehouse) Disk(ctx context.Context) (taken, free uint64, err error) {
	free = math.MaxUint64
	err = w.eachPlace(func(_ uint32, conn driver.Conn) error {
		var own, left uint64
		err := conn.QueryRow(ctx, text("warehouse/disk.sql")).Scan(&own, &left)
		taken, free = taken+own, min(free, left)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("measure disks: %w", err)
	}
	return taken, free, nil
}

// Shard is where the next load is to be placed: the shard with the fewest bytes, 0 where there are no shards.
func (w *Warehouse) Shard(ctx context.Context) (uint32, error) {
	if len(w.shards) == 0 {
		return 0, nil
	}
	var least, bytes uint64
	var number uint32
	for _, s := range w.shards {
		if err := s.conn.QueryRow(ctx, text("warehouse/stored_bytes.sql")).Scan(&bytes); err != nil {
			return 0, fmt.Errorf("measure %s: %w: %w", s, ErrShard, err)
		}
		if number == 0 || bytes < least {
			least, number = bytes, s.number
		}
	}
	return number, nil
}

// ShardOptions is Options for a client that sends rows of loads to the shard of that number, whose tables are in that
// database. With 0 it is Options.
func (w *Warehouse) ShardOptions(
	number uint32,
) (address, database, user, password string, config *tls.Config, err error) {
	address, database, user, password, config = w.Options()
	if len(w.shards) == 0 || number == 0 {
		return address, database, user, password, config, nil
	}
	s, err := w.shardOf(number)
	if err != nil {
		return "", "", "", "", nil, err
	}
	options := w.shardOptions(s, w.target.shardDatabase())
	return s.address, options.Auth.Database, user, password, options.TLS, nil
}

// Onto is the context for a statement that inserts rows of loads of that shard. With 0 it changes nothing.
func (w *Warehouse) Onto(ctx context.Context, number uint32) context.Context {
	if len(w.shards) == 0 || number == 0 {
		return ctx
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_shard_id": number}))
}

// shardOf is the shard of that number; the cluster may have lost it.
func (w *Warehouse) shardOf(number uint32) (shard, error) {
	i := slices.IndexFunc(w.shards, func(s shard) bool { return s.number == number })
	if i < 0 {
		return shard{}, fmt.Errorf("use warehouse %s: the cluster has no shard %d: %w", w.target, number, ErrShard)
	}
	return w.shards[i], nil
}

var (
	createdTable = regexp.MustCompile(`(?m)^CREATE TABLE IF NOT EXISTS (\w+)`)
	createdView  = regexp.MustCompile(`(?m)^CREATE OR REPLACE VIEW (\w+)`)
	viewEnd      = regexp.MustCompile(`(\nSETTINGS [^\n]*)?\nCOMMENT '[^\n]*'\s*$`)
)

// madeTable is the table of the shards that a statement of a migration creates, "" for any other statement.
func madeTable(statement string) string {
	named := createdTable.FindStringSubmatch(statement)
	if named == nil || !slices.Contains(shardTables, named[1]) {
		return ""
	}
	return named[1]
}

// define runs a statement of a migration: a table of the shards is made on each of them, and on home the Distributed
// table over it; views of a cluster say themselves which setting they need.
func (w *Warehouse) define(ctx context.Context, statement string) error {
	if len(w.shards) == 0 {
		return w.conn.Exec(w.Marked(ctx), statement)
	}
	if table := madeTable(statement); table != "" {
		if err := w.onShards(ctx, func(ctx context.Context, s shard) error {
			return s.conn.Exec(w.Marked(ctx), statement)
		}); err != nil {
			return err
		}
		distributed := Params{"table": table, "database": w.target.shardDatabase(), "cluster": w.target.cluster}
		return w.Exec(ctx, "warehouse/create_distributed.sql", distributed)
	}
	if createdView.MatchString(statement) {
		statement = viewOfShards(statement)
	}
	return w.conn.Exec(w.Marked(ctx), statement)
}

// viewOfShards is the statement that creates a view, with the setting that it needs in a cluster.
func viewOfShards(statement string) string {
	return viewEnd.ReplaceAllStringFunc(statement, func(end string) string {
		settings, comment, _ := strings.Cut(strings.TrimPrefix(end, "\n"), "COMMENT ")
		if settings = strings.TrimSpace(settings); settings == "" {
			settings = "SETTINGS " + viewSetting
		} else {
			settings += ", " + viewSetting
		}
		return "\n" + settings + "\nCOMMENT " + comment
	})
}

// lackingShards are the shards that lack one of their tables: new ones.
func (w *Warehouse) lackingShards(ctx context.Context) ([]shard, error) {
	var lacking []shard
	for _, s := range w.shards {
		conn, err := clickhouse.Open(w.shardOptions(s, "system"))
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w: %w", s, ErrUnreachable, err)
		}
		var tables []struct {
			Name string `ch:"name"`
		}
		asked := withParams(ctx, Params{"database": w.target.shardDatabase()})
		err = errors.Join(conn.Select(asked, &tables, text("warehouse/shard_tables.sql")), conn.Close())
		if err != nil {
			return nil, fmt.Errorf("list tables of %s: %w: %w", s, ErrShard, err)
		}
		has := func(name string) bool {
			for _, table := range tables {
				if table.Name == name {
					return true
				}
			}
			return false
		}
		for _, name := range shardTables {
			if !has(name) {
				lacking = append(lacking, s)
				break
			}
		}
	}
	return lacking, nil
}

// makeShards gives every shard its database.
func (w *Warehouse) makeShards(ctx context.Context) error {
	return w.onShards(ctx, func(ctx context.Context, s shard) (err error) {
		conn, err := clickhouse.Open(w.shardOptions(s, "system"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		return conn.Exec(withParams(ctx, Params{"database": w.target.shardDatabase()}), text("warehouse/create_database.sql"))
	})
}

// migrateShards makes what shards lack that came after the migrations were applied.
func (w *Warehouse) migrateShards(ctx context.Context, applied []sql.Migration) error {
	lacking, err := w.lackingShards(ctx)
	if err != nil || len(lacking) == 0 {
		return err
	}
	if err := w.makeShards(ctx); err != nil {
		return err
	}
	for _, migration := range applied {
		for _, statement := range migration.Statements() {
			if madeTable(statement) == "" {
				continue
			}
			if err := w.define(ctx, statement); err != nil {
				return fmt.Errorf("apply migration %s to new shards: %w", migration.Name, err)
			}
		}
	}
	return nil
}

func (w *Warehouse) checkShards(ctx context.Context) error {
	lacking, err := w.lackingShards(ctx)
	if err != nil || len(lacking) == 0 {
		return err
	}
	names := make([]string, len(lacking))
	for i, s := range lacking {
		names[i] = s.String()
	}
	return fmt.Errorf("use warehouse %s: %s: no tables yet; %s: %w", w.DSN(), strings.Join(names, ", "), migrateAdvice,
		ErrNotMigrated)
}

// settings are those of every connection to the warehouse.
func (t target) settings() clickhouse.Settings {
	settings := clickhouse.Settings{"async_insert": 0} // an insert is on disk when it returns, in one part
	if t.cluster != "" {
		maps.Copy(settings, clusterSettings)
	}
	return settings
}
