package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"github.com/creditmill/creditmill/schemas"
)

// ErrSpoolFull is returned for rows that have no room, since what came before them cannot be loaded.
var ErrSpoolFull = errors.New("the spool is full")

// SpoolConfig is what a Spool works with. Required unless said otherwise.
type SpoolConfig struct {
	// Directory holds what is not loaded yet.
	Directory string
	// Load loads a segment of the spool; what was loaded before it does not load again. It waits for its turn.
	Load func(ctx context.Context, segment Segment) error
	// Gone is told of a segment that a person set aside: it is not loaded.
	Gone func(number int64)
	// MostBytes is how much may wait to be loaded; 0: 1 GiB. Beyond it no row is taken.
	MostBytes int64
	Now       func() time.Time
	Log       zerolog.Logger
}

// Spool takes rows of usage and keeps them on disk until they are in a load.
//
// A segment is a file of rows of one source. It is open while rows are added; closed, it never changes, and is one
// load. So a segment that was loaded by a process that died before it removed the segment is known by its contents,
// and loads no second time. What a dying process had not answered may be cut off at the end of an open segment; that is
// taken away when the next one begins.
type Spool struct {
	config SpoolConfig
	loads  singleflight.Group

	mu   sync.Mutex
	open map[string]*segment
	// closed are the segments that wait to be loaded, the oldest first.
	closed []*segment
	last   int64
	// waiting is the size of all segments, in bytes.
	waiting int64
	queue   chan *appending
}

// Segment is a file of rows of one source. Numbers ascend.
type Segment struct {
	Number             int64
	Name, Source, Path string
}

// segment is one that rows are added to, or that waits to be loaded.
type segment struct {
	number       int64
	source, path string
	file         *os.File
	size         int64
	combinations map[string]bool // of dimensions
}

// appending is rows that wait to be on disk.
type appending struct {
	source string
	rows   Rows
	taken  func(segment int64)
	done   chan error
}

// Rows are rows of usage, each without its line end, and the combinations of dimensions that they have.
type Rows struct {
	Lines        [][]byte
	Combinations map[string]bool
}

const (
	openSuffix, closedSuffix = ".open", ".jsonl"
	segmentsFolder           = "segments" // in it a folder for each source
	// segmentMost closes a segment, loadEvery loads what there is.
	segmentMost = 8 << 20
	loadEvery   = 10 * time.Second
	// defaultMostBytes may wait to be loaded.
	defaultMostBytes = 1 << 30
	// queueMost is how many requests may wait for the disk.
	queueMost = 1024
	// defaultSource is that of rows whose sender names none.
	defaultSource = "creditmill"
)

// Waiting is how many bytes are on disk and in no load yet.
func (s *Spool) Waiting() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// Append puts rows on disk. They are there when it returns without an error. taken is told in which segment they are,
// before that is loaded.
//
// A load may have so many combinations of dimensions, so a segment has no more either: the caller gives at most
// schemas.MaxCombinations.
func (s *Spool) Append(ctx context.Context, source string, rows Rows, taken func(segment int64)) error {
	waiting := &appending{source: source, rows: rows, taken: taken, done: make(chan error, 1)}
	select {
	case s.queue <- waiting:
	case <-ctx.Done():
		return fmt.Errorf("wait for the disk: %w", context.Cause(ctx))
	}
	return <-waiting.done
}

// Run writes what is appended and loads it, until the context ends. Then it loads what there is.
func (s *Spool) Run(ctx context.Context) error {
	ticker := time.NewTicker(loadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.drain()
			_, err := s.Flush(context.WithoutCancel(ctx))
			return err
		case first := <-s.queue:
			s.write(s.gather(first))
			if s.large() {
				go s.flushed(ctx)
			}
		case <-ticker.C:
			go s.flushed(ctx)
		}
	}
}

// flushed is Flush, whose error is told and tried again later.
func (s *Spool) flushed(ctx context.Context) {
	if _, err := s.Flush(ctx); err != nil && ctx.Err() == nil {
		s.config.Log.Error().Err(err).Msg("spool_not_loaded")
	}
}

