package ingest

import (
	"github.com/creditmill/creditmill/ingest/csv"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsonl"
	"github.com/creditmill/creditmill/ingest/sniff"
	"github.com/creditmill/creditmill/ingest/unpack"
	"github.com/creditmill/creditmill/schemas"
)

// decoder turns whole rows into a block. Each is used by one goroutine.
type decoder interface {
	Decode(chunk []byte, b *event.Block)
}

// rowFormat is how one file is cut into chunks of whole rows, and how those are decoded. It is all that the loader
// knows of formats.
type rowFormat struct {
	name   string
	header []byte // of CSV, without its line end
	note   string // what was found out about the file, for a person; empty if nothing
	// complete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
	complete func(data []byte) int
	// newDecoder is called once for each goroutine. It is nil for files of columns, which are not cut like text.
	newDecoder func() decoder
}

// openFormat looks at the beginning of a file, which holds all of it or more than maxLineBytes, and returns its format
// and the bytes that are no rows: a CSV header.
func openFormat(source schemas.Source, file string, data []byte, maxLineBytes int) (*rowFormat, int, error) {
	format, err := sniff.Format(source, file, data)
	if err != nil {
		return nil, 0, err
	}
	switch format {
	case schemas.FormatJSONL:
		lines, err := jsonl.Open(source, maxLineBytes)
		if err != nil {
			return nil, 0, err
		}
		return &rowFormat{
			name: format, complete: jsonl.Complete, newDecoder: func() decoder { return lines.NewDecoder() },
		}, 0, nil
	case schemas.FormatCSV:
		header, taken, err := csv.ReadHeader(source, unpack.PlainName(file), data, maxLineBytes)
		if err != nil {
			return nil, 0, err
		}
		return &rowFormat{
			name: format, header: header.Line, note: header.Note(), complete: header.Complete,
			newDecoder: func() decoder { return header.NewDecoder() },
		}, taken, nil
	}
	return &rowFormat{name: format}, 0, nil
}
