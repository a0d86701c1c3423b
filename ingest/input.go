package ingest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/creditmill/creditmill/ingest/unpack"
)

// Input is one file to load.
type Input struct {
	// Name is the file's path, and how the load is listed.
	Name string
	// Reader is read instead of the file Name where it is set: standard input.
	Reader io.Reader
	// Remote is read instead of the file Name where it is set: an object in object storage.
	Remote Remote
	// Parts are read instead of the file Name where there are any: small remote files, in the order of their names, that
	// become one load.
	Parts []Part
}

// Remote is a file elsewhere. It reads the same bytes each time it is opened, or returns an error.
type Remote interface {
	Open(ctx context.Context) (io.ReadCloser, error)
	Size() uint64 // as stored
	// Version is what was written last, and when. A file of one name, version and size has one content. Empty: not known.
	Version() (etag string, modified time.Time)
	// IsOwn tells whether an error is that of this file alone, such as that it is no longer there.
	IsOwn(err error) bool
}

// inputFile is an open input: what is read of it is hashed and counted as stored, before any decompression.
type inputFile struct {
	name      string
	path      string
	file      *os.File // nil for a stream
	reader    io.Reader
	info      os.FileInfo // when it was opened; nil for a stream
	remote    Remote      // nil for others
	closer    io.Closer   // of what is read of remote
	failed    bool        // remote could not be read to its end
	hash      hash.Hash
	bytesRead uint64
	readSoFar atomic.Uint64 // bytesRead for those who watch
}

// ErrChanged is returned when a file is written to while it is being loaded.
var ErrChanged = errors.New("file changed while it was read")

func openInput(ctx context.Context, input Input) (*inputFile, error) {
	f := &inputFile{
		name: input.Name, path: input.Name, reader: input.Reader, remote: input.Remote, hash: sha256.New(),
	}
	if input.Reader != nil || input.Parts != nil {
		return f, nil
	}
	if input.Remote != nil {
		return f, f.openRemote(ctx)
	}
	file, err := os.Open(input.Name)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", input.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", joinClose(err, file))
	}
	f.file, f.reader, f.info = file, file, info
	return f, nil
}

// openRemote reads from the beginning.
func (f *inputFile) openRemote(ctx context.Context) error {
	body, err := f.remote.Open(ctx)
	if err != nil {
		return fmt.Errorf("open log file: %w", err)
	}
	f.reader, f.closer = body, body
	return nil
}

// isStream tells whether the input can be read only once.
func (f *inputFile) isStream() bool { return f.info == nil && f.remote == nil }

// size is the stored size; 0 for a stream.
func (f *inputFile) size() uint64 {
	if f.remote != nil {
		return f.remote.Size()
	}
	if f.info == nil {
		return 0
	}
	return uint64(f.info.Size())
}

// readAhead is how many bytes are read at once: no more than there are, where that is known.
func (f *inputFile) readAhead() int {
	const most = 1 << 20
	if known, ok := f.reader.(interface{ Len() int }); ok {
		return min(known.Len()+1, most)
	}
	return most
}

func (f *inputFile) close() error {
	if f.closer != nil {
		return f.closer.Close()
	}
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Read counts and hashes.
func (f *inputFile) Read(p []byte) (int, error) {
	n, err := f.reader.Read(p)
	f.failed = f.failed || (f.remote != nil && err != nil && !errors.Is(err, io.EOF))
	f.bytesRead += uint64(n)
	f.readSoFar.Store(f.bytesRead)
	f.hash.Write(p[:n])
	return n, err
}

func (f *inputFile) sha256() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// hashFirst reads the file once for its hash alone and goes back to its beginning.
func (f *inputFile) hashFirst(ctx context.Context) (string, error) {
	buffer := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := f.Read(buffer); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fmt.Errorf("read %s: %w", f.name, err)
		}
	}
	sha := f.sha256()
	f.hash.Reset()
	f.bytesRead = 0
	if f.remote != nil {
		if err := f.closer.Close(); err != nil {
			return "", fmt.Errorf("read %s: %w", f.name, err)
		}
		return sha, f.openRemote(ctx)
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read %s: %w", f.name, err)
	}
	return sha, nil
}

// unchanged checks after reading that the file is the one that was opened. expected is the hash of an earlier
// reading, or empty.
func (f *inputFile) unchanged(expected string) error {
	if f.remote != nil && (f.bytesRead != f.size() || (expected != "" && expected != f.sha256())) {
		return fmt.Errorf("read %s: %w; load it again when nothing writes to it", f.name, ErrChanged)
	}
	if f.info == nil {
		return nil
	}
	now, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", f.name, err)
	}
	named, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("read %s: %w: %w", f.name, ErrChanged, err)
	}
	sameTime := func(info os.FileInfo) bool {
		return info.ModTime().Round(time.Nanosecond).Equal(f.info.ModTime()) && info.Size() == f.info.Size()
	}
	if !sameTime(now) || !sameTime(named) || !os.SameFile(now, named) || f.bytesRead != f.size() ||
		(expected != "" && expected != f.sha256()) {
		return fmt.Errorf("read %s: %w; load it again when nothing writes to it", f.name, ErrChanged)
	}
	return nil
}

// plain returns the file's contents without compression, which is told by its first bytes, and without a byte-order
// mark.
func (f *inputFile) plain() (io.ReadCloser, error) {
	text, err := plainText(bufio.NewReaderSize(f, f.readAhead()))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	}
	return text, nil
}

func plainText(stored io.Reader) (io.ReadCloser, error) {
	reader, closeReader, err := unpack.Open(bufio.NewReader(stored))
	if err != nil {
		return nil, err
	}
	text := bufio.NewReaderSize(reader, 1<<16)
	mark, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, joinCloseFunc(err, closeReader)
	}
	if bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := text.Discard(len(mark)); err != nil {
			return nil, joinCloseFunc(err, closeReader)
		}
	}
	return readCloser{text, closeReader}, nil
}

type readCloser struct {
	io.Reader
	close func() error
}

func (r readCloser) Close() error { return r.close() }

func joinClose(err error, closer io.Closer) error { return errors.Join(err, closer.Close()) }

func joinCloseFunc(err error, closer func() error) error { return errors.Join(err, closer()) }
