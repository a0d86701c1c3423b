package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLongTable: a long table is the one that other tables are, byte for byte, in one piece and joined from parts.
func TestLongTable(t *testing.T) {
	rows := [][]string{
		{"a", "1", ""},
		{"  indented", "1,000,000", "x "},
		{"müller", "", "läßt"},
		{"日本", "-5", ""},
		{"", "", ""},
		{strings.Repeat("long ", 40), "€7", "end"},
	}
	var want bytes.Buffer
	other := newTable(&want, "name", "number", "a note")
	rightAlign(other, 2)
	parts := []*longTable{}
	whole := newLongTable("name  >number  a note")
	for _, row := range rows {
		other.AppendRow([]any{row[0], row[1], row[2]})
		whole.add(row...)
		part := newLongTable("name  >number  a note")
		part.add(row...)
		parts = append(parts, part)
	}
	other.Render()
	joined := newLongTable("name  >number  a note")
	for _, part := range parts {
		joined.join(part)
	}
	for name, table := range map[string]*longTable{"whole": whole, "joined": joined} {
		var got bytes.Buffer
		table.render(&got)
		if got.String() != want.String() || table.length != len(rows) {
			t.Errorf("%s, %d rows:\n%swant\n%s", name, table.length, got.String(), want.String())
		}
	}
}

// TestLongTableControl: a name cannot look like another row.
func TestLongTableControl(t *testing.T) {
	table := newLongTable("name  >amount")
	table.add("a\nb  $1.00", "$2.00")
	var got bytes.Buffer
	table.render(&got)
	want := "name         amount\n─────────────────────\na\\nb  $1.00   $2.00\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// TestWriteFile: a file that cannot be written to its end leaves the one before as it is, and none beside it.
func TestWriteFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "plan.csv")
	broken := errors.New("broken")
	for _, test := range []struct {
		text string
		err  error
		want string
	}{{"first", broken, ""}, {"second", nil, "second"}, {"third", broken, "second"}, {"fourth", nil, "fourth"}} {
		err := writeFile(name, func(w io.Writer) error {
			_, err := fmt.Fprint(w, test.text)
			return errors.Join(err, test.err)
		})
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v", test.text, err)
		}
		got, err := os.ReadFile(name)
		if string(got) != test.want || err != nil && test.want != "" {
			t.Errorf("%s: %q, %v, want %q", test.text, got, err, test.want)
		}
		if files, err := filepath.Glob(name + "*"); err != nil || len(files) > 1 {
			t.Errorf("%s: %v, %v", test.text, files, err)
		}
	}
}
