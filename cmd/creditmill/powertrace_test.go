package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// tracedCalls are those that change a directory, its files or what is durable of them.
const tracedCalls = "openat,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,syncfs,sync,rename,renameat," +
	"renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,mkdir,mkdirat,unlink,unlinkat,rmdir,ftruncate,truncate," +
	"fallocate,copy_file_range,sendfile"

// traced has strace write down what a command and all its children do to files. strace is beside the command, not above
// it, so a kill of the command reaches the command; it ends after the last of them, and only then does Wait return. The
// program's name, by which the test's binary knows what it is, is that of a link in the folder.
func traced(command *exec.Cmd, strace, folder, log string) error {
	program := filepath.Join(folder, command.Args[0])
	if err := os.Symlink(command.Path, program); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	arguments := []string{
		strace, "-D", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-o", log, "-e",
		"trace=" + tracedCalls, program,
	}
	command.Path, command.Args = strace, append(arguments, command.Args[1:]...)
	return nil
}

var (
	tracedLine = regexp.MustCompile(`^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$`)
	tracedEnd  = regexp.MustCompile(`^(.*)\) += (-?\d+)`)
	tracedFile = regexp.MustCompile(`^\d+<([^>]*)>`)
	tracedName = regexp.MustCompile(`(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"`)
	tracedTail = regexp.MustCompile(`, (\d+)(?:, (\d+))?$`)
)

const unfinished = " <unfinished ...>"

// tracer tells a disk what strace wrote down.
type tracer struct {
	disk *disk
	// begun are calls of threads that have not come back.
	begun map[string]begunCall
}

type begunCall struct {
	name, arguments string
	synced          func()
}

