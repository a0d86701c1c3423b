package arrow

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// wideDecimal is written as one of 256 bits, the only one whose width stands in the schema, which narrowed changes.
var wideDecimal = &arrow.Decimal256Type{Precision: 37, Scale: 29}

// Columns that nobody looks for refuse no file, whatever their type; one that is looked for names what to write.
func TestUnlookedTypes(t *testing.T) {
	text := arrow.BinaryTypes.String
	int8s := arrow.PrimitiveTypes.Int8
	tests := []struct {
		name string
		of   arrow.DataType
		bits uint32 // of a decimal
	}{
		{"decimal32", wideDecimal, 32},
		{"decimal64", wideDecimal, 64},
		{"decimals in a list", arrow.ListOf(wideDecimal), 64},
		{"decimals in a struct", arrow.StructOf(arrow.Field{Name: "x", Type: wideDecimal, Nullable: true}), 32},
		{"run-end encoded", arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, text), 0},
		{"list view", arrow.ListViewOf(text), 0},
		{"large list view", arrow.LargeListViewOf(int8s), 0},
		{"sparse union", arrow.SparseUnionOf([]arrow.Field{{Name: "a", Type: int8s}}, []arrow.UnionTypeCode{0}), 0},
		{"dense union", arrow.DenseUnionOf([]arrow.Field{{Name: "a", Type: int8s}}, []arrow.UnionTypeCode{5}), 0},
		{"months", arrow.FixedWidthTypes.MonthInterval, 0},
		{"days and time", arrow.FixedWidthTypes.DayTimeInterval, 0},
		{"months, days and nanoseconds", arrow.FixedWidthTypes.MonthDayNanoInterval, 0},
		{"duration", arrow.FixedWidthTypes.Duration_ms, 0},
		{"time of day", arrow.FixedWidthTypes.Time32s, 0},
		{"half floats", arrow.FixedWidthTypes.Float16, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := decode(ingesttest.Canonical(t), fileWith(t, "unlooked", test.of, test.bits))
			if err != nil || len(d.Events) != 2 || len(d.Rejects) > 0 || !strings.HasSuffix(d.Events[1], " 7 0 0 0 0") {
				t.Errorf("%v: %q %q", err, d.Events, d.Rejects)
			}
		})
	}
	for _, test := range tests[:2] {
		_, err := decode(ingesttest.Canonical(t), fileWith(t, "output_tokens", test.of, test.bits))
		if err == nil || !strings.Contains(err.Error(), "column output_tokens: it is a decimal of 32 or 64 bits") {
			t.Errorf("%s that is looked for: %v", test.name, err)
		}
	}
}

// fileWith has two rows with nothing in the named column.
func fileWith(t *testing.T, name string, of arrow.DataType, bits uint32) []byte {
	t.Helper()
	shape := arrow.NewSchema([]arrow.Field{
		{Name: "event_id", Type: arrow.BinaryTypes.String},
		{Name: "occurred_at", Type: arrow.BinaryTypes.String},
		{Name: name, Type: of, Nullable: true},
		{Name: "customer_id", Type: arrow.BinaryTypes.String},
		{Name: "model", Type: arrow.BinaryTypes.String},
		{Name: "input_tokens", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, shape)
	for i := range 2 {
		b.Field(0).(*array.StringBuilder).Append([]string{"e1", "e2"}[i])
		b.Field(1).(*array.StringBuilder).Append(ingesttest.Instant)
		b.Field(2).AppendEmptyValue()
		b.Field(3).(*array.StringBuilder).Append("c")
		b.Field(4).(*array.StringBuilder).Append("m")
		b.Field(5).(*array.Int64Builder).Append(7)
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(shape))
	if err := w.Write(b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bits > 0 {
		return narrowed(t, out.Bytes(), bits)
	}
	return out.Bytes()
}

// narrowed changes the width of the decimals. Their values stay as wide as they were, which no reader minds.
func narrowed(t *testing.T, data []byte, bits uint32) []byte {
	t.Helper()
	for at := 0; at+12 <= len(data); at += 4 {
		three := map[uint32]int{}
		for i := range 3 {
			three[binary.LittleEndian.Uint32(data[at+4*i:])] = at + 4*i
		}
		width, is := three[256]
		if _, precise := three[uint32(wideDecimal.Precision)]; !is || !precise {
			continue
		}
		if _, scaled := three[uint32(wideDecimal.Scale)]; scaled {
			binary.LittleEndian.PutUint32(data[width:], bits)
			return data
		}
	}
	t.Fatal("the schema has no decimal")
	return nil
}
