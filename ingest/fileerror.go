package ingest

import (
	"errors"
	"io"
)

// FileError is what went wrong with one file of a Load. Its text is that of Err, which names the file.
type FileError struct {
	File string // Name of the Input
	Err  error
}

func (e *FileError) Error() string { return e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// FileErrors takes an error of Load apart by file.
func FileErrors(err error) []*FileError {
	switch err := err.(type) { //nolint:errorlint // the tree of errors is walked here
	case *FileError:
		return []*FileError{err}
	case interface{ Unwrap() []error }:
		var found []*FileError
		for _, part := range err.Unwrap() {
			found = append(found, FileErrors(part)...)
		}
		return found
	}
	return nil
}

// ErrUnreadable is in the error of a file that cannot be read to its end as a log of its source: it will be no better
// next time. It is not in that of a file that changed while it was read, nor where the warehouse is at
// fault.
var ErrUnreadable = errors.New("file cannot be read")

// ErrNotConserved is returned when the warehouse does not hold exactly what was read; the load is not committed.
var ErrNotConserved = errors.New("rows or tokens were lost or gained")

// faultError marks an error without changing its text.
type faultError struct{ err, mark error }

func (e *faultError) Error() string   { return e.err.Error() }
func (e *faultError) Unwrap() []error { return []error{e.err, e.mark} }

// errWarehouse marks errors of the connections that insert.
var errWarehouse = errors.New("warehouse did not take rows")

func mark(err, as error) error {
	if err == nil {
		return nil
	}
	return &faultError{err, as}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
