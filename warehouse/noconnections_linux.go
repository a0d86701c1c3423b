package warehouse

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connectTCP is Landlock's right to open TCP connections, and since which version of it there is one (Linux 6.7,
// docs.kernel.org/userspace-api/landlock.html).
const (
	connectTCP    = 1 << 1
	connectsSince = 4
)

// EngineConnectsNowhere tells whether this kernel keeps embedded engines from opening TCP connections.
func EngineConnectsNowhere() bool {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1)
	return errno == 0 && version >= connectsSince
}

// noConnections keeps this thread, and all that it makes from now on, from opening TCP connections; those that listen
// go on. The engine needs none, and statements that name an address open one before the engine looks whether their user
// may (RESTORE … FROM S3). Where the kernel cannot do so it does nothing.
func noConnections() error {
	if !EngineConnectsNowhere() {
		return nil
	}
	handled := struct{ fs, net uint64 }{net: connectTCP}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&handled)),
		unsafe.Sizeof(handled), 0)
	if errno != 0 {
		return fmt.Errorf("make Landlock rules: %w", errno)
	}
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
			err = errno
		}
	}
	if err = errors.Join(err, unix.Close(int(ruleset))); err != nil {
		return fmt.Errorf("keep the engine from connecting: %w", err)
	}
	return nil
}