// replay reads the whole log. What had not come back when the power was cut is taken for done where the directory says
// so.
func (d *disk) replay(log string) error {
	file, err := os.Open(log)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read
	t := &tracer{disk: d, begun: map[string]begunCall{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := t.line(lines.Text()); err != nil {
			return fmt.Errorf("%w in the line %q", err, lines.Text())
		}
	}
	for _, call := range t.begun {
		t.cutShort(call)
	}
	return lines.Err()
}

func (t *tracer) line(line string) error {
	found := tracedLine.FindStringSubmatch(line)
	if found == nil {
		return nil // a signal, or an exit
	}
	thread, resumed, name, rest := found[1], found[2] != "", found[3], found[4]
	call := begunCall{name: name}
	if resumed {
		call = t.begun[thread]
		delete(t.begun, thread)
	} else if strings.HasSuffix(name, "sync") {
		call.synced = t.syncing(name, rest)
	}
	call.arguments += strings.TrimSuffix(rest, unfinished)
	if strings.HasSuffix(rest, unfinished) {
		t.begun[thread] = call
		return nil
	}
	ended := tracedEnd.FindStringSubmatch(call.arguments)
	if ended == nil { // it never came back: the process was killed
		t.begun[thread] = call
		return nil
	}
	result, err := strconv.ParseInt(ended[2], 10, 64)
	if err != nil || result < 0 {
		return err
	}
	call.arguments = ended[1]
	return t.did(call, result)
}

func (t *tracer) syncing(name, arguments string) func() {
	if file := tracedFile.FindStringSubmatch(arguments); file != nil && name != "sync" {
		return t.disk.syncing(file[1])
	}
	return func() {}
}

// did takes a call that succeeded.
func (t *tracer) did(call begunCall, result int64) error {
	paths := pathsOf(call.arguments)
	inside := func(n int) bool { return len(paths) > n && t.disk.holds(paths[n]) }
	file, within := "", false
	if found := tracedFile.FindStringSubmatch(call.arguments); found != nil {
		file, within = found[1], t.disk.holds(found[1])
	}
	number := func(n int) int64 {
		tail := tracedTail.FindStringSubmatch(call.arguments)
		value, _ := strconv.ParseInt(tail[n], 10, 64) // digits
		return value
	}
	switch call.name {
	case "openat", "creat":
		flag := func(name string) bool { return strings.Contains(call.arguments, name) }
		if inside(0) && (flag("O_CREAT") || flag("O_WRONLY") || flag("O_RDWR")) {
			t.disk.open(paths[0], flag("O_CREAT"), flag("O_TRUNC"), flag("O_APPEND"))
		}
	case "write", "writev":
		if within {
			t.disk.write(file, -1, result)
		}
	case "pwrite64":
		if within {
			t.disk.write(file, number(2), result)
		}
	case "fsync", "fdatasync":
		call.synced()
	case "ftruncate":
		if node := t.disk.names[file]; node != nil {
			node.size = number(1)
			node.synced = min(node.synced, node.size)
		}
	case "rename", "renameat", "renameat2":
		if inside(0) && inside(1) {
			swap := strings.Contains(call.arguments, "RENAME_EXCHANGE")
			t.disk.rename(renaming{from: paths[0], to: paths[1], swap: swap})
		} else if inside(0) || inside(1) {
			return fmt.Errorf("a name comes or goes")
		}
	case "link", "linkat":
		if inside(1) {
			t.disk.change("", paths[1], t.disk.names[paths[0]])
		}
	default:
		return t.made(call, paths, inside, within)
	}
	return nil
}

// made takes a call that made or removed a name.
func (t *tracer) made(call begunCall, paths []string, inside func(int) bool, within bool) error {
	switch call.name {
	case "symlink", "symlinkat":
		if last := len(paths) - 1; inside(last) {
			t.disk.change("", paths[last], &inode{mode: fs.ModeSymlink})
		}
	case "mknod", "mknodat":
		if inside(0) {
			t.disk.change("", paths[0], &inode{mode: fs.ModeNamedPipe})
		}
	case "mkdir", "mkdirat":
		if inside(0) {
			t.disk.change("", paths[0], &inode{mode: fs.ModeDir})
		}
	case "unlink", "unlinkat", "rmdir":
		if inside(0) {
			t.disk.change(paths[0], "", nil)
		}
	default: // one that the model does not know
		if within || inside(0) {
			return fmt.Errorf("%s is unheard of", call.name)
		}
	}
	return nil
}

// cutShort takes a call that the power cut.
func (t *tracer) cutShort(call begunCall) {
	paths := pathsOf(call.arguments)
	if len(paths) == 0 || !t.disk.holds(paths[0]) {
		return
	}
	there := func(path string) bool {
		_, err := os.Lstat(path)
		return err == nil
	}
	first, last := paths[0], paths[len(paths)-1]
	switch known := t.disk.names[last] != nil; {
	case strings.HasPrefix(call.name, "rename"):
		if t.disk.names[first] != nil && !there(first) && there(last) {
			t.disk.change(first, last, nil)
		}
	case call.name == "unlink" || call.name == "unlinkat" || call.name == "rmdir":
		if known && !there(last) {
			t.disk.change(last, "", nil)
		}
	case there(last) && !known && strings.HasPrefix(call.name, "mkdir"):
		t.disk.change("", last, &inode{mode: fs.ModeDir})
	case there(last) && !known && strings.HasPrefix(call.name, "link"):
		t.disk.change("", last, t.disk.names[first])
	case there(last) && !known && call.name == "openat":
		t.disk.open(last, true, false, false)
	}
}

// holds tells whether a path is in the directory.
func (d *disk) holds(path string) bool { return path == d.root || strings.HasPrefix(path, d.root+"/") }

// pathsOf are the names in a call, each with the directory that it is relative to.
func pathsOf(arguments string) []string {
	var paths []string
	for _, found := range tracedName.FindAllStringSubmatch(arguments, -1) {
		path := found[2]
		if !filepath.IsAbs(path) {
			path = filepath.Join(found[1], path)
		}
		paths = append(paths, filepath.Clean(path))
	}
	return paths
}
