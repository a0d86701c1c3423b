package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OpenSpool takes up what an earlier process left.
func OpenSpool(config SpoolConfig) (*Spool, error) {
	if config.MostBytes == 0 {
		config.MostBytes = defaultMostBytes
	}
	s := &Spool{config: config, open: map[string]*segment{}, queue: make(chan *appending, queueMost)}
	segments := filepath.Join(config.Directory, segmentsFolder)
	err := errors.Join(os.MkdirAll(segments, 0o700), os.RemoveAll(filepath.Join(config.Directory, uploadsFolder)))
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	err = eachSegment(config.Directory, func(path string, number int64) error {
		if strings.HasSuffix(path, openSuffix) {
			if path, err = closeLeft(path); err != nil || path == "" {
				return err
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			return err //nolint:wrapcheck // OpenSpool says what for
		}
		source, err := sourceOf(filepath.Dir(path))
		if err != nil {
			return err
		}
		s.last, s.waiting = max(s.last, number), s.waiting+info.Size()
		s.closed = append(s.closed, &segment{number: number, source: source, path: path, size: info.Size()})
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

// folderOf is the folder of a source's segments. Its name is the id, in which nothing stays that means something in a
// path.
func (s *Spool) folderOf(source string) string {
	name := url.PathEscape(source)
	if strings.Trim(name, ".") == "" {
		name = strings.ReplaceAll(name, ".", "%2E")
	}
	return filepath.Join(s.config.Directory, segmentsFolder, name)
}

// sourceOf is the source whose segments are in a folder.
func sourceOf(folder string) (string, error) {
	source, err := url.PathUnescape(filepath.Base(folder))
	if err != nil {
		return "", fmt.Errorf("%s is no folder of segments: %w", folder, err)
	}
	return source, nil
}

// Left is when the youngest segment was begun of those in a folder that were begun before an instant: rows were
// accepted from then on that are in no load. Zero: there is none.
func Left(directory string, before time.Time) (youngest time.Time, err error) {
	err = eachSegment(directory, func(_ string, number int64) error {
		if begun := time.Unix(0, number).UTC(); begun.Before(before) && begun.After(youngest) {
			youngest = begun
		}
		return nil
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("look at the spool: %w", err)
	}
	return youngest, nil
}

// eachSegment visits the segments in the folder of a spool, by their path and number. Other files are nobody's rows.
func eachSegment(directory string, visit func(path string, number int64) error) error {
	segments := filepath.Join(directory, segmentsFolder)
	return filepath.WalkDir(segments, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // loaded and removed meanwhile
			return nil
		}
		suffix := filepath.Ext(path)
		if err != nil || entry.IsDir() || suffix != openSuffix && suffix != closedSuffix {
			return err
		}
		number, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), suffix), 10, 64)
		if err != nil {
			return fmt.Errorf("%s is no segment: %w", path, err)
		}
		return visit(path, number)
	})
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