// gather takes all that waits: one sync of the disk is enough for it.
func (s *Spool) gather(first *appending) []*appending {
	all := []*appending{first}
	for len(all) < queueMost {
		select {
		case next := <-s.queue:
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}

// drain writes what is queued when the spool stops.
func (s *Spool) drain() {
	select {
	case first := <-s.queue:
		s.write(s.gather(first))
	default:
	}
}

// write appends rows to the segments of their sources, syncs those, and tells who waits.
func (s *Spool) write(all []*appending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bySource := map[string][]*appending{}
	for _, one := range all {
		bySource[one.source] = append(bySource[one.source], one)
	}
	for source, ours := range bySource {
		for len(ours) > 0 {
			n := s.fitting(source, ours)
			if n == 0 { // the next segment has room
				if err := s.closeOf(source); err != nil {
					s.config.Log.Error().Err(err).Msg("segment_not_closed")
				}
				continue
			}
			err := s.writeTo(source, ours[:n])
			for _, one := range ours[:n] {
				one.done <- err
			}
			ours = ours[n:]
		}
	}
}

// fitting is how many of those that wait the source's segment takes.
func (s *Spool) fitting(source string, ours []*appending) int {
	combinations := map[string]bool{}
	into := s.open[source]
	if into != nil {
		maps.Copy(combinations, into.combinations)
	}
	for n, one := range ours {
		maps.Copy(combinations, one.rows.Combinations)
		if len(combinations) > schemas.MaxCombinations && (n > 0 || into != nil) {
			return n
		}
	}
	return len(ours)
}

// writeTo appends rows to the segment of a source. After an error the segment is closed: what is at its end is not
// known.
func (s *Spool) writeTo(source string, ours []*appending) error {
	var text bytes.Buffer
	for _, one := range ours {
		for _, row := range one.rows.Lines {
			text.Write(row)
			text.WriteByte('\n')
		}
	}
	if s.waiting+int64(text.Len()) > s.config.MostBytes {
		return fmt.Errorf("%w: %d bytes wait to be loaded, at most %d may; spool_not_loaded in the log says why",
			ErrSpoolFull, s.waiting, s.config.MostBytes)
	}
	into, err := s.segmentOf(source)
	if err != nil {
		return fmt.Errorf("open spool: %w", err)
	}
	size := into.size
	written, err := into.file.Write(text.Bytes())
	into.size += int64(written)
	if err == nil {
		err = into.file.Sync()
	}
	if err != nil {
		// What was not acknowledged is taken off again; where that cannot be done, loading it harms nobody: whoever sent it
		// sends it again, and it counts once.
		err = errors.Join(err, into.file.Truncate(size))
		into.size = size
		err = errors.Join(err, s.closeOf(source))
		return fmt.Errorf("write spool: %w", err)
	}
	s.waiting += int64(written)
	for _, one := range ours {
		maps.Copy(into.combinations, one.rows.Combinations)
		one.taken(into.number)
	}
	return nil
}

// segmentOf is the open segment of a source.
func (s *Spool) segmentOf(source string) (*segment, error) {
	if into := s.open[source]; into != nil {
		return into, nil
	}
	folder := s.folderOf(source)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err //nolint:wrapcheck // the caller says what for
	}
	s.last = max(s.last+1, s.config.Now().UnixNano())
	path := filepath.Join(folder, fmt.Sprintf("%019d%s", s.last, openSuffix))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what for
	}
	err = errors.Join(syncFolder(folder), syncFolder(filepath.Dir(folder)), syncFolder(s.config.Directory))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.open[source] = &segment{
		number: s.last, source: source, path: path, file: file, combinations: map[string]bool{},
	}
	return s.open[source], nil
}

// closeOf closes the segment of a source: it waits to be loaded then.
func (s *Spool) closeOf(source string) error {
	done := s.open[source]
	if done == nil {
		return nil
	}
	delete(s.open, source)
	err := done.file.Close()
	if done.size == 0 {
		return errors.Join(err, os.Remove(done.path))
	}
	closed := strings.TrimSuffix(done.path, openSuffix) + closedSuffix
	err = errors.Join(err, renameDurably(done.path, closed))
	if _, missing := os.Stat(done.path); errors.Is(missing, fs.ErrNotExist) {
		done.path = closed
	}
	s.closed = append(s.closed, done) // its rows were accepted, whatever its name is
	return err
}

func (s *Spool) large() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.open {
		if one.size >= segmentMost {
			return true
		}
	}
	return false
}

// Flush loads all that was on disk when it was called: the segments up to the number that it returns. Several who ask
// at once share the work.
func (s *Spool) Flush(ctx context.Context) (upTo int64, err error) {
	for range 2 { // a run that goes on may have begun before
		last, err, shared := s.loads.Do("", func() (any, error) { return s.load(context.WithoutCancel(ctx)) })
		if err != nil {
			return 0, err //nolint:wrapcheck // it is load's
		}
		if upTo = last.(int64); !shared { //nolint:forcetypeassert // it is load's
			break
		}
	}
	return upTo, nil
}

// load closes the open segments and loads the closed ones, the oldest first. One that cannot be loaded waits for the
// next time, and keeps no other from loading; one that a person set aside is done. It returns the last one's number.
func (s *Spool) load(ctx context.Context) (last int64, failed error) {
	s.mu.Lock()
	for _, source := range slices.Sorted(maps.Keys(s.open)) {
		failed = errors.Join(failed, s.closeOf(source))
	}
	waiting, last := slices.Clone(s.closed), s.last
	s.mu.Unlock()
	for _, one := range waiting {
		if err := s.loadOne(ctx, one); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		s.mu.Lock()
		s.closed = slices.DeleteFunc(s.closed, func(other *segment) bool { return other == one })
		s.waiting -= one.size
		s.mu.Unlock()
	}
	return last, failed
}

// loadOne loads a segment and removes it.
func (s *Spool) loadOne(ctx context.Context, one *segment) error {
	number := strings.TrimSuffix(filepath.Base(one.path), filepath.Ext(one.path))
	name := "events/" + filepath.Base(filepath.Dir(one.path)) + "/" + number + closedSuffix
	if _, err := os.Stat(one.path); errors.Is(err, fs.ErrNotExist) {
		s.config.Log.Warn().Str("segment", one.path).Msg("segment_set_aside")
		s.config.Gone(one.number)
		return nil
	}
	err := s.config.Load(ctx, Segment{Number: one.number, Name: name, Source: one.source, Path: one.path})
	if err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	if err := os.Remove(one.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s from the spool: %w", name, err)
	}
	return nil
}
