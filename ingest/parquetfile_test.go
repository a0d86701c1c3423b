package ingest

import (
	"bytes"
	"testing"

	"github.com/creditmill/creditmill/ingest/arrow"
	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/parquet"
	"github.com/creditmill/creditmill/schemas"
)

// parquetColumnsOf opens a file for a source.
func parquetColumnsOf(source schemas.Source, data []byte) (*parquet.Reader, []event.WantedColumn, error) {
	search, err := event.NewColumnSearch(source)
	if err != nil {
		return nil, nil, err
	}
	reader, found, err := parquet.Open(bytes.NewReader(data), int64(len(data)), search.Names())
	if err != nil {
		return nil, nil, err
	}
	columns, err := search.Present(found)
	return reader, columns, err
}

// arrowColumnsOf opens a file or stream for a source.
func arrowColumnsOf(source schemas.Source, data []byte) (*arrow.Reader, []event.WantedColumn, error) {
	search, err := event.NewColumnSearch(source)
	if err != nil {
		return nil, nil, err
	}
	reader, found, err := arrow.Open(bytes.NewReader(data), search.Names())
	if err != nil {
		return nil, nil, err
	}
	columns, err := search.Present(found)
	return reader, columns, err
}

// decodeParquet decodes a file as a load does, but in one goroutine.
func decodeParquet(t testing.TB, data []byte) (decoded, error) {
	t.Helper()
	source := canonical(t)
	reader, columns, err := parquetColumnsOf(source, data)
	if err != nil {
		return decoded{}, err
	}
	return decodeBatches(reader, event.NewColumnDecoder(source, columns, defaultMaxLineBytes))
}

func decodeBatches(reader columnar.Reader, decoder *event.ColumnDecoder) (d decoded, err error) {
	defer reader.Close() //nolint:errcheck // it holds no file
	for {
		batch, err := reader.Next()
		if err != nil {
			return d, ignoreEOF(err)
		}
		err = batch.Split(chunkBytes, func(part columnar.Slice) error {
			var b event.Block
			b.Reset()
			decoder.Decode(part, &b)
			d.add(&b)
			part.Batch.Release()
			return nil
		})
		if err != nil {
			return d, err
		}
	}
}
