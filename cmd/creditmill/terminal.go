package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"

	"github.com/creditmill/creditmill/schemas"
	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"
)

// visibleWriter is stdout or stderr as every command has it: what would steer a terminal, or cannot be seen, goes out
// as an escape, whatever it came from. Tables, notes and errors do the same to line breaks and tabs within a text,
// which look like those of the output here.
type visibleWriter struct {
	out io.Writer

	mutex sync.Mutex
	shown []byte // memory
	rest  []byte // may be the beginning of a character
}

func newVisibleWriter(out io.Writer) *visibleWriter { return &visibleWriter{out: out} }

func (v *visibleWriter) Write(text []byte) (int, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	all := text
	if len(v.rest) > 0 {
		all = append(v.rest, text...)
	}
	shown, rest := schemas.AppendVisible(v.shown[:0], all, true)
	v.shown, v.rest = shown, append([]byte(nil), rest...)
	if _, err := v.out.Write(shown); err != nil {
		return 0, err //nolint:wrapcheck // as the stream returns it
	}
	return len(text), nil
}

// Close writes what was left of a character that never ended. The stream stays open.
func (v *visibleWriter) Close() error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	shown, _ := schemas.AppendVisible(nil, v.rest, false)
	v.rest = nil
	_, err := v.out.Write(shown)
	return err //nolint:wrapcheck // as the stream returns it
}

// unguarded is the stream itself, for what is meant to steer a terminal and for rows as they stood in a file.
func unguarded(w io.Writer) io.Writer {
	if guarded, ok := w.(*visibleWriter); ok {
		return guarded.out
	}
	return w
}

// isTerminal tells whether a person reads there as it is written: progress may overwrite itself, questions may be
// asked.
func isTerminal(w io.Writer) bool {
	file, ok := unguarded(w).(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// visibleTable is a table whose cells stay on their line.
type visibleTable struct{ table.Writer }

func (t visibleTable) AppendHeader(row table.Row, configs ...table.RowConfig) {
	t.Writer.AppendHeader(visibleRow(row), configs...)
}

func (t visibleTable) AppendRow(row table.Row, configs ...table.RowConfig) {
	t.Writer.AppendRow(visibleRow(row), configs...)
}

func (t visibleTable) AppendRows(rows []table.Row, configs ...table.RowConfig) {
	for _, row := range rows {
		t.AppendRow(row, configs...)
	}
}

func (t visibleTable) AppendFooter(row table.Row, configs ...table.RowConfig) {
	t.Writer.AppendFooter(visibleRow(row), configs...)
}

func visibleRow(row table.Row) table.Row {
	shown := make(table.Row, len(row))
	for i, value := range row {
		shown[i] = visibleValue(value)
	}
	return shown
}

// visibleValue is a value to be printed within a line. Numbers stay what they are.
func visibleValue(value any) any {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return schemas.Visible(value)
	case error: // several joined are a line each
		return value
	}
	switch reflect.TypeOf(value).Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return schemas.Visible(fmt.Sprint(value))
	default:
		return value
	}
}

// writef writes a line with texts from outside, which stay on it.
func writef(w io.Writer, format string, values ...any) (int, error) {
	shown := make([]any, len(values))
	for i, value := range values {
		shown[i] = visibleValue(value)
	}
	return fmt.Fprintf(w, format, shown...)
}

// sayf is writef where nothing hangs on the line: it is one of many, the last of which tells whether they were written.
func sayf(w io.Writer, format string, values ...any) {
	_, _ = writef(w, format, values...)
}
