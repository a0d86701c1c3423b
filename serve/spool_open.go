package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// OpenSpool takes up what an earlier process left.
func OpenSpool(config SpoolConfig) (*Spool, error) {
	if config.MostBytes == 0 {
		config.MostBytes = defaultMostBytes
	}
	s := &Spool{config: config, open: map[string]*segment{}, queue: make(chan *appending, queueMost)}
	err := errors.Join(os.MkdirAll(config.Directory, 0o700), os.RemoveAll(filepath.Join(config.Directory, uploadsFolder)))
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	err = filepath.WalkDir(config.Directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if strings.HasSuffix(path, openSuffix) {
			if path, err = closeLeft(path); err != nil || path == "" {
				return err
			}
		}
		if strings.HasSuffix(path, closedSuffix) {
			number, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), closedSuffix), 10, 64)
			if err != nil {
				return fmt.Errorf("%s is no segment: %w", path, err)
			}
			info, err := os.Stat(path)
			if err != nil {
				return err //nolint:wrapcheck // OpenSpool says what for
			}
			s.last, s.waiting = max(s.last, number), s.waiting+info.Size()
			s.closed = append(s.closed, &segment{
				number: number, source: filepath.Base(filepath.Dir(path)), path: path, size: info.Size(),
			})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take up the spool: %w", err)
	}
	slices.SortFunc(s.closed, func(a, b *segment) int {
		return strings.Compare(filepath.Base(a.path), filepath.Base(b.path))
	})
	return s, nil
}

// closeLeft closes a segment that an earlier process left open, without the rest of a row that was cut off. It returns
// its name now; empty if nothing of it is left.
func closeLeft(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err //nolint:wrapcheck // OpenSpool says what for
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole == 0 {
		return "", os.Remove(path)
	}
	if err := os.Truncate(path, int64(whole)); err != nil {
		return "", err //nolint:wrapcheck // OpenSpool says what for
	}
	closed := strings.TrimSuffix(path, openSuffix) + closedSuffix
	return closed, renameDurably(path, closed)
}

// renameDurably renames a file so that the name is on disk, too.
func renameDurably(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	return syncFolder(filepath.Dir(to))
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	return errors.Join(folder.Sync(), folder.Close())
}
