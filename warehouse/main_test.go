package warehouse_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// The test binary also plays the commands that tests start and kill: it opens the warehouse of a directory, tells the
// engine's process id, and does what the word says until its standard input ends.
const (
	userVerb    = "__user"    // DIR: uses the warehouse
	lockerVerb  = "__locker"  // DIR: holds the lock "load"
	churnVerb   = "__churn"   // DIR: inserts and reads without end, until a test kills it
	migrateVerb = "__migrate" // DIR: runs slowMigration, which a test kills in the middle
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && strings.HasPrefix(os.Args[1], "__") && os.Args[1] != "__engine" {
		if err := play(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	warehousetest.Main(m)
}

func play(verb, directory string) (err error) {
	ctx := context.Background()
	w, err := warehouse.Connect(ctx, warehouse.Config{DSN: "embedded:" + directory, Now: time.Now})
	if err != nil {
		return err
	}
	fmt.Println(w.EnginePID())
	switch verb {
	case lockerVerb:
		if _, err := w.Lock(ctx, "load"); err != nil {
			return err
		}
		fmt.Println("locked")
	case churnVerb:
		return churn(ctx, w)
	case migrateVerb:
		if _, err := w.MigrateTo(ctx, slowMigration()); err != nil {
			return err
		}
	}
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	return w.Close()
}

func churn(ctx context.Context, w *warehouse.Warehouse) error {
	reads := func() error { return w.Conn().Exec(ctx, "SELECT sum(sipHash64(number)) FROM numbers(100000000)") }
	go func() {
		for reads() == nil {
		}
	}()
	for {
		if err := insertChurn(ctx, w); err != nil {
			return err
		}
	}
}

func insertChurn(ctx context.Context, w *warehouse.Warehouse) error {
	batch, err := w.Conn().PrepareBatch(ctx, "INSERT INTO churned")
	if err != nil {
		return err
	}
	defer batch.Close()
	for i := range 200_000 {
		if err := batch.Append(uint64(i), "some text"); err != nil { //nolint:gosec // counts up from 0
			return err
		}
	}
	return batch.Send()
}

func slowMigration() []sql.Migration {
	return []sql.Migration{{Number: 1, Name: "0001_slow.sql", SHA256: "aa", SQL: strings.Join([]string{
		"CREATE TABLE IF NOT EXISTS before_kill (a UInt8) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO before_kill SELECT sleep(3)",
		"CREATE TABLE IF NOT EXISTS after_kill (a UInt8) ENGINE = MergeTree ORDER BY a",
	}, "\n-- next\n")}}
}

// player is a command that a test started.
type player struct {
	t         *testing.T
	command   *exec.Cmd
	stdin     io.WriteCloser
	stdout    *bufio.Reader
	enginePID int
}

func start(t *testing.T, verb, directory string) *player {
	t.Helper()
	p := startQuietly(t, verb, directory)
	p.awaitEngine()
	return p
}

func startQuietly(t *testing.T, verb, directory string) *player {
	t.Helper()
	p := &player{t: t, command: exec.Command(os.Args[0], verb, directory)}
	p.command.Stderr = os.Stderr
	stdin, err := p.command.StdinPipe()
	check(t, err)
	stdout, err := p.command.StdoutPipe()
	check(t, err)
	p.stdin, p.stdout = stdin, bufio.NewReader(stdout)
	check(t, p.command.Start())
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // usually gone already
		_ = p.command.Wait()
	})
	return p
}

func (p *player) awaitEngine() {
	p.t.Helper()
	pid, err := strconv.Atoi(p.line())
	check(p.t, err)
	p.enginePID = pid
}

func (p *player) line() string {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	check(p.t, err)
	return strings.TrimSpace(line)
}

// end lets the command finish by itself.
func (p *player) end() {
	p.t.Helper()
	check(p.t, p.stdin.Close())
	check(p.t, p.command.Wait())
}

// kill ends the command as a crash does.
func (p *player) kill() {
	p.t.Helper()
	check(p.t, p.command.Process.Kill())
	_ = p.command.Wait() // says that it was killed
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what other processes bring about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("after 10 s still not: %s", what)
}

func awaitEngineEnd(t *testing.T, directory string) {
	t.Helper()
	eventually(t, "the engine has ended", func() bool {
		alive, err := warehouse.EngineAlive(directory)
		check(t, err)
		return !alive
	})
}
