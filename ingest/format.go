package ingest

import (
	"github.com/creditmill/creditmill/schemas"
)

// decoder turns whole rows into a block. Each is used by one goroutine.
type decoder interface {
	decode(chunk []byte, b *block)
}

// rowFormat is how one file is cut into chunks of whole rows, and how those are decoded. It is all that the loader
// knows of formats.
type rowFormat struct {
	name   string
	header []byte // of CSV, without its line end
	// complete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
	complete func(data []byte) int
	// newDecoder is called once for each goroutine. It is nil for files of columns, which are not cut like text.
	newDecoder func() decoder
}

// openFormat looks at the beginning of a file, which holds all of it or more than maxLineBytes, and returns its format
// and the bytes that are no rows: a CSV header.
func openFormat(source schemas.Source, file string, data []byte, maxLineBytes int) (*rowFormat, int, error) {
	format, err := formatOf(source, file, data)
	if err != nil {
		return nil, 0, err
	}
	switch format {
	case schemas.FormatJSONL:
		keys, err := compileKeys(source)
		if err != nil {
			return nil, 0, err
		}
		return &rowFormat{
			name:     format,
			complete: jsonComplete,
			newDecoder: func() decoder {
				d := &jsonDecoder{keys: keys[len(keys)-1], assembler: newAssembler(source), maxLineBytes: maxLineBytes}
				d.rows = newElementReader(source, keys, d)
				return d
			},
		}, 0, nil
	case schemas.FormatCSV:
		header, taken, err := readCSVHeader(source, file, data, maxLineBytes)
		if err != nil {
			return nil, 0, err
		}
		return &rowFormat{
			name:     format,
			header:   header.line,
			complete: header.csvComplete,
			newDecoder: func() decoder {
				return &csvDecoder{csvHeader: header, assembler: newAssembler(source)}
			},
		}, taken, nil
	}
	return &rowFormat{name: format}, 0, nil
}
