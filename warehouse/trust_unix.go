//go:build unix

package warehouse

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// trustedOwners are those whose files may become part of the program: root, its user, and whose file it is.
func trustedOwners(program string) []uint32 {
	owners := []uint32{0, uint32(os.Geteuid())} //nolint:gosec // a user's number
	if info, err := os.Stat(program); err == nil {
		owners = append(owners, info.Sys().(*syscall.Stat_t).Uid)
	}
	return owners
}

// checkTrust refuses a file that somebody else can change or replace: the file and the folders above it belong to one
// of the owners, where owners are given, and are not open for all to write (a folder may be, where each may change his
// own files only, as /tmp).
func checkTrust(name string, owners []uint32) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	for {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t).Uid
		if owners != nil && !slices.Contains(owners, owner) {
			return fmt.Errorf("%s, but %s belongs to user %d (if that is right, name it in CREDITMILL_ENGINE_LIBRARY)",
				name, path, owner)
		}
		if info.Mode().Perm()&0o002 != 0 && (!info.IsDir() || info.Mode()&os.ModeSticky == 0) {
			return fmt.Errorf("%s, but anybody may change %s (take that away with: chmod o-w)", name, path)
		}
		if path == filepath.Dir(path) {
			return nil
		}
		path = filepath.Dir(path)
	}
}
