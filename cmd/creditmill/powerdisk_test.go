package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// disk is a directory as a file system with a journal keeps it (ext4, XFS). It is told in order what processes do to
// it, and says what is left after a power cut: names in the order in which they were changed, at least up to the last
// change before a file was synced; of a file's bytes at least those that were there when it was last synced.
type disk struct {
	root  string
	names map[string]*inode // by path; directories, too
	// changes are all changes of names so far; so many of them are durable.
	changes []renaming
	durable int
	before  map[string]*inode // names before the first change
}

// inode is a file, a directory or a link. size and synced are of its bytes, and position is where the next write goes.
type inode struct {
	mode                   fs.FileMode
	size, position, synced int64
	origin                 string // its path in the copy that was made before the first change; empty for a new file
}

// renaming is a change of names: from is empty for a new name, to for one that is removed.
type renaming struct {
	from, to string
	node     *inode
	swap     bool
}

// newDisk starts with a directory of which there is a copy.
func newDisk(root, backup string) (*disk, error) {
	d := &disk{root: root, names: map[string]*inode{root: {mode: fs.ModeDir | 0o700, origin: backup}}}
	known := map[uint64]*inode{}
	err := filepath.WalkDir(backup, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == backup {
			return filepath.SkipAll // the first command makes the directory
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		number := info.Sys().(*syscall.Stat_t).Ino
		if known[number] == nil {
			known[number] = &inode{mode: info.Mode(), size: info.Size(), synced: info.Size(), origin: path}
		}
		d.names[root+strings.TrimPrefix(path, backup)] = known[number]
		return nil
	})
	d.before = maps.Clone(d.names)
	return d, err
}

// apply does a change to names. A directory takes along what is in it.
func (c renaming) apply(names map[string]*inode) {
	if c.from == "" {
		names[c.to] = c.node
		return
	}
	if c.swap {
		names[c.from], names[c.to] = names[c.to], names[c.from]
		return
	}
	if node := names[c.from]; node != nil && !node.mode.IsDir() {
		delete(names, c.from)
		if c.to != "" {
			names[c.to] = node
		}
		return
	}
	within := c.from + "/"
	for path, node := range maps.Clone(names) {
		if path != c.from && !strings.HasPrefix(path, within) {
			continue
		}
		delete(names, path)
		if c.to != "" {
			names[c.to+strings.TrimPrefix(path, c.from)] = node
		}
	}
}

func (d *disk) change(from, to string, node *inode) {
	d.rename(renaming{from: from, to: to, node: node})
}

func (d *disk) rename(c renaming) {
	c.apply(d.names)
	d.changes = append(d.changes, c)
}

// open notes that a file was opened for writing.
func (d *disk) open(path string, create, truncate, appending bool) {
	node := d.names[path]
	if node == nil && create {
		node = &inode{mode: 0o600}
		d.change("", path, node)
	}
	if node == nil {
		return
	}
	if truncate {
		node.size, node.synced = 0, 0
	}
	node.position = 0
	if appending {
		node.position = node.size
	}
}

// write notes bytes at a place; below zero: where the last ones ended.
func (d *disk) write(path string, at, count int64) {
	node := d.names[path]
	if node == nil {
		return
	}
	if at < 0 {
		at = node.position
		node.position += count
	}
	node.size = max(node.size, at+count)
}

// syncing begins to sync a file; what it returns is called when that is done.
func (d *disk) syncing(path string) (done func()) {
	node, changes := d.names[path], len(d.changes)
	if node == nil {
		return func() {}
	}
	size := node.size
	return func() {
		node.synced = max(node.synced, min(size, node.size))
		d.durable = max(d.durable, changes)
	}
}

// check says where the model and the directory differ: the trace is only as good as that.
func (d *disk) check() error {
	var wrong []string
	seen := 0
	err := filepath.WalkDir(d.root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && d.names[path] == nil {
			wrong = append(wrong, "not told of "+path)
		}
		seen++
		return err
	})
	for path := range d.names {
		if _, err := os.Lstat(path); err != nil {
			wrong = append(wrong, "not there: "+path)
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%d of %d names: %s", len(wrong), seen, strings.Join(wrong[:min(5, len(wrong))], "; "))
	}
	return err
}

// cut makes a directory of what is left after the power was cut. How much that is beyond what must be, chance decides;
// more often than not it is nothing.
func (d *disk) cut(to string, random *rand.Rand) (lost string, err error) {
	kept := d.durable
	worst := random.IntN(3) > 0
	if !worst {
		kept += random.IntN(len(d.changes) - d.durable + 1)
	}
	names := maps.Clone(d.before)
	for _, each := range d.changes[:kept] {
		each.apply(names)
	}
	sources := map[*inode]string{}
	for path, node := range d.names {
		sources[node] = path
	}
	made := map[*inode]string{}
	files := 0
	for _, path := range slices.Sorted(maps.Keys(names)) { // a directory before what is in it
		node := names[path]
		source, there := sources[node]
		if !there {
			source = node.origin
		}
		if source == "" {
			continue // made and removed since; its bytes are gone, and it was about to be removed
		}
		target := to + strings.TrimPrefix(path, d.root)
		if first, linked := made[node]; linked && node.mode.IsRegular() {
			err = os.Link(first, target)
		} else {
			length := node.size
			if length > node.synced {
				files++
				length = node.synced
				if !worst {
					length += random.Int64N(node.size - node.synced + 1)
				}
			}
			err = put(source, target, length)
			made[node] = target
		}
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d of %d changes of names and bytes of %d files", len(d.changes)-kept, len(d.changes), files), nil
}

// put copies a directory without what is in it, a link, or the first bytes of a file. Pipes are left out.
func put(source, target string, length int64) error {
	info, err := os.Lstat(source)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return os.Mkdir(target, info.Mode().Perm())
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(source)
		return errors.Join(err, os.Symlink(to, target))
	case !info.Mode().IsRegular():
		return nil
	}
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // it is only read
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, from, min(length, info.Size()))
	return errors.Join(err, file.Close())
}
