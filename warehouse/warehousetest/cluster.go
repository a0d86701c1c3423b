package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
)

// nodeVerb is the first argument by which a test binary becomes a node of a cluster.
const nodeVerb = "__node"

// IsNode tells whether the arguments (without the program's name) ask for RunNode. TestMain asks this first, as it asks
// warehouse.IsEngineChild; Main does so itself.
func IsNode(args []string) bool { return len(args) > 0 && args[0] == nodeVerb }

// RunNode is the process of a node: the engine's library as it is shipped, with a config of its own. It ends when its
// standard input does, and so with the tests. Arguments: __node LIBRARY FOLDER PORT.
func RunNode(args []string) int {
	if len(args) != 4 {
		fmt.Fprintf(os.Stderr, "%s is started by tests\n", nodeVerb)
		return 2
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	folder := args[2]
	err := warehouse.RunLibrary(args[1], []string{
		"clickhouse", "--config-file=" + filepath.Join(folder, "config.xml"), "--path=" + filepath.Join(folder, "data"),
		"--listen-host=127.0.0.1", "--log-level=error", "--tcp-port=" + args[3], "--query", "SYSTEM START LISTEN TCP; " +
			"SELECT sleepEachRow(0.1) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null",
	})
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// Cluster is servers of this version's own engine that know each other as the shards of a cluster.
type Cluster struct {
	t       testing.TB
	library string
	folder  string
	ports   []int
	nodes   []*exec.Cmd
	inputs  []io.Closer
}

const (
	// clusterName is its name in system.clusters.
	clusterName = "mill"
	// Replicated is the name of a cluster of the same nodes, as replicas of one shard.
	Replicated = "replicated"
)

const nodeConfig = `<clickhouse>
  <users_config>{FOLDER}/users.xml</users_config>
  <logger><level>error</level><log>{FOLDER}/log</log></logger>
  <remote_servers>{CLUSTERS}</remote_servers>
  <max_server_memory_usage>3000000000</max_server_memory_usage>
  <mark_cache_size>134217728</mark_cache_size>
</clickhouse>
`

const nodeUsers = `<clickhouse>
  <profiles><default><async_insert>0</async_insert></default></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password></password>
    <networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota>
    <access_management>1</access_management>
  </default></users>
</clickhouse>
`

// NewCluster starts a cluster of that many shards, which ends with the test.
func NewCluster(t testing.TB, shards int) *Cluster {
	t.Helper()
	library, err := warehouse.EngineLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{
		t: t, library: library, folder: t.TempDir(), nodes: make([]*exec.Cmd, shards), inputs: make([]io.Closer, shards),
	}
	var listeners []net.Listener // kept until all ports are chosen
	for range shards {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, listener)
		c.ports = append(c.ports, listener.Addr().(*net.TCPAddr).Port)
	}
	for number := range shards {
		c.must(listeners[number].Close())
		c.configure(number)
	}
	t.Cleanup(func() {
		for number := range c.nodes {
			c.Stop(number)
		}
	})
	for number := range shards {
		c.launch(number)
	}
	for number := range shards {
		c.await(number)
	}
	return c
}

// NewDSN makes an empty database on the first node, which is home, and names it as a warehouse of the cluster.
func (c *Cluster) NewDSN() string {
	c.t.Helper()
	database := fmt.Sprintf("test_%d", databases.Add(1))
	c.Exec(0, "CREATE DATABASE "+database)
	return fmt.Sprintf("clickhouse://127.0.0.1:%d/%s?cluster=%s", c.ports[0], database, clusterName)
}

// Migrate makes all that the warehouse has on the nodes.
func (c *Cluster) Migrate(dsn string) {
	c.t.Helper()
	w, err := warehouse.Open(context.Background(), warehouse.Config{DSN: dsn, Now: time.Now, Migrate: true})
	c.must(err)
	c.must(w.Close())
}

// MustBeSpread fails the test where a node has no rows of usage.
func (c *Cluster) MustBeSpread(dsn string) {
	c.t.Helper()
	for number := range c.ports {
		var rows uint64
		conn := c.connect(number)
		query := "SELECT count() FROM " + ShardDatabase(dsn) + ".usage_events"
		c.must(conn.QueryRow(context.Background(), query).Scan(&rows))
		c.must(conn.Close())
		if rows == 0 {
			c.t.Errorf("node %d has no events", number)
		}
	}
}

// ShardDatabase is the database that each node has for its share of the warehouse.
func ShardDatabase(dsn string) string {
	rest, _, _ := strings.Cut(dsn, "?")
	return rest[strings.LastIndex(rest, "/")+1:] + "_shard"
}

// Exec runs a statement on a node, counted from 0.
func (c *Cluster) Exec(number int, statement string) {
	c.t.Helper()
	conn := c.connect(number)
	c.must(conn.Exec(context.Background(), statement))
	c.must(conn.Close())
}

// Stop kills a node, counted from 0. What it has stored stays.
func (c *Cluster) Stop(number int) {
	if c.nodes[number] == nil {
		return
	}
	if err := c.nodes[number].Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Error(err)
	}
	_ = c.nodes[number].Wait() // it was killed
	c.nodes[number] = nil
}

// Start starts a node that was stopped, or ended, at its old address.
func (c *Cluster) Start(number int) {
	c.t.Helper()
	c.Stop(number)
	c.launch(number)
	c.await(number)
}

func (c *Cluster) node(number int) string {
	return filepath.Join(c.folder, "node"+strconv.Itoa(number))
}

func (c *Cluster) configure(number int) {
	c.t.Helper()
	var shards, replicas strings.Builder
	for _, port := range c.ports {
		replica := fmt.Sprintf("<replica><host>127.0.0.1</host><port>%d</port></replica>", port)
		fmt.Fprintf(&shards, "<shard>%s</shard>", replica)
		replicas.WriteString(replica)
	}
	folder := c.node(number)
	c.must(os.MkdirAll(filepath.Join(folder, "data"), 0o700))
	config := strings.NewReplacer("{FOLDER}", folder,
		"{CLUSTERS}", fmt.Sprintf("<%s>%s</%s><%s><shard>%s</shard></%s>", clusterName, shards.String(), clusterName,
			Replicated, replicas.String(), Replicated)).Replace(nodeConfig)
	c.must(os.WriteFile(filepath.Join(folder, "config.xml"), []byte(config), 0o600))
	c.must(os.WriteFile(filepath.Join(folder, "users.xml"), []byte(nodeUsers), 0o600))
}

func (c *Cluster) launch(number int) {
	c.t.Helper()
	node := exec.Command(os.Args[0], nodeVerb, c.library, c.node(number), strconv.Itoa(c.ports[number]))
	log, err := os.OpenFile(filepath.Join(c.node(number), "out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	c.must(err)
	defer log.Close() //nolint:errcheck // the node has its own handle
	node.Stdout, node.Stderr, node.Dir = log, log, c.node(number)
	c.inputs[number], err = node.StdinPipe()
	c.must(err)
	c.must(node.Start())
	c.nodes[number] = node
}

const nodePatience = 60 * time.Second

func (c *Cluster) await(number int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nodePatience)
	defer cancel()
	conn := c.connect(number)
	defer conn.Close() //nolint:errcheck // only asked whether it answers
	for {
		err := conn.Ping(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(filepath.Join(c.node(number), "out"))
			c.t.Fatalf("node %d does not answer: %v\n%s", number, err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Cluster) connect(number int) clickhouse.Conn {
	c.t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(c.ports[number]))},
		Auth: clickhouse.Auth{Database: "system"}, DialTimeout: time.Second,
	})
	c.must(err)
	return conn
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}
