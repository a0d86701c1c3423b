package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func open(t *testing.T, directory string) *warehouse.Warehouse {
	t.Helper()
	w, err := warehouse.Connect(context.Background(), warehouse.Config{DSN: "embedded:" + directory, Now: time.Now})
	check(t, err)
	return w
}

func exec1(t *testing.T, w *warehouse.Warehouse, statement string) {
	t.Helper()
	check(t, w.Conn().Exec(context.Background(), statement))
}

func count(t *testing.T, w *warehouse.Warehouse, query string) uint64 {
	t.Helper()
	var number uint64
	check(t, w.Conn().QueryRow(context.Background(), query).Scan(&number))
	return number
}

func TestEngineEndsWithItsOnlyUser(t *testing.T) {
	for _, how := range []string{"closed", "killed"} {
		t.Run(how, func(t *testing.T) {
			directory := t.TempDir()
			user := start(t, userVerb, directory)
			if how == "killed" {
				user.kill()
			} else {
				user.end()
			}
			awaitEngineEnd(t, directory)
			eventually(t, "the engine's process is gone", func() bool {
				return errors.Is(syscall.Kill(user.enginePID, 0), syscall.ESRCH)
			})
		})
	}
}

func TestEngineOutlivesItsStarter(t *testing.T) {
	for _, how := range []string{"closed", "killed"} {
		t.Run(how, func(t *testing.T) {
			directory := t.TempDir()
			starter := start(t, userVerb, directory)
			joined := open(t, directory)
			if joined.EnginePID() != starter.enginePID {
				t.Fatalf("joined engine %d, want %d", joined.EnginePID(), starter.enginePID)
			}
			if how == "killed" {
				starter.kill()
			} else {
				starter.end()
			}
			time.Sleep(300 * time.Millisecond) // time for the engine to stop, if it wrongly would
			if got := count(t, joined, "SELECT count() FROM numbers(10)"); got != 10 {
				t.Errorf("after its starter ended the engine answers %d, want 10", got)
			}
			check(t, joined.Close())
			awaitEngineEnd(t, directory)
		})
	}
}

func TestRacingStartersShareOneEngine(t *testing.T) {
	directory := t.TempDir()
	users := make([]*player, 4)
	for i := range users {
		users[i] = startQuietly(t, userVerb, directory)
	}
	for _, user := range users {
		user.awaitEngine()
		if user.enginePID != users[0].enginePID {
			t.Errorf("engines %d and %d run on one directory", user.enginePID, users[0].enginePID)
		}
	}
	for _, user := range users {
		user.end()
	}
	awaitEngineEnd(t, directory)
}

func TestOpenRightAfterLastClose(t *testing.T) {
	directory := t.TempDir()
	for range 5 {
		w := open(t, directory)
		check(t, w.Close())
	}
	awaitEngineEnd(t, directory)
}

func TestDataSurvivesKilledEngine(t *testing.T) {
	directory := t.TempDir()
	before := open(t, directory)
	exec1(t, before, "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a "+
		"SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")
	exec1(t, before, "INSERT INTO kept SELECT number FROM numbers(1000)")
	check(t, syscall.Kill(before.EnginePID(), syscall.SIGKILL))
	awaitEngineEnd(t, directory)

	// The user is still there: its next question starts the engine again, where the last one listened.
	address, _, _, _, _ := before.Options()
	if got := count(t, before, "SELECT count() FROM kept"); got != 1000 {
		t.Errorf("%d rows after kill -9, want 1000", got)
	}
	if again, _, _, _, _ := before.Options(); again != address {
		t.Errorf("the engine moved from %s to %s", address, again)
	}
	check(t, before.Close())
	awaitEngineEnd(t, directory)
}

// TestKilledClientsDoNotHarmOthers kills commands while they connect, insert and query, at many moments. The
// library may end with a client that dies in a handshake; then the next question of the others must find a new
// engine.
func TestKilledClientsDoNotHarmOthers(t *testing.T) {
	directory := t.TempDir()
	w := open(t, directory)
	exec1(t, w, "CREATE TABLE churned (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	for i := range 8 {
		client := start(t, churnVerb, directory)
		time.Sleep(time.Duration(i*37) * time.Millisecond)
		client.kill()
		var rows uint64
		eventually(t, "others can ask again", func() bool { // until then the engine may be about to end
			return w.Conn().QueryRow(context.Background(), "SELECT count() FROM churned").Scan(&rows) == nil
		})
		if rest := rows % 200_000; rest != 0 {
			t.Errorf("after a kill %d rows of an insert are there without the others", rest)
		}
	}
	check(t, w.Close())
	awaitEngineEnd(t, directory)
}

func TestEngineFilesArePrivate(t *testing.T) {
	directory := t.TempDir()
	w := open(t, directory)
	defer func() { check(t, w.Close()) }()
	for _, name := range []string{"credentials.json", "users.xml", "running.json"} {
		info, err := os.Stat(filepath.Join(directory, "engine", name))
		check(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, info.Mode().Perm())
		}
	}
	info, err := os.Stat(filepath.Join(directory, "engine"))
	check(t, err)
	if info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("engine/ has mode %v, want 0700", info.Mode())
	}
	_, _, _, password, _ := w.Options()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", w.EnginePID()))
	if err == nil && strings.Contains(string(line), password) {
		t.Error("the password is on the engine's command line")
	}
}

