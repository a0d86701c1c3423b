package parquet

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
)

// typedFields are the canonical columns but for one that a test sets.
func typedFields(t *testing.T, replaced schema.Node, values ingesttest.Column) []byte {
	t.Helper()
	rows := 2
	if n, ok := values.Values.([]parquet.ByteArray); ok {
		rows = len(n)
	}
	text := func(name, value string) (schema.Node, ingesttest.Column) {
		all := make([]string, rows)
		for i := range all {
			all[i] = value
		}
		node := ingesttest.Field(t, name, false, schema.StringLogicalType{}, parquet.Types.ByteArray)
		return node, ingesttest.Column{Values: ingesttest.ByteArrays(all...)}
	}
	fields := schema.FieldList{replaced}
	columns := []ingesttest.Column{values}
	for name, value := range map[string]string{
		"event_id": "e", "occurred_at": ingesttest.Instant, "customer_id": "c", "model": "m", "input_tokens": "1",
	} {
		if name != replaced.Name() {
			node, column := text(name, value)
			fields, columns = append(fields, node), append(columns, column)
		}
	}
	return ingesttest.WriteParquet(t, fields, [][]ingesttest.Column{columns})
}

// TestParquetTypes: a value means the same whatever type it is stored as.
func TestParquetTypes(t *testing.T) {
	instant, err := time.Parse(time.RFC3339Nano, ingesttest.Instant)
	if err != nil {
		t.Fatal(err)
	}
	ns := instant.UnixNano()
	var int96 parquet.Int96
	binary.LittleEndian.PutUint64(int96[:], uint64(ns%(86400*int64(time.Second))))
	binary.LittleEndian.PutUint32(int96[8:], uint32(2_440_588+ns/(86400*int64(time.Second))))
	timestamp := func(utc bool, unit schema.TimeUnitType) schema.Node {
		return ingesttest.Field(t, "occurred_at", false, schema.NewTimestampLogicalType(utc, unit), parquet.Types.Int64)
	}
	integer := func(width int8, signed bool, physical parquet.Type) schema.Node {
		return ingesttest.Field(t, "input_tokens", false, schema.NewIntLogicalType(width, signed), physical)
	}
	decimal := func(precision, scale int32, physical parquet.Type, length ...int) schema.Node {
		return ingesttest.Field(t, "input_tokens", false, schema.NewDecimalLogicalType(precision, scale), physical, length...)
	}
	counts := func(physical parquet.Type) schema.Node {
		return ingesttest.Field(t, "input_tokens", false, nil, physical)
	}
	events := func(of ...string) []string {
		for i, count := range of {
			of[i] = []string{"1", "2"}[i] + " e c m " + ingesttest.Instant + " " + count + " 0 0 0 0"
		}
		return of
	}
	plain := events("1", "1")
	tests := []struct {
		name    string
		field   schema.Node
		values  any
		events  []string
		rejects []string
	}{
		{"milliseconds", timestamp(true, schema.TimeUnitMillis), []int64{ns / 1e6, ns / 1e6}, plain, nil},
		{"microseconds", timestamp(true, schema.TimeUnitMicros), []int64{ns / 1e3, ns / 1e3}, plain, nil},
		{"nanoseconds of no zone", timestamp(false, schema.TimeUnitNanos), []int64{ns, ns}, plain, nil},
		{
			"INT96", ingesttest.Field(t, "occurred_at", false, nil, parquet.Types.Int96),
			[]parquet.Int96{int96, int96},
			plain,
			nil,
		},
		{"time out of range", timestamp(true, schema.TimeUnitMillis), []int64{-1, 4_102_444_800_000}, nil, []string{
			`1 occurred_at: outside of 2000-01-01 to 2100-01-01: "1969-12-31T23:59:59.999Z"`,
			`2 occurred_at: outside of 2000-01-01 to 2100-01-01: "2100-01-01T00:00:00Z"`,
		}},
		{"int8", integer(8, true, parquet.Types.Int32), []int32{7, -7}, events("7"), []string{
			`2 input_tokens: is negative: "-7"`,
		}},
		{"uint32", integer(32, false, parquet.Types.Int32), []int32{-1, 5}, events("4294967295", "5"), nil},
		{"uint64", integer(64, false, parquet.Types.Int64), []int64{5, -1}, events("5"), []string{
			`2 input_tokens: is too large: "18446744073709551615"`,
		}},
		{"double", counts(parquet.Types.Double), []float64{12, 1.5}, events("12"), []string{
			`2 input_tokens: is not a whole number: "1.5"`,
		}},
		{"float", counts(parquet.Types.Float), []float32{1e6, -2}, events("1000000"), []string{
			`2 input_tokens: is negative: "-2"`,
		}},
		{
			"decimal", decimal(9, 0, parquet.Types.Int32),
			[]int32{17, -17},
			events("17"),
			[]string{`2 input_tokens: is negative: "-17"`},
		},
		{
			"decimal with scale", decimal(18, 2, parquet.Types.Int64),
			[]int64{1700, 1750},
			events("17"),
			[]string{`2 input_tokens: is not a whole number: "17.50"`},
		},
		{
			"decimal of bytes", decimal(38, 0, parquet.Types.FixedLenByteArray, 16),
			[]parquet.FixedLenByteArray{append(make([]byte, 15), 200), bytes.Repeat([]byte{0xff}, 16)},
			events("200"),
			[]string{`2 input_tokens: is negative: "-1"`},
		},
		{"boolean", counts(parquet.Types.Boolean), []bool{true, false}, nil, []string{
			`1 input_tokens: want a whole number, found a boolean`, `2 input_tokens: want a whole number, found a boolean`,
		}},
		{
			"UUID", ingesttest.Field(t, "event_id", false, schema.UUIDLogicalType{}, parquet.Types.FixedLenByteArray, 16),
			[]parquet.FixedLenByteArray{[]byte("0123456789abcdef"), []byte("0123456789abcdef")},
			[]string{
				"1 30313233-3435-3637-3839-616263646566 c m " + ingesttest.Instant + " 1 0 0 0 0",
				"2 30313233-3435-3637-3839-616263646566 c m " + ingesttest.Instant + " 1 0 0 0 0",
			},
			nil,
		},
		{"integer as id", ingesttest.Field(t, "event_id", false, nil, parquet.Types.Int64), []int64{17, 18}, []string{
			"1 17 c m " + ingesttest.Instant + " 1 0 0 0 0", "2 18 c m " + ingesttest.Instant + " 1 0 0 0 0",
		}, nil},
		{"number as model", ingesttest.Field(t, "model", false, nil, parquet.Types.Int64), []int64{17, 18}, nil, []string{
			"1 model: want a string, found a number", "2 model: want a string, found a number",
		}},
		{
			"date as time", ingesttest.Field(t, "occurred_at", false, schema.DateLogicalType{}, parquet.Types.Int32),
			[]int32{20727, 20728},
			nil,
			[]string{
				`1 occurred_at: is not a time like 2026-10-01T00:00:00Z: "2026-10-01"`,
				`2 occurred_at: is not a time like 2026-10-01T00:00:00Z: "2026-10-02"`,
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := decode(ingesttest.Canonical(t), typedFields(t, test.field, ingesttest.Column{Values: test.values}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ingesttest.Decoded{Events: test.events, Rejects: test.rejects, Rows: 2}, d); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// at is a field of a declared source.
// TestParquetNested reads paths through structs and a map, and a struct as properties.
func TestParquetNested(t *testing.T) {
	text := func(name string, optional bool) schema.Node {
		return ingesttest.Field(t, name, optional, schema.StringLogicalType{}, parquet.Types.ByteArray)
	}
	list := ingesttest.Group(t, "tags", parquet.Repetitions.Optional, schema.ListLogicalType{},
		ingesttest.Group(t, "list", parquet.Repetitions.Repeated, nil, text("element", true)))
	usage := ingesttest.Group(t, "usage", parquet.Repetitions.Optional, nil, ingesttest.Field(t, "prompt", true, nil,
		parquet.Types.Int32),
		ingesttest.Field(t, "cached", true, nil, parquet.Types.Int64))
	labels := ingesttest.Group(t, "labels", parquet.Repetitions.Optional, schema.MapLogicalType{},
		ingesttest.Group(t, "key_value", parquet.Repetitions.Repeated, nil, text("key", false), text("value", true)))
	fields := schema.FieldList{
		text("id", false), ingesttest.Field(t, "ts", false, nil, parquet.Types.Int64),
		ingesttest.Group(t, "call", parquet.Repetitions.Optional, nil, text("model", true), usage, list), labels,
	}
	data := ingesttest.WriteParquet(t, fields, [][]ingesttest.Column{{
		{Values: ingesttest.ByteArrays("a", "b", "c", "d")},
		{Values: []int64{ingesttest.NestedMS, ingesttest.NestedMS, ingesttest.NestedMS, ingesttest.NestedMS}},
		{Values: ingesttest.ByteArrays("small", "medium", "large"), Def: []int16{2, 2, 2, 0}, Rep: nil},
		{Values: []int32{10, 5, 7}, Def: []int16{3, 3, 3, 0}, Rep: nil},
		{Values: []int64{4}, Def: []int16{3, 2, 2, 0}, Rep: nil},
		{Values: ingesttest.ByteArrays("x", "y"), Def: []int16{4, 4, 1, 2, 0}, Rep: []int16{0, 1, 0, 0, 0}},
		{
			Values: ingesttest.ByteArrays("region", "customer", "region", "customer", "customer"), Def: []int16{2, 2, 2, 2, 2},
			Rep: []int16{0, 1, 0, 0, 0},
		},
		{Values: ingesttest.ByteArrays("eu", "acme", "eu", "acme", "acme"), Def: []int16{3, 3, 3, 3, 3}, Rep: []int16{
			0, 1,
			0, 0, 0,
		}},
	}})
	source := ingesttest.Gateway()
	d, err := decode(source, data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ingesttest.NestedWant, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestColumnsRefused: a file whose columns are not what the source wants is refused before its first row.
func TestColumnsRefused(t *testing.T) {
	text := func(name string) schema.Node {
		return ingesttest.Field(t, name, false, schema.StringLogicalType{}, parquet.Types.ByteArray)
	}
	one := ingesttest.Column{Values: ingesttest.ByteArrays("a")}
	tests := []struct {
		name   string
		source schemas.Source
		fields schema.FieldList
		want   string
	}{
		{
			"columns missing", ingesttest.Canonical(t),
			schema.FieldList{text("event_id"), text("model")},
			"column occurred_at, customer_id, input_tokens (or another column of tokens) is missing; " +
				"source creditmill needs it",
		},
		{
			"column twice", ingesttest.Canonical(t),
			schema.FieldList{text("event_id"), text("event_id")},
			"column event_id: a column event_id is repeated",
		},
		{
			"path of a plain column", ingesttest.Gateway(),
			schema.FieldList{text("id"), text("call")},
			"column ts, labels.customer, call.model, call.usage.prompt, call.usage.cached is missing; source gateway needs it",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := ingesttest.WriteParquet(t, test.fields, [][]ingesttest.Column{{one, one}})
			_, err := decode(test.source, data)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}
