package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/rs/zerolog"
)

// print writes a verb's result on stdout: one JSON document with --json, else what human writes.
func (a *app) print(result any, human func(io.Writer) error) error {
	if a.flags.json {
		return a.printJSON(result)
	}
	if err := human(a.stdout); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// printJSON writes one JSON document and a newline, for verbs that print one object per file.
func (a *app) printJSON(result any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(result); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// counted writes a number with what it counts, "1 charge" or "2 charges": the noun is in the singular, and takes an s.
func counted(number any, noun string) string {
	text := fmt.Sprint(number)
	if text != "1" {
		noun += "s"
	}
	return text + " " + noun
}

// newTable returns a table in the house style; the caller adds rows and renders it to w.
func newTable(w io.Writer, headers ...any) table.Writer {
	t := visibleTable{table.NewWriter()}
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.Style().Format.Header = text.FormatDefault
	t.Style().Format.Footer = text.FormatDefault
	t.Style().Box.PaddingLeft = ""
	t.Style().Box.PaddingRight = "  "
	t.SuppressTrailingSpaces()
	if len(headers) > 0 {
		t.AppendHeader(table.Row(headers))
	}
	return t
}

func newLogger(w io.Writer, now func() time.Time) zerolog.Logger {
	zerolog.TimestampFunc = now
	if isTerminal(w) {
		visible := func(text any) string { return schemas.Visible(fmt.Sprint(text)) }
		w = zerolog.ConsoleWriter{ // which colours, so it has the stream itself
			Out: unguarded(w), TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != "",
			FormatMessage: visible, FormatFieldValue: visible, FormatErrFieldValue: visible,
		}
	}
	return zerolog.New(w).With().Timestamp().Logger()
}
