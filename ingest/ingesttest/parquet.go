package ingesttest

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// Column is one column of a test's Parquet file, values without nulls.
type Column struct {
	Values   any // a slice of the column's physical type
	Def, Rep []int16
}

// WriteParquet makes a file of row groups, each of which has the columns of the schema.
func WriteParquet(t testing.TB, fields schema.FieldList, groups [][]Column,
	options ...parquet.WriterProperty,
) []byte {
	t.Helper()
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(options...)))
	for _, group := range groups {
		g := w.AppendRowGroup()
		for _, column := range group {
			chunk, err := g.NextColumn()
			if err != nil {
				t.Fatal(err)
			}
			writeChunk(t, chunk, column)
			if err := chunk.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func writeChunk(t testing.TB, chunk file.ColumnChunkWriter, column Column) {
	t.Helper()
	var err error
	switch values := column.Values.(type) {
	case []parquet.ByteArray:
		_, err = chunk.(*file.ByteArrayColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []parquet.FixedLenByteArray:
		_, err = chunk.(*file.FixedLenByteArrayColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []parquet.Int96:
		_, err = chunk.(*file.Int96ColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []int32:
		_, err = chunk.(*file.Int32ColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []int64:
		_, err = chunk.(*file.Int64ColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []float32:
		_, err = chunk.(*file.Float32ColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []float64:
		_, err = chunk.(*file.Float64ColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	case []bool:
		_, err = chunk.(*file.BooleanColumnChunkWriter).WriteBatch(values, column.Def, column.Rep)
	default:
		t.Fatalf("no column of %T", values)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ByteArrays are values of a column of strings.
func ByteArrays(values ...string) []parquet.ByteArray {
	column := make([]parquet.ByteArray, len(values))
	for i, value := range values {
		column[i] = []byte(value)
	}
	return column
}

// Field is a field of a schema.
func Field(t testing.TB, name string, optional bool, logical schema.LogicalType, physical parquet.Type,
	length ...int,
) schema.Node {
	t.Helper()
	repetition := parquet.Repetitions.Required
	if optional {
		repetition = parquet.Repetitions.Optional
	}
	if logical == nil {
		logical = schema.NoLogicalType{}
	}
	node, err := schema.NewPrimitiveNodeLogical(name, repetition, logical, physical, append(length, -1)[0], -1)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// Group is a field that has fields.
func Group(t testing.TB, name string, repetition parquet.Repetition, logical schema.LogicalType,
	fields ...schema.Node,
) schema.Node {
	t.Helper()
	if logical == nil {
		node, err := schema.NewGroupNode(name, repetition, fields, -1)
		if err != nil {
			t.Fatal(err)
		}
		return node
	}
	node, err := schema.NewGroupNodeLogical(name, repetition, fields, logical, -1)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// Codecs are ways to compress pages.
var Codecs = map[string]compress.Compression{
	"plain": compress.Codecs.Uncompressed, "snappy": compress.Codecs.Snappy, "gzip": compress.Codecs.Gzip,
	"brotli": compress.Codecs.Brotli, "zstd": compress.Codecs.Zstd,
}

// Parquet writes rows as a Parquet file, with a column that nobody looks for.
func Parquet(t testing.TB, all []Sample, rowsPerGroup int, options ...parquet.WriterProperty) []byte {
	t.Helper()
	text := func(name string, optional bool) schema.Node {
		return Field(t, name, optional, schema.StringLogicalType{}, parquet.Types.ByteArray)
	}
	fields := schema.FieldList{text("event_id", false), text("occurred_at", true), text("customer_id", true)}
	for _, name := range tokenColumns() {
		fields = append(fields, Field(t, name, true, nil, parquet.Types.Int64))
	}
	fields = append(fields, Field(t, "unused", false, nil, parquet.Types.Double), text("properties", true),
		text("model", false), text("dimensions.tier", true))
	var groups [][]Column
	for start := 0; start < len(all); start += rowsPerGroup {
		groups = append(groups, ParquetGroup(all[start:min(len(all), start+rowsPerGroup)]))
	}
	return WriteParquet(t, fields, groups, options...)
}

// ParquetGroup has the columns of a row group.
func ParquetGroup(all []Sample) []Column {
	columns := make([]Column, 12)
	var text [6][]parquet.ByteArray
	var def [3][]int16
	var counts [5][]int64
	var unused []float64
	for _, s := range all {
		text[0] = append(text[0], []byte(s.ID))
		text[1] = append(text[1], []byte(s.At))
		text[2] = append(text[2], []byte(s.Customer))
		text[4] = append(text[4], []byte(s.Model))
		unused = append(unused, 1.5)
		def[0] = append(def[0], 1)
		def[1] = append(def[1], int16(min(1, len(s.Properties))))
		if s.Properties != "" {
			text[3] = append(text[3], []byte(s.Properties))
		}
		def[2] = append(def[2], int16(min(1, len(s.Tier))))
		if s.Tier != "" {
			text[5] = append(text[5], []byte(s.Tier))
		}
		for pool, count := range s.Tokens {
			present := int16(0)
			if count != nil {
				present = 1
				counts[pool] = append(counts[pool], *count)
			}
			columns[3+pool].Def = append(columns[3+pool].Def, present)
		}
	}
	columns[0].Values = text[0]
	columns[1], columns[2] = Column{text[1], def[0], nil}, Column{text[2], def[0], nil}
	for pool := range counts {
		columns[3+pool].Values = counts[pool]
	}
	columns[8].Values, columns[9], columns[10].Values = unused, Column{text[3], def[1], nil}, text[4]
	columns[11] = Column{text[5], def[2], nil}
	return columns
}
