package warehouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gofrs/flock"
)

// engine is this process's share in the running engine of a directory.
//
// The engine is a process of its own, in a session of its own, and belongs to no command in particular: it lives
// while any process holds the directory's users lock (shared), and ends when the kernel can give that lock to
// itself (exclusive). So the command that started it may end before one that joined; a command killed by any means
// lets go all the same; and no pipe, signal or count of users can go wrong. Three lock files, all in DIR/engine:
//
//	users.lock  shared by every command that has the warehouse open; the engine waits for it exclusively, then stops
//	start.lock  exclusive while a command looks whether an engine runs and starts one: of two that race, one joins
//	alive.lock  exclusive by the engine while it runs; so a running.json left by a killed engine is never believed, and
//	            no password is sent to whoever may listen on its port by now
//
// The library ends its whole process when a client vanishes in the middle of a handshake. So every new connection
// looks first whether the engine runs and starts it again where it does not (dial): a query that was under way
// fails, the next one works. What was written is safe, as after any kill.
type engine struct {
	files     engineFiles
	config    Config
	users     *flock.Flock
	passwords credentials

	mutex   sync.Mutex // guards what follows, and keeps this process from starting two engines
	running running
	exited  <-chan struct{} // closed when the process started here has ended
}

const (
	startPatience = 60 * time.Second // a large data directory takes time to open after a crash
	startAttempts = 5                // a free port may be taken by someone else before the engine has it
	pollInterval  = 20 * time.Millisecond
)

func openEngine(ctx context.Context, directory string, config Config) (*engine, error) {
	e := &engine{files: engineFiles{directory: directory}, config: config}
	if err := e.files.create(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	// Where an engine is just stopping it holds the lock until it is gone: wait for that.
	e.users = flock.New(e.files.usersLock(), flock.SetPermissions(0o600))
	if _, err := e.users.TryRLockContext(ctx, pollInterval); err != nil {
		return nil, fmt.Errorf("wait for the engine of %s to stop: %w: %w", directory, ErrUnreachable, err)
	}
	if err := e.startOrJoin(ctx); err != nil {
		return nil, errors.Join(err, e.users.Close())
	}
	return e, nil
}

func (e *engine) address() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return loopbackAddress(e.running.TCPPort)
}

func (e *engine) httpPort() int {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.running.HTTPPort
}

func (e *engine) answersHTTP(ctx context.Context) bool {
	return listens(ctx, loopbackAddress(e.httpPort()))
}

func listens(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func (e *engine) startOrJoin(ctx context.Context) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	start := flock.New(e.files.startLock(), flock.SetPermissions(0o600))
	if _, err := start.TryLockContext(ctx, pollInterval); err != nil {
		return fmt.Errorf("wait for another command to start the engine of %s: %w: %w",
			e.files.directory, ErrUnreachable, err)
	}
	defer start.Close() //nolint:errcheck // the lock ends with the file either way
	var err error
	if e.passwords, err = e.files.readCredentials(); err != nil {
		return err
	}
	alive, err := e.alive()
	if err != nil {
		return err
	}
	if alive {
		return e.join()
	}
	return e.start(ctx)
}

// join finds out where the engine that runs listens. The mutex is held.
func (e *engine) join() error {
	now, err := e.files.readRunning()
	if err != nil {
		return fmt.Errorf("join engine of %s: %w: %w", e.files.directory, ErrUnreachable, err)
	}
	if now != e.running {
		e.config.Log.Debug().Int("pid", now.PID).Str("directory", e.files.directory).Msg("engine_joined")
	}
	e.running = now
	return nil
}

// alive tells whether an engine runs on the directory. It asks for the lock shared, so that those who ask do not
// take each other for an engine.
func (e *engine) alive() (bool, error) {
	lock := flock.New(e.files.aliveLock(), flock.SetPermissions(0o600))
	free, err := lock.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look for the engine of %s: %w: %w", e.files.directory, ErrUnreachable, err)
	}
	return !free, lock.Close()
}

