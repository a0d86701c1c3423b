// Package sniff tells what a file is by its name and its beginning: the format of a log, or what it is instead, and
// what to do with it.
package sniff

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/creditmill/creditmill/ingest/arrow"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsonl"
	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/ingest/parquet"
	"github.com/creditmill/creditmill/ingest/unpack"
	"github.com/creditmill/creditmill/schemas"
)

// Format tells the format of a file from its beginning: columns by their marks whatever the name, text by the
// source, the name or the first character. What is no log gets an error that says what it is and what to do.
func Format(source schemas.Source, file string, data []byte) (string, error) {
	columns := Columns(data)
	if columns == "" {
		if err := notALog(data); err != nil {
			return "", err
		}
	}
	format := source.Format
	if format == "" {
		format = formatOfName(file)
	}
	if format == "" {
		format = guessFormat(data)
	}
	isColumns := format == schemas.FormatParquet || format == schemas.FormatArrow
	switch {
	case columns != "" && source.Format != "" && source.Format != columns:
		return "", fmt.Errorf("it is %s, and source %s declares %s", article(columns), source.ID, source.Format)
	case columns != "":
		return columns, nil
	case isColumns && beginsWith(data, '{'): // rejects of such files are kept as JSON, to be fixed and loaded
		format = schemas.FormatJSONL
	case isColumns:
		return "", fmt.Errorf("it is not %s", article(format))
	}
	if err := notText(format, data); err != nil {
		return "", err
	}
	if format == schemas.FormatJSONL {
		if jsonl.RowsByCR(data) {
			return "", errors.New(event.OnlyCR)
		}
		return format, notLines(file, data)
	}
	return format, nil
}

// notText refuses what holds zero bytes, unless something in it looks like a row or a header: then they spoil their own
// rows only, as after a crash of the machine that wrote the log.
func notText(format string, data []byte) error {
	head := data[:min(len(data), headBytes)]
	if format == schemas.FormatCSV {
		head, _, _ = bytes.Cut(head, []byte("\n"))
	} else if beginsWith(data, '{') || bytes.Contains(data, []byte("\n{")) {
		return nil
	}
	if bytes.IndexByte(head, 0) < 0 {
		return nil
	}
	return errors.New("it is neither text nor Parquet nor Arrow")
}

func article(format string) string {
	if format == schemas.FormatArrow {
		return "an Arrow file or stream"
	}
	return "a Parquet file"
}

// Columns tells Parquet and Arrow by their marks; empty for anything else.
func Columns(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte(parquet.Magic)):
		return schemas.FormatParquet
	case bytes.HasPrefix(data, []byte(arrow.Magic)):
		return schemas.FormatArrow
	case len(data) >= 8 && bytes.HasPrefix(data, []byte{0xff, 0xff, 0xff, 0xff}):
		return schemas.FormatArrow // a stream
	}
	return ""
}

func beginsWith(data []byte, first byte) bool {
	data = event.WithoutFiller(data)
	rest := data[jsontext.SkipBlanks(data, 0):]
	return len(rest) > 0 && rest[0] == first
}

// formatOfName is empty where a file's name does not tell.
func formatOfName(file string) string {
	switch strings.ToLower(path.Ext(unpack.PlainName(file))) {
	case ".jsonl", ".ndjson", ".json":
		return schemas.FormatJSONL
	case ".csv", ".tsv", ".tab":
		return schemas.FormatCSV
	case ".parquet":
		return schemas.FormatParquet
	case ".arrow", ".arrows", ".feather":
		return schemas.FormatArrow
	}
	return ""
}

// guessFormat goes by the first character.
func guessFormat(data []byte) string {
	rest := data[jsontext.SkipBlanks(data, 0):]
	if len(rest) == 0 || rest[0] == '{' || rest[0] == '[' || jsonl.IsWrapped(rest) {
		return schemas.FormatJSONL
	}
	return schemas.FormatCSV
}

