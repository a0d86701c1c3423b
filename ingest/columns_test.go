package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"github.com/creditmill/creditmill/schemas"
	"github.com/google/go-cmp/cmp"
)

// sample is a row that is written in every format. A nil pool is null.
type sample struct {
	id, at, customer, model string
	tokens                  [schemas.PoolCount]*int64
	properties              string
}

// samples are events, one in ten of which is bad in a way that every format can hold.
func samples(rows int) []sample {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]sample, rows)
	for i := range all {
		at := time.Date(2026, 10, 1, 0, 0, i*7, random.IntN(1e9), time.UTC)
		s := sample{
			id: fmt.Sprintf("evt-%05d-é\"", i), at: at.Format(time.RFC3339Nano),
			customer: fmt.Sprintf("cus_%d", random.IntN(40)), model: []string{"small", "medium", "large"}[random.IntN(3)],
		}
		for pool := range s.tokens {
			if random.IntN(4) > 0 {
				count := random.Int64N(5000)
				s.tokens[pool] = &count
			}
		}
		if random.IntN(3) == 0 {
			s.properties = fmt.Sprintf(`{"region":"eu-%d","tags":["a",{"b":null}]}`, i)
		}
		if random.IntN(10) == 0 {
			spoil(&s, random.IntN(14))
		}
		all[i] = s
	}
	return all
}

func spoil(s *sample, how int) {
	negative := int64(-7)
	switch how {
	case 0:
		s.tokens[schemas.PoolInput] = &negative
	case 1:
		s.tokens = [schemas.PoolCount]*int64{}
	case 2:
		s.at = "yesterday"
	case 3:
		s.at = "1999-12-31T23:59:59Z"
	case 4:
		s.model = strings.Repeat("m", 300)
	case 5:
		s.customer = "a\xffb"
	case 6:
		s.at = "2026-10-01T00:00:00"
	case 7:
		s.properties = "[1,2]"
	case 8:
		s.customer = strings.Repeat("é", 129)
	case 9:
		s.customer += " "
	case 10:
		s.id += "\u200b"
	case 11:
		s.model = "\ufeff" + s.model
	case 12:
		s.customer = "\x1b[31mred"
	case 13:
		s.customer = "\u00a0 "
	}
}

func asJSONL(all []sample) []byte {
	var out bytes.Buffer
	quote := func(text string) string { return string(appendJSONString(nil, []byte(text))) }
	for _, s := range all {
		fmt.Fprintf(&out, `{"event_id":%s,"occurred_at":%s,"customer_id":%s,"model":%s`, quote(s.id), quote(s.at),
			quote(s.customer), quote(s.model))
		for pool, count := range s.tokens {
			if count != nil {
				fmt.Fprintf(&out, `,"%s":%d`, schemas.PoolColumns[pool], *count)
			}
		}
		if s.properties != "" {
			fmt.Fprintf(&out, `,"properties":%s`, s.properties)
		}
		out.WriteString("}\n")
	}
	return out.Bytes()
}

func asCSV(all []sample, delimiter, newline string) []byte {
	var out bytes.Buffer
	quote := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
	header := append([]string{"properties", "model", "event_id"}, schemas.PoolColumns[:]...)
	out.WriteString(strings.Join(append(header, "occurred_at", "customer_id", "other"), delimiter) + newline)
	for _, s := range all {
		fields := []string{"", quote(s.model), quote(s.id)}
		if s.properties != "" {
			fields[0] = quote(s.properties)
		}
		for _, count := range s.tokens {
			field := ""
			if count != nil {
				field = fmt.Sprint(*count)
			}
			fields = append(fields, field)
		}
		out.WriteString(strings.Join(append(fields, s.at, quote(s.customer), quote("x\ny")), delimiter) + newline)
	}
	return out.Bytes()
}

func asParquet(t testing.TB, all []sample, rowsPerGroup int, options ...parquet.WriterProperty) []byte {
	t.Helper()
	text := func(name string, optional bool) schema.Node {
		return field(t, name, optional, schema.StringLogicalType{}, parquet.Types.ByteArray)
	}
	fields := schema.FieldList{text("event_id", false), text("occurred_at", true), text("customer_id", true)}
	for _, name := range schemas.PoolColumns {
		fields = append(fields, field(t, name, true, nil, parquet.Types.Int64))
	}
	fields = append(fields, field(t, "unused", false, nil, parquet.Types.Double), text("properties", true),
		text("model", false))
	var groups [][]parquetValues
	for start := 0; start < len(all); start += rowsPerGroup {
		groups = append(groups, parquetGroupOf(all[start:min(len(all), start+rowsPerGroup)]))
	}
	return writeParquet(t, fields, groups, options...)
}

func parquetGroupOf(all []sample) []parquetValues {
	columns := make([]parquetValues, 11)
	var text [5][]parquet.ByteArray
	var def [2][]int16
	var counts [schemas.PoolCount][]int64
	var unused []float64
	for _, s := range all {
		text[0] = append(text[0], []byte(s.id))
		text[1] = append(text[1], []byte(s.at))
		text[2] = append(text[2], []byte(s.customer))
		text[4] = append(text[4], []byte(s.model))
		unused = append(unused, 1.5)
		def[0] = append(def[0], 1)
		def[1] = append(def[1], int16(min(1, len(s.properties))))
		if s.properties != "" {
			text[3] = append(text[3], []byte(s.properties))
		}
		for pool, count := range s.tokens {
			present := int16(0)
			if count != nil {
				present = 1
				counts[pool] = append(counts[pool], *count)
			}
			columns[3+pool].def = append(columns[3+pool].def, present)
		}
	}
	columns[0].values = text[0]
	columns[1], columns[2] = parquetValues{text[1], def[0], nil}, parquetValues{text[2], def[0], nil}
	for pool := range counts {
		columns[3+pool].values = counts[pool]
	}
	columns[8].values, columns[9], columns[10].values = unused, parquetValues{text[3], def[1], nil}, text[4]
	return columns
}