func (e *engine) start(ctx context.Context) error {
	library, err := findLibrary(e.config.Library, thisProgram())
	if err != nil {
		return err
	}
	if err := engineFits(); err != nil {
		return fmt.Errorf("start engine on %s: %w: %w", e.files.directory, err, ErrUnreachable)
	}
	// The ports of the last time come first: whoever noted an address finds it again.
	last, err := e.files.readRunning()
	ports := []int{last.TCPPort, last.HTTPPort}
	for range startAttempts {
		if err != nil || !isFree(ports[0]) || !isFree(ports[1]) {
			if ports, err = freePorts(2); err != nil {
				return fmt.Errorf("find free ports: %w: %w", ErrUnreachable, err)
			}
		}
		if err = e.startOnce(ctx, library, ports); err == nil || !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

var errPortTaken = errors.New("port is taken")

func (e *engine) startOnce(ctx context.Context, library string, ports []int) error {
	secrets := newStartSecrets()
	if err := e.files.writeConfig(e.passwords, secrets, e.config.MemoryLimitBytes, e.config.SetAside,
		e.config.Analyst.orDefaults()); err != nil {
		return err
	}
	if err := e.files.makeGate(); err != nil {
		return err
	}
	command, err := e.spawn(library, ports)
	if err != nil {
		return fmt.Errorf("start engine: %w: %w", ErrUnreachable, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = command.Wait() // its log says why
		close(exited)
	}()
	e.exited = exited
	e.running = running{TCPPort: ports[0], HTTPPort: ports[1], PID: command.Process.Pid, Library: library}
	if err := e.awaitReady(ctx, secrets); err != nil {
		_ = command.Process.Kill() // it may have ended by itself
		<-exited
		return err
	}
	e.config.Log.Debug().Int("pid", e.running.PID).Str("directory", e.files.directory).Msg("engine_started")
	return nil
}

// spawn starts this binary again as the engine. Its session is its own, so that Ctrl-C reaches the command only,
// which then ends in its own way with the engine still there.
func (e *engine) spawn(library string, ports []int) (*exec.Cmd, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(e.files.log(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own handle
	command := exec.Command(executable, engineVerb, e.files.directory, library,
		strconv.Itoa(ports[0]), strconv.Itoa(ports[1]))
	command.Stdout, command.Stderr = log, log
	command.Dir = e.files.workingDirectory()
	command.Env = engineEnvironment()
	command.SysProcAttr = ownSession()
	return command, command.Start()
}

// engineEnvironment is what the engine needs to know of this process's environment, which may hold the key to Stripe.
// Its process is this program, which has nothing to do there: what that allocates as it starts is never collected.
func engineEnvironment() []string {
	known := []string{"GOGC=off"}
	for _, name := range []string{"LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ"} {
		if value, is := os.LookupEnv(name); is {
			known = append(known, name+"="+value)
		}
	}
	return known
}

// awaitReady returns when the engine takes queries, or with the last lines of its log when it has ended. It asks for
// the name of this start by a login that is good for this start only: before the engine answers, someone else may have
// its port. An engine that is not confined, as another version of it may not be, is no good.
func (e *engine) awaitReady(ctx context.Context, secrets startSecrets) error {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr:        []string{loopbackAddress(e.running.TCPPort)},
		Auth:        clickhouse.Auth{Database: "system", Username: startUser, Password: secrets.password},
		DialTimeout: time.Second,
		ReadTimeout: time.Second, // someone else on the port may never answer
	})
	if err != nil {
		return fmt.Errorf("connect to engine: %w: %w", ErrUnreachable, err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written through it
	for {
		var answer string
		err := conn.QueryRow(ctx, text("warehouse/ping.sql")).Scan(&answer)
		if err == nil && answer == secrets.name {
			return e.mustBeConfined(ctx, conn)
		}
		select {
		case <-e.exited:
			return e.explainExit()
		case <-ctx.Done():
			return fmt.Errorf("start engine on %s: it is not ready yet (%w)%s: %w",
				e.files.directory, context.Cause(ctx), e.logTail(), ErrUnreachable)
		case <-time.After(pollInterval):
		}
	}
}

func (e *engine) mustBeConfined(ctx context.Context, conn clickhouse.Conn) error {
	var content string
	err := conn.QueryRow(ctx, text("warehouse/reach_outside.sql")).Scan(&content)
	var refused *clickhouse.Exception
	if errors.As(err, &refused) {
		return nil
	}
	return fmt.Errorf("start engine on %s: the engine %s lets its users read files outside of the warehouse (%v); "+
		"install the version of this creditmill (creditmill engine install), or set CREDITMILL_ENGINE_LIBRARY to it: %w",
		e.files.directory, e.running.Library, err, ErrUnreachable)
}

// close lets go of the engine. Where this was its last user it is awaited, so that the directory is quiet afterwards.
func (e *engine) close() error {
	if err := e.users.Unlock(); err != nil {
		return fmt.Errorf("leave engine: %w", err)
	}
	probe := flock.New(e.files.usersLock(), flock.SetPermissions(0o600))
	defer probe.Close() //nolint:errcheck // only looked at
	for waited := time.Duration(0); waited < stopPatience; waited += pollInterval {
		if alive, err := e.alive(); err != nil || !alive {
			return err
		}
		if goesOn, err := isShared(probe); err != nil || goesOn {
			return err
		}
		time.Sleep(pollInterval)
	}
	return nil
}

// isShared tells that somebody uses the engine. Else its lock can be had until the engine, which waits for it, takes
// notice, and from then on not even shared.
func isShared(users *flock.Flock) (bool, error) {
	alone, err := users.TryLock()
	if err != nil {
		return false, err
	}
	if alone {
		return false, users.Unlock()
	}
	return users.TryRLock()
}

// pid is the engine's process, or the last one's where none runs.
func (e *engine) pid() int {
	now, err := e.files.readRunning()
	if err != nil {
		return 0
	}
	return now.PID
}

// ends waits a while for the end of the engine that is this process, and tells whether it has come. One that refused
// connections does not listen any more, or not yet: the command that started it may have been killed before it did.
func (e *engine) ends(ctx context.Context, pid int, refused bool) bool {
	patience := endPatience
	if refused {
		patience = refusedPatience
	}
	for waited := time.Duration(0); waited < patience; waited += pollInterval {
		if alive, err := e.alive(); err == nil && (!alive || e.pid() != pid) {
			return true
		}
		if refused && listens(ctx, e.address()) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pollInterval):
		}
	}
	return false
}

// endPatience is how long an engine that drops connections may take to write its last words.
const endPatience = 5 * time.Second

// refusedPatience is the same where nobody listens: on a busy machine the last words, and a start, take long.
const refusedPatience = 30 * time.Second

func (e *engine) target(database string) target {
	return target{
		directory: e.files.directory, address: e.address(), database: database,
		user: creditmillUser, password: e.passwords.Creditmill,
	}
}

func loopbackAddress(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// isFree tells that nobody listens on the port. The engine itself finds out too late to say so: confined, it cannot
// shut down in good order.
func isFree(port int) bool {
	if port == 0 {
		return false
	}
	listener, err := net.Listen("tcp", loopbackAddress(port))
	return err == nil && listener.Close() == nil
}

// freePorts asks the system for ports that are free on the loopback now, all different.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", loopbackAddress(0))
		if err != nil {
			return nil, err
		}
		defer listener.Close() //nolint:errcheck // opened for its number only; kept until all are chosen
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
