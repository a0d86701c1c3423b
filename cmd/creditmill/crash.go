package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// crashVariable names a point of package ingest, or a step of package invoice's protocol, at which the process kills
// itself, so that tests can show that nothing is lost or counted twice. It is of no other use. S9:2 is S9 when it is
// reached for the second time.
const crashVariable = "CREDITMILL_CRASH_AT"

// crashAt returns a hook that kills the process at the named point, as the power cut would; nil without a name.
func crashAt(order string) func(string) {
	if order == "" {
		return nil
	}
	name, times, _ := strings.Cut(order, ":")
	var passes atomic.Int64
	if n, err := strconv.ParseInt(times, 10, 64); err == nil {
		passes.Store(n - 1)
	}
	return func(point string) {
		if point == name && passes.Add(-1) < 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // the process ends here or the test fails
			select {}
		}
	}
}
