//go:build !linux

package warehouse

import "os/exec"

// dieWithParent: only Linux has it. Elsewhere a clickhouse binary outlives a killed engine process; its own lock on
// the data directory then names it. The library, which is the usual case, runs inside the engine process and ends
// with it.
func dieWithParent(*exec.Cmd) {}
