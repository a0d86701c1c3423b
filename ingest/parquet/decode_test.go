package parquet

import (
	"bytes"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
)

// decode decodes a file for a source.
func decode(source schemas.Source, data []byte) (ingesttest.Decoded, error) {
	return ingesttest.DecodeColumns(source, func(search columnar.Search) (columnar.Reader, []bool, error) {
		return Open(bytes.NewReader(data), int64(len(data)), search)
	})
}
