package ingesttest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Arrow writes rows as a file or a stream of record batches.
func Arrow(t testing.TB, all []Sample, file bool, rowsPerBatch int, options ...ipc.Option) []byte {
	t.Helper()
	fields := []arrow.Field{
		{Name: "event_id", Type: arrow.BinaryTypes.LargeString},
		{Name: "occurred_at", Type: arrow.BinaryTypes.String},
		{Name: "customer_id", Type: &arrow.DictionaryType{
			IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String,
		}},
		{Name: "model", Type: arrow.BinaryTypes.Binary},
		{Name: "properties", Type: arrow.BinaryTypes.String, Nullable: true},
	}
	for _, name := range tokenColumns() {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: "dimensions.tier", Type: arrow.BinaryTypes.String, Nullable: true})
	shape := arrow.NewSchema(fields, nil)
	out, err := os.Create(filepath.Join(t.TempDir(), "x.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	var w interface {
		Write(arrow.Record) error
		Close() error
	}
	options = append(options, ipc.WithSchema(shape))
	if !file {
		w = ipc.NewWriter(out, options...)
	} else if w, err = ipc.NewFileWriter(out, options...); err != nil {
		t.Fatal(err)
	}
	shared := customersOf(all)
	for start := 0; start < len(all); start += rowsPerBatch {
		batch := all[start:min(len(all), start+rowsPerBatch)]
		if !file { // in a stream, every batch may replace its dictionaries
			shared = customersOf(batch)
		}
		if err := w.Write(arrowBatch(shape, batch, shared)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func customersOf(all []Sample) []string {
	var customers []string
	for _, s := range all {
		if !slices.Contains(customers, s.Customer) {
			customers = append(customers, s.Customer)
		}
	}
	return customers
}

func arrowBatch(shape *arrow.Schema, all []Sample, customers []string) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, shape)
	indexes := array.NewInt16Builder(memory.DefaultAllocator)
	values := array.NewStringBuilder(memory.DefaultAllocator)
	values.AppendValues(customers, nil)
	for _, s := range all {
		b.Field(0).(*array.LargeStringBuilder).Append(s.ID)
		b.Field(1).(*array.StringBuilder).Append(s.At)
		indexes.Append(int16(slices.Index(customers, s.Customer)))
		b.Field(3).(*array.BinaryBuilder).Append([]byte(s.Model))
		if s.Properties == "" {
			b.Field(4).AppendNull()
		} else {
			b.Field(4).(*array.StringBuilder).Append(s.Properties)
		}
		for pool, count := range s.Tokens {
			if count == nil {
				b.Field(5 + pool).AppendNull()
			} else {
				b.Field(5 + pool).(*array.Int64Builder).Append(*count)
			}
		}
		if last := len(b.Fields()) - 1; s.Tier == "" {
			b.Field(last).AppendNull()
		} else {
			b.Field(last).(*array.StringBuilder).Append(s.Tier)
		}
	}
	of := shape.Field(2).Type
	columns := []arrow.Array{
		b.Field(0).NewArray(), b.Field(1).NewArray(),
		array.NewDictionaryArray(of, indexes.NewArray(), values.NewArray()),
	}
	for i := 3; i < len(b.Fields()); i++ {
		columns = append(columns, b.Field(i).NewArray())
	}
	return array.NewRecord(shape, columns, int64(len(all)))
}
