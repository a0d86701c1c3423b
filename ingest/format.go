package ingest

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// decoder turns whole rows into a block. Each is used by one goroutine.
type decoder interface {
	decode(chunk []byte, b *block)
}

// rowFormat is how one file is cut into chunks of whole rows, and how those are decoded. It is all that the loader
// knows of formats.
type rowFormat struct {
	name string
	// complete returns how many bytes at the beginning of the data are whole rows, knowing that more data follows.
	complete func(data []byte) int
	// newDecoder is called once for each goroutine.
	newDecoder func() decoder
}

// openFormat looks at the beginning of a file, which holds all of it or more than maxLineBytes, and returns its format
// and the bytes that are no rows: a CSV header.
func openFormat(source schemas.Source, file string, data []byte, maxLineBytes int) (*rowFormat, int, error) {
	format := source.Format
	if format == "" {
		format = guessFormat(file, data)
	}
	switch format {
	case schemas.FormatJSONL:
		keys, err := compileKeys(source)
		if err != nil {
			return nil, 0, err
		}
		return &rowFormat{
			name:     format,
			complete: func(data []byte) int { return bytes.LastIndexByte(data, '\n') + 1 },
			newDecoder: func() decoder {
				return &jsonDecoder{keys: keys, assembler: newAssembler(source), maxLineBytes: maxLineBytes}
			},
		}, 0, nil
	case schemas.FormatCSV:
		header, taken, err := readCSVHeader(source, data, maxLineBytes)
		if err != nil {
			return nil, 0, err
		}
		return &rowFormat{
			name:     format,
			complete: header.csvComplete,
			newDecoder: func() decoder {
				return &csvDecoder{csvHeader: header, assembler: newAssembler(source)}
			},
		}, taken, nil
	}
	return nil, 0, fmt.Errorf("format %s is not read by this version; jsonl and csv are", format)
}

// guessFormat goes by the file's name, then by its first character.
func guessFormat(file string, data []byte) string {
	for {
		switch extension := strings.ToLower(path.Ext(file)); extension {
		case ".gz", ".zst", ".lz4", ".snappy", ".sz":
			file = strings.TrimSuffix(file, path.Ext(file))
			continue
		case ".jsonl", ".ndjson", ".json":
			return schemas.FormatJSONL
		case ".csv":
			return schemas.FormatCSV
		case ".parquet":
			return schemas.FormatParquet
		case ".arrow":
			return schemas.FormatArrow
		}
		break
	}
	switch {
	case bytes.HasPrefix(data, []byte("PAR1")):
		return schemas.FormatParquet
	case bytes.HasPrefix(data, []byte("ARROW1")):
		return schemas.FormatArrow
	}
	if rest := data[skipBlanks(data, 0):]; len(rest) == 0 || rest[0] == '{' {
		return schemas.FormatJSONL
	}
	return schemas.FormatCSV
}
