package ingest

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/creditmill/creditmill/schemas"
)

// parquetValues is one column of a test's Parquet file, values without nulls.
type parquetValues struct {
	values   any // a slice of the column's physical type
	def, rep []int16
}

// writeParquet makes a file of row groups, each of which has the columns of the schema.
func writeParquet(t testing.TB, fields schema.FieldList, groups [][]parquetValues,
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

func writeChunk(t testing.TB, chunk file.ColumnChunkWriter, column parquetValues) {
	t.Helper()
	var err error
	switch values := column.values.(type) {
	case []parquet.ByteArray:
		_, err = chunk.(*file.ByteArrayColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []parquet.FixedLenByteArray:
		_, err = chunk.(*file.FixedLenByteArrayColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []parquet.Int96:
		_, err = chunk.(*file.Int96ColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []int32:
		_, err = chunk.(*file.Int32ColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []int64:
		_, err = chunk.(*file.Int64ColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []float32:
		_, err = chunk.(*file.Float32ColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []float64:
		_, err = chunk.(*file.Float64ColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	case []bool:
		_, err = chunk.(*file.BooleanColumnChunkWriter).WriteBatch(values, column.def, column.rep)
	default:
		t.Fatalf("no column of %T", values)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// byteArrays are values of a column of strings.
func byteArrays(values ...string) []parquet.ByteArray {
	column := make([]parquet.ByteArray, len(values))
	for i, value := range values {
		column[i] = []byte(value)
	}
	return column
}

// field is a field of a schema.
func field(t testing.TB, name string, optional bool, logical schema.LogicalType, physical parquet.Type,
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

func group(t testing.TB, name string, repetition parquet.Repetition, logical schema.LogicalType,
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

// parquetColumnsOf opens a file for a source.
func parquetColumnsOf(source schemas.Source, data []byte) (*parquetReader, []wantedColumn, error) {
	search, err := newColumnSearch(source)
	if err != nil {
		return nil, nil, err
	}
	reader, found, err := openParquet(bytes.NewReader(data), int64(len(data)), search.names())
	if err != nil {
		return nil, nil, err
	}
	columns, err := search.present(found)
	return reader, columns, err
}

// arrowColumnsOf opens a file or stream for a source.
func arrowColumnsOf(source schemas.Source, data []byte) (*arrowReader, []wantedColumn, error) {
	search, err := newColumnSearch(source)
	if err != nil {
		return nil, nil, err
	}
	reader, found, err := openArrow(bytes.NewReader(data), search.names())
	if err != nil {
		return nil, nil, err
	}
	columns, err := search.present(found)
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
	return decodeBatches(reader, newColumnDecoder(source, columns, defaultMaxLineBytes))
}

func decodeBatches(reader columnReader, decoder *columnDecoder) (d decoded, err error) {
	defer reader.close() //nolint:errcheck // it holds no file
	for {
		batch, err := reader.next()
		if err != nil {
			return d, ignoreEOF(err)
		}
		err = batch.slices(chunkBytes, func(part columnSlice) error {
			var b block
			b.reset()
			decoder.decode(part, &b)
			d.add(&b)
			part.batch.release()
			return nil
		})
		if err != nil {
			return d, err
		}
	}
}

var codecs = map[string]compress.Compression{
	"plain": compress.Codecs.Uncompressed, "snappy": compress.Codecs.Snappy, "gzip": compress.Codecs.Gzip,
	"brotli": compress.Codecs.Brotli, "zstd": compress.Codecs.Zstd,
}
