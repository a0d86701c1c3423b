package ingesttest

import (
	"errors"
	"io"
	"strings"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// Open opens a file of columns that is asked for these names.
type Open func(search columnar.Search) (columnar.Reader, []bool, error)

// SearchColumns opens a file for a source.
func SearchColumns(source schemas.Source, open Open) (columnar.Reader, *event.Columns, error) {
	search := event.NewColumnSearch(source)
	reader, found, err := open(search.Names)
	if err != nil {
		return nil, nil, err
	}
	columns, err := search.Present(found)
	return reader, columns, err
}

// DecodeColumns decodes a file as a load does, but in one goroutine.
func DecodeColumns(source schemas.Source, open Open) (d Decoded, err error) {
	reader, columns, err := SearchColumns(source, open)
	if err != nil {
		return d, err
	}
	defer reader.Close() //nolint:errcheck // it holds no file
	decoder := event.NewColumnDecoder(columns, 16<<20)
	for {
		batch, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		err = batch.Split(8<<20, func(part columnar.Slice) error {
			var b event.Block
			b.Reset()
			decoder.Decode(part, &b)
			d.Add(&b)
			part.Batch.Release()
			return nil
		})
		if err != nil {
			return d, err
		}
	}
}

// Instant is the time of rows whose times have different types.
const Instant = "2026-10-01T00:00:00.267Z"

func at(keys ...string) schemas.Field {
	return schemas.Field{Kind: schemas.FieldPath, Path: keys, Text: strings.Join(keys, ".")}
}

// Gateway is a source that looks into structs and maps.
func Gateway() schemas.Source {
	source := schemas.Source{ID: "gateway", Fields: schemas.Fields{
		EventID: at("id"), OccurredAt: at("ts"), CustomerID: at("labels", "customer"), Model: at("call", "model"),
		Properties: at("call"),
	}, Includes: []schemas.Include{{
		Unit: schemas.UnitInput, Units: []string{schemas.UnitCachedInput},
	}}}
	source.Fields.OccurredAt.Layout = schemas.LayoutUnixMS
	source.Fields.SetUnit(schemas.UnitInput, at("call", "usage", "prompt"))
	source.Fields.SetUnit(schemas.UnitCachedInput, at("call", "usage", "cached"))
	return source
}

// NestedWant is what the rows of the nested tests are as events.
var NestedWant = Decoded{
	Events: []string{
		`1 a acme small 2026-10-01T00:00:00.267Z 6 4 0 0 0 ` +
			`{"model":"small","usage":{"prompt":10,"cached":4},"tags":["x","y"]}`,
		`3 c acme large 2026-10-01T00:00:00.267Z 7 0 0 0 0 {"model":"large","usage":{"prompt":7}}`,
	},
	Rejects: []string{`2 customer_id: is empty`, `4 model: is empty`},
	Rows:    4,
}

// NestedMS is the time of these rows.
const NestedMS = 1790812800267
