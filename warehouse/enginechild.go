package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/gofrs/flock"
)

// engineVerb is the hidden first argument by which a program's own binary becomes the engine's process.
const engineVerb = "__engine"

// IsEngineChild tells whether the arguments (without the program's name) ask for EngineChild. Whoever opens an
// embedded warehouse must ask this first thing in main, or TestMain: the engine runs in a process of its own made
// of the same binary.
func IsEngineChild(args []string) bool { return len(args) > 0 && args[0] == engineVerb }

// EngineChild is the engine's process: it runs ClickHouse until the last user of the directory is gone, and returns
// the exit code. Arguments: __engine DIR LIBRARY TCP_PORT HTTP_PORT.
func EngineChild(args []string) int {
	if len(args) != 5 {
		fmt.Fprintf(os.Stderr, "creditmill: %s is started by creditmill itself\n", engineVerb)
		return 2
	}
	files := engineFiles{directory: args[1]}
	if err := runEngine(files, args[2], args[3], args[4]); err != nil {
		fmt.Fprintf(os.Stderr, "creditmill: run engine: %v\n", err)
		return 1
	}
	return 0
}

// runEngine holds the alive lock for as long as the engine runs. A goroutine waits for the users lock: the kernel
// gives it as soon as every process that used the warehouse has closed it or has died, by whatever means.
func runEngine(files engineFiles, library, tcpPort, httpPort string) error {
	// Others may hold it for a moment, to see whether an engine runs.
	ctx, cancel := context.WithTimeout(context.Background(), alivePatience)
	defer cancel()
	alive := flock.New(files.aliveLock())
	defer runtime.KeepAlive(alive) // its lock would go with the garbage
	if _, err := alive.TryLockContext(ctx, pollInterval); err != nil {
		return fmt.Errorf("lock %s: another engine runs on the directory: %w", files.directory, err)
	}
	// Not left to the command that started this engine, which may be killed before the engine is ready: others would look
	// for it at the ports of an earlier one.
	if err := files.writeRunning(library, tcpPort, httpPort); err != nil {
		return err
	}
	go confine(files)
	arguments := engineArguments(files, tcpPort, httpPort)
	runtime.LockOSThread() // the engine's threads, or its process, come from this one
	if err := noConnections(); err != nil {
		return err
	}
	if isBinary(library) {
		return runBinary(files, library, arguments)
	}
	go stopAfterLastUser(files, nil)
	return RunLibrary(library, arguments)
}

// writeRunning says where this process, which is the engine, listens or will.
func (f engineFiles) writeRunning(library, tcpPort, httpPort string) error {
	now := running{PID: os.Getpid(), Library: library}
	var err error
	if now.TCPPort, err = strconv.Atoi(tcpPort); err != nil {
		return fmt.Errorf("read port: %w", err)
	}
	if now.HTTPPort, err = strconv.Atoi(httpPort); err != nil {
		return fmt.Errorf("read port: %w", err)
	}
	return writePrivateJSON(f.running(), now)
}

// confine takes the engine's working directory away, once it has started and before it opens a port. The engine is the
// program `clickhouse local`, which lets every user read and write any file by the function file and its like, with no
// grant and no setting in the way. But all of them look up the working directory first, which is their user_files path,
// and fail where there is none. It cannot come back: no statement changes the directory of the process.
//
// The engine reads from the gate, a FIFO, before it listens, so opening it for writing lasts until then.
func confine(files engineFiles) {
	gate, err := os.OpenFile(files.gate(), os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(os.RemoveAll(files.workingDirectory()), gate.Close())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "creditmill: confine engine: %v\n", err)
		os.Exit(1)
	}
}

const (
	alivePatience = 5 * time.Second
	stopPatience  = 20 * time.Second // how long the last command waits for the engine's end
)

// stopAfterLastUser keeps the users lock until the process ends, so that whoever comes meanwhile waits and then starts
// it again. The engine is ended as by a kill: what was written is safe, as after any kill, and an engine that shuts
// down by itself would have to be given its working directory again, while clients are still connected (confine).
func stopAfterLastUser(files engineFiles, binary *exec.Cmd) {
	users := flock.New(files.usersLock())
	defer runtime.KeepAlive(users)
	if err := users.Lock(); err != nil {
		fmt.Fprintf(os.Stderr, "creditmill: wait for the engine's last user: %v\n", err)
		os.Exit(1)
	}
	if binary == nil {
		os.Exit(0)
	}
	if err := binary.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintf(os.Stderr, "creditmill: end engine: %v\n", err)
		os.Exit(1)
	}
	select {} // runBinary sees it end, and this process ends with it
}

func engineArguments(files engineFiles, tcpPort, httpPort string) []string {
	return []string{
		"clickhouse", "--config-file=" + files.config(), "--path=" + files.data(), "--listen-host=" + loopback,
		"--log-level=error", "--tcp-port=" + tcpPort, "--http-port=" + httpPort, "--query",
		text("warehouse/hold_open.sql"),
	}
}

// RunLibrary calls the program that is in the library: `clickhouse local` with its command line. It returns when
// the queries have ended. The thread stays the same, as for a C program's main.
func RunLibrary(library string, arguments []string) error {
	runtime.LockOSThread()
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", library, err)
	}
	var queryCmdline func(argc int32, argv unsafe.Pointer) uintptr
	var resultError func(result uintptr) string
	purego.RegisterLibFunc(&queryCmdline, handle, "chdb_query_cmdline")
	purego.RegisterLibFunc(&resultError, handle, "chdb_result_error")
	argv := make([]*byte, 0, len(arguments)+1)
	for _, argument := range arguments {
		argv = append(argv, &append([]byte(argument), 0)[0])
	}
	argv = append(argv, nil)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	for _, argument := range argv[:len(arguments)] {
		pinner.Pin(argument)
	}
	result := queryCmdline(int32(len(arguments)), unsafe.Pointer(&argv[0])) //nolint:gosec // nine arguments
	if message := resultError(result); message != "" {
		return fmt.Errorf("%s", message)
	}
	return nil
}

// runBinary runs a clickhouse executable instead of the library: a process below this one.
func runBinary(files engineFiles, binary string, arguments []string) error {
	command := exec.Command(binary, append([]string{"local"}, arguments[1:]...)...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	dieWithParent(command)
	runtime.LockOSThread() // the kernel ties "dies with its parent" to the thread that starts it
	err := command.Start()
	if err == nil {
		go stopAfterLastUser(files, command)
		err = command.Wait()
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", binary, err)
	}
	return nil
}
