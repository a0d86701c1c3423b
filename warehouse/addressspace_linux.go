package warehouse

import (
	"math"
	"syscall"
)

// mostAddressSpace is how many bytes of addresses a process may use.
func mostAddressSpace() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return math.MaxUint64 // not known
	}
	return limit.Cur
}