func TestEngineListensOnLoopbackOnly(t *testing.T) {
	w := warehousetest.New(t)
	address, _, _, _, _ := w.Options()
	_, port, err := net.SplitHostPort(address)
	check(t, err)
	addresses, err := net.InterfaceAddrs()
	check(t, err)
	others := []string{"::1"}
	for _, other := range addresses {
		if ip, is := other.(*net.IPNet); is && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			others = append(others, ip.IP.String())
		}
	}
	for _, other := range others {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(other, port), time.Second)
		if err == nil {
			_ = conn.Close()
			t.Errorf("the engine's port is open on %s", other)
		}
	}
}

// TestSquattedPort: where someone else has taken the port of the last time, the engine takes another one, and the other
// does not get to see a password.
func TestSquattedPort(t *testing.T) {
	directory := t.TempDir()
	w := open(t, directory)
	address, _, _, password, _ := w.Options()
	check(t, w.Close())
	squatter, err := net.Listen("tcp", address)
	check(t, err)
	var told atomic.Pointer[string]
	go func() {
		for {
			conn, err := squatter.Accept()
			if err != nil {
				return
			}
			content, _ := io.ReadAll(conn) // until the client gives up
			text := string(content)
			told.Store(&text)
		}
	}()
	w = open(t, directory)
	if moved, _, _, _, _ := w.Options(); moved == address {
		t.Errorf("the engine says it listens on %s, which is somebody else's", moved)
	}
	check(t, w.Close())
	check(t, squatter.Close())
	if text := told.Load(); text != nil && strings.Contains(*text, password) {
		t.Error("the squatter was sent the password")
	}
}

// connectAs logs in as anybody on the machine could try to.
func connectAs(t *testing.T, w *warehouse.Warehouse, user, password, database string) clickhouse.Conn {
	t.Helper()
	address, _, _, _, _ := w.Options()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{address}, Auth: clickhouse.Auth{Database: database, Username: user, Password: password},
	})
	check(t, err)
	t.Cleanup(func() { check(t, conn.Close()) })
	return conn
}

func TestWrongPasswordIsRefused(t *testing.T) {
	w := warehousetest.New(t)
	address, database, _, _, _ := w.Options()
	dsn := "clickhouse://creditmill:open-sesame@" + address + "/" + database
	_, err := warehouse.Open(context.Background(), warehouse.Config{DSN: dsn})
	if !errors.Is(err, warehouse.ErrUnreachable) || !strings.Contains(err.Error(), "password is wrong") {
		t.Fatalf("open with a wrong password: %v, want ErrUnreachable", err)
	}
	if strings.Contains(err.Error(), "open-sesame") {
		t.Errorf("the error shows the password: %v", err)
	}
}

// TestMissingDatabase has an engine of its own: the library may end when a client names a database that is not
// there and is gone before it hears so. creditmill itself never does that to its own engine, it makes the database
// first.
func TestMissingDatabase(t *testing.T) {
	w := open(t, t.TempDir())
	address, _, _, password, _ := w.Options()
	dsn := "clickhouse://creditmill@" + address + "/no_such_database"
	_, err := warehouse.Connect(context.Background(), warehouse.Config{DSN: dsn, Password: password})
	if !errors.Is(err, warehouse.ErrUnreachable) {
		t.Errorf("open of a database that is not there: %v, want ErrUnreachable", err)
	}
	check(t, w.Close())
}

const codeAccessDenied = 497

func TestAnalystReadsViewsOnly(t *testing.T) {
	directory := t.TempDir()
	w, err := warehouse.Open(context.Background(), warehouse.Config{DSN: "embedded:" + directory})
	check(t, err)
	defer func() { check(t, w.Close()) }()
	analyst, err := w.Analyst()
	check(t, err)
	defer func() { check(t, analyst.Close()) }()
	rows, err := w.Conn().Query(context.Background(), "SELECT name FROM system.tables WHERE database = 'creditmill'")
	check(t, err)
	views := 0
	for rows.Next() {
		var table string
		check(t, rows.Scan(&table))
		err := analyst.Exec(context.Background(), "SELECT count() FROM "+table)
		var exception *clickhouse.Exception
		denied := errors.As(err, &exception) && exception.Code == codeAccessDenied
		isView := strings.HasPrefix(table, "v_")
		if isView == denied {
			t.Errorf("the analyst reads %s: %v", table, err)
		}
		if isView {
			views++
		}
	}
	check(t, rows.Err())
	if views < 4 {
		t.Errorf("%d views, want at least 4", views)
	}
	for _, statement := range []string{
		"INSERT INTO loads (load_seq) VALUES (1)",
		"CREATE TABLE mine (a UInt8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE mine (a UInt8)",
		"DROP VIEW v_events",
		"SELECT count() FROM file('/etc/passwd', 'LineAsString')",
		"SET readonly = 0",
		"SYSTEM STOP LISTEN TCP",
	} {
		if err := analyst.Exec(context.Background(), statement); err == nil {
			t.Errorf("the analyst may run: %s", statement)
		}
	}
}

func TestEngineThatCannotStartSaysWhy(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "libchdb.so")
	check(t, os.WriteFile(broken, []byte("not a library"), 0o600))
	_, err := warehouse.Open(context.Background(), warehouse.Config{DSN: "embedded:" + t.TempDir(), Library: broken})
	if !errors.Is(err, warehouse.ErrUnreachable) || !strings.Contains(err.Error(), "load "+broken) {
		t.Errorf("open with a broken library: %v", err)
	}
}