// foreignFiles are files that people take for logs, or that hold logs, by their first bytes.
var foreignFiles = []struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive: unpack it first (unzip)"},
	{"PK\x05\x06", "an empty zip archive"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"},
	{"Rar!\x1a\x07", "a RAR archive: unpack it first"},
	{"\xfd7zXZ\x00", "compressed with xz: unpack it first (xz -d), or compress it with zstd"},
	{"BZh", "compressed with bzip2: unpack it first (bzip2 -d), or compress it with zstd"},
	{"\x1f\x9d", "compressed with compress: unpack it first (uncompress), or compress it with zstd"},
	{"\x02\x21\x4c\x18", "compressed with LZ4's old format: unpack it first (lz4 -d), or compress it without -l"},
	{"\x1f\x8b", "compressed twice: unpack it once"},
	{"\x28\xb5\x2f\xfd", "compressed twice: unpack it once"},
	{"\x04\x22\x4d\x18", "compressed twice: unpack it once"},
	{"\xff\x06\x00\x00sNaPpY", "compressed twice: unpack it once"},
	{"\xd0\xcf\x11\xe0", "an old Excel file: save it as CSV"},
	{"Obj\x01", "an Avro file: convert it to Parquet or JSON Lines"},
	{"ORC", "an ORC file: convert it to Parquet"},
	{"FEA1", "a Feather file of the first version: write it as Arrow or Parquet"},
	{"PARE", "an encrypted Parquet file: decrypt it first"},
	{"SQLite format 3", "an SQLite database: export its table as CSV"},
	{"%PDF", "a PDF"},
	{"<!DOCTYPE", "a web page, perhaps of a login or an error, not the log"},
	{"<!doctype", "a web page, perhaps of a login or an error, not the log"},
	{"<html", "a web page, perhaps of a login or an error, not the log"},
	{"<?xml", "XML: convert it to JSON Lines or CSV"},
}

// headBytes are looked at to tell what a file is.
const headBytes = 1024

// notALog returns an error for what cannot be a log.
func notALog(data []byte) error {
	const ustarAt = 257
	head := data[:min(len(data), headBytes)]
	for _, foreign := range foreignFiles {
		word := isWord(foreign.magic) // which may as well begin the header of a CSV file
		if !bytes.HasPrefix(head, []byte(foreign.magic)) || (word && !bytes.ContainsFunc(head, isBinary)) {
			continue
		}
		what := foreign.what
		if bytes.Contains(head, []byte("[Content_Types].xml")) || bytes.Contains(head, []byte("xl/")) {
			what = "an Excel file: save it as CSV"
		}
		return errors.New("it is " + what)
	}
	wide := len(head) >= 4 && ((head[0] == 0) != (head[1] == 0)) && (head[0] == 0) == (head[2] == 0) &&
		(head[1] == 0) == (head[3] == 0)
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}), wide:
		return errors.New("it is UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)")
	case len(head) > ustarAt+5 && string(head[ustarAt:ustarAt+5]) == "ustar":
		return errors.New("it is a tar archive: unpack it first (tar -x)")
	}
	return nil
}

func isWord(magic string) bool {
	return !strings.ContainsFunc(magic, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("<%", c) })
}

func isBinary(c rune) bool { return c < '\t' || c == utf8.RuneError }

// notLines returns an error for JSON that is not one object a line: an array of them, or one over several lines.
func notLines(file string, data []byte) error {
	start := jsontext.SkipBlanks(data, 0)
	if start == len(data) {
		return nil
	}
	if data[start] != '{' && data[start] != '[' {
		return nil
	}
	end, reason := jsontext.SkipValue(data, start)
	first := data[start:]
	if newline := bytes.IndexByte(first, '\n'); newline >= 0 {
		first = first[:newline]
	}
	if data[start] == '[' {
		if reason == "" && end <= start+len(first) && jsontext.SkipBlanks(data, end) < len(data) {
			return nil // a bad row, with others behind it
		}
		return fmt.Errorf("it is a JSON array; one object a line is needed: %s", jq(file, "'.[]'"))
	}
	onward := len(first) < len(data)-start // there are more lines
	if (reason == "" && end > start+len(first)) || (reason != "" && onward && len(bytes.TrimSpace(first)) == 1) {
		return fmt.Errorf("it is JSON over several lines; one object a line is needed: %s", jq(file, "."))
	}
	return nil
}

// jq is the command that makes JSON Lines of a file.
func jq(file, filter string) string {
	if file == "-" {
		return fmt.Sprintf("… | jq -c %s | creditmill load -", filter)
	}
	plain := unpack.PlainName(file)
	lines := strings.TrimSuffix(plain, path.Ext(plain)) + ".jsonl"
	if lines == file {
		lines = strings.TrimSuffix(plain, path.Ext(plain)) + "-lines.jsonl"
	}
	switch {
	case plain == file:
		return fmt.Sprintf("jq -c %s %s > %s", filter, file, lines)
	case strings.HasSuffix(file, ".gz"):
		return fmt.Sprintf("zcat %s | jq -c %s > %s", file, filter, lines)
	case strings.HasSuffix(file, ".zst"):
		return fmt.Sprintf("zstdcat %s | jq -c %s > %s", file, filter, lines)
	}
	return fmt.Sprintf("unpack it, then jq -c %s", filter)
}
