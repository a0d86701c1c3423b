//go:build unix

package warehouse

import "syscall"

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func makeFIFO(name string) error { return syscall.Mkfifo(name, 0o600) }
