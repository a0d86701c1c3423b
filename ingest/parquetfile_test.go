package ingest

import (
	"bytes"
	"testing"

	"github.com/creditmill/creditmill/ingest/arrow"
	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/parquet"
	"github.com/creditmill/creditmill/schemas"
)

func openParquet(data []byte) ingesttest.Open {
	return func(search columnar.Search) (columnar.Reader, []bool, error) {
		return parquet.Open(bytes.NewReader(data), int64(len(data)), search)
	}
}

func openArrow(data []byte) ingesttest.Open {
	return func(search columnar.Search) (columnar.Reader, []bool, error) {
		return arrow.Open(bytes.NewReader(data), search)
	}
}

func decodeParquet(t testing.TB, data []byte) (ingesttest.Decoded, error) {
	t.Helper()
	return ingesttest.DecodeColumns(ingesttest.Canonical(t), openParquet(data))
}

func decodeArrow(t testing.TB, source schemas.Source, data []byte) (ingesttest.Decoded, error) {
	t.Helper()
	return ingesttest.DecodeColumns(source, openArrow(data))
}