func asArrow(t testing.TB, all []sample, file bool, rowsPerBatch int, options ...ipc.Option) []byte {
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
	for _, name := range schemas.PoolColumns {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
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

func customersOf(all []sample) []string {
	var customers []string
	for _, s := range all {
		if !slices.Contains(customers, s.customer) {
			customers = append(customers, s.customer)
		}
	}
	return customers
}

func arrowBatch(shape *arrow.Schema, all []sample, customers []string) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, shape)
	indexes := array.NewInt16Builder(memory.DefaultAllocator)
	values := array.NewStringBuilder(memory.DefaultAllocator)
	values.AppendValues(customers, nil)
	for _, s := range all {
		b.Field(0).(*array.LargeStringBuilder).Append(s.id)
		b.Field(1).(*array.StringBuilder).Append(s.at)
		indexes.Append(int16(slices.Index(customers, s.customer)))
		b.Field(3).(*array.BinaryBuilder).Append([]byte(s.model))
		if s.properties == "" {
			b.Field(4).AppendNull()
		} else {
			b.Field(4).(*array.StringBuilder).Append(s.properties)
		}
		for pool, count := range s.tokens {
			if count == nil {
				b.Field(5 + pool).AppendNull()
			} else {
				b.Field(5 + pool).(*array.Int64Builder).Append(*count)
			}
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

func decodeArrow(t testing.TB, source schemas.Source, data []byte) (decoded, error) {
	t.Helper()
	reader, columns, err := arrowColumnsOf(source, data)
	if err != nil {
		return decoded{}, err
	}
	return decodeBatches(reader, newColumnDecoder(source, columns, defaultMaxLineBytes))
}

// TestFormatsAgree: the same rows become the same events and the same rejects in every format and in all the ways to
// write it.
func TestFormatsAgree(t *testing.T) {
	all := samples(1000)
	want, err := decodeText(t, canonical(t), "a.jsonl", string(asJSONL(all)), defaultMaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Rejects) < 50 || len(want.Events) < 800 {
		t.Fatalf("%d rejects and %d events are no good sample", len(want.Rejects), len(want.Events))
	}
	agree := func(name string, got decoded, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-jsonl +%s):\n%s", name, name, diff)
		}
	}
	source := canonical(t)
	for _, dialect := range []struct{ delimiter, newline string }{{",", "\n"}, {";", "\r\n"}, {"\t", "\n"}} {
		source.CSV.Delimiter = rune(dialect.delimiter[0])
		text := string(asCSV(all, dialect.delimiter, dialect.newline))
		got, err := decodeText(t, source, "a.csv", text, defaultMaxLineBytes)
		agree("csv with "+dialect.delimiter, got, err)
	}
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		for name, codec := range codecs {
			for _, dictionary := range []bool{true, false} {
				data := asParquet(t, all, 333, parquet.WithDataPageVersion(version), parquet.WithCompression(codec),
					parquet.WithDictionaryDefault(dictionary), parquet.WithDataPageSize(4096))
				got, err := decodeParquet(t, data)
				agree(fmt.Sprintf("parquet %s v%d dictionary %v", name, version+1, dictionary), got, err)
			}
		}
	}
	for _, encoding := range []parquet.Encoding{parquet.Encodings.DeltaByteArray, parquet.Encodings.DeltaLengthByteArray} {
		data := asParquet(t, all, 500, parquet.WithDictionaryDefault(false), parquet.WithEncodingFor("event_id", encoding),
			parquet.WithEncodingFor("properties", encoding), parquet.WithEncodingFor("customer_id", encoding),
			parquet.WithEncodingFor("input_tokens", parquet.Encodings.DeltaBinaryPacked),
			parquet.WithEncodingFor("output_tokens", parquet.Encodings.DeltaBinaryPacked))
		got, err := decodeParquet(t, data)
		agree("parquet "+encoding.String(), got, err)
	}
	for _, file := range []bool{true, false} {
		for name, options := range map[string][]ipc.Option{"": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
			got, err := decodeArrow(t, canonical(t), asArrow(t, all, file, 333, options...))
			agree(fmt.Sprintf("arrow file %v %s", file, name), got, err)
		}
	}
}

// TestColumnRejectsReload: the raw form of a rejected row is JSON that is rejected for the same reason, so that
// fixing the value fixes the row.
func TestColumnRejectsReload(t *testing.T) {
	data := asParquet(t, samples(500), 500)
	source := canonical(t)
	reader, columns, err := parquetColumnsOf(source, data)
	if err != nil {
		t.Fatal(err)
	}
	decoder := newColumnDecoder(source, columns, defaultMaxLineBytes)
	batch, err := reader.next()
	if err != nil {
		t.Fatal(err)
	}
	var b block
	b.reset()
	decoder.decode(columnSlice{batch, 0, batch.rows}, &b)
	for _, reject := range b.rejects {
		if reject.Reason != "is not valid UTF-8" && !json.Valid([]byte(reject.Raw)) {
			t.Errorf("%s is not JSON", reject.Raw)
		}
		again, err := decodeText(t, source, "fix.jsonl", reject.Raw, defaultMaxLineBytes)
		if err != nil {
			t.Fatal(err)
		}
		wantRejects(t, again, "1 "+reject.Field+": "+reject.Reason)
	}
}
