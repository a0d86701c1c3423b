//go:build unix

package warehouse

import "syscall"

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func makeFIFO(name string) error { return syscall.Mkfifo(name, 0o600) }

// mostOpenFiles is how many files a process may have open at once. Go raises its limit to this one.
func mostOpenFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return leastOpenFiles // not known
	}
	return limit.Max
}
