package parquet

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// changedFooter replaces what stands once in the footer of a Parquet file.
func changedFooter(t *testing.T, data, from, to []byte) []byte {
	t.Helper()
	tail := len(data) - 8
	start := tail - int(binary.LittleEndian.Uint32(data[tail:]))
	footer := data[start:tail]
	if n := bytes.Count(footer, from); n != 1 {
		t.Fatalf("% x stands %d times in the footer", from, n)
	}
	footer = bytes.Replace(footer, from, to, 1)
	out := append(bytes.Clone(data[:start]), footer...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(footer))), "PAR1"...)
}

// oddFile has the columns of a canonical row and one more.
func oddFile(t *testing.T, odd schema.Node, values ingesttest.Column) []byte {
	t.Helper()
	text := func(name string) schema.Node {
		return ingesttest.Field(t, name, false, schema.StringLogicalType{}, parquet.Types.ByteArray)
	}
	return ingesttest.WriteParquet(t, schema.FieldList{
		odd, text("event_id"), text("occurred_at"), text("customer_id"), text("model"),
		ingesttest.Field(t, "input_tokens", false, nil, parquet.Types.Int64),
	}, [][]ingesttest.Column{{
		values,
		{Values: ingesttest.ByteArrays("e")},
		{Values: ingesttest.ByteArrays(ingesttest.Instant)},
		{Values: ingesttest.ByteArrays("c")},
		{Values: ingesttest.ByteArrays("m")},
		{Values: []int64{7}},
	}})
}

// A column of a kind that nobody knows refuses a file only where the source looks for it.
func TestParquetOddColumns(t *testing.T) {
	jsonColumn := func(name string) []byte {
		node := ingesttest.Field(t, name, false, schema.JSONLogicalType{}, parquet.Types.ByteArray)
		return oddFile(t, node, ingesttest.Column{Values: ingesttest.ByteArrays("{}")})
	}
	annotated := []byte{0xcc, 0, 0} // the union's field 12, JSON
	as := func(number byte) []byte { return []byte{0x0c, 2 * number, 0, 0} }
	stored := func(name string, physical byte) []byte {
		return append([]byte{0x15, 2 * physical, 0x25, 0, 0x18, byte(len(name))}, name...)
	}
	tests := []struct {
		name     string
		from, to []byte // with the column's name behind them
		failure  string // where the column is looked for
	}{
		{"VARIANT", annotated, as(16), "column properties: values of the type VARIANT are not read"},
		{"GEOMETRY", annotated, as(17), "column properties: values of the type GEOMETRY are not read"},
		{"GEOGRAPHY", annotated, as(18), "column properties: values of the type GEOGRAPHY are not read"},
		{"unknown", annotated, as(40), "column properties: values of the type with the number 40 are not read"},
		{"timestamp of texts", annotated, as(8), "column properties: it is annotated as what its values cannot be"},
		{"physical type", nil, nil, "column properties: values of the physical type 30 are not read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"unlooked", "properties"} {
				from, to := test.from, test.to
				if from == nil {
					from, to = stored(name, 6), stored(name, 30)
				}
				d, err := decode(ingesttest.Canonical(t), changedFooter(t, jsonColumn(name), from, to))
				if name == "properties" {
					if err == nil || err.Error() != test.failure {
						t.Errorf("looked for: %v, want %s", err, test.failure)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"1 e c m " + ingesttest.Instant + " 7 0 0 0 0"}, d.Events); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
	t.Run("wide decimal", func(t *testing.T) {
		node := ingesttest.Field(t, "unlooked", false, schema.NewDecimalLogicalType(70, 0), parquet.Types.FixedLenByteArray,
			30)
		values := ingesttest.Column{Values: []parquet.FixedLenByteArray{make([]byte, 30)}}
		if d, err := decode(ingesttest.Canonical(t), oddFile(t, node, values)); err != nil || len(d.Events) != 1 {
			t.Error(d, err)
		}
	})
	t.Run("an unknown codec", func(t *testing.T) {
		data := jsonColumn("unlooked")
		path := "\x19\x18\x08unlooked" // and behind it field 4, the codec
		d, err := decode(ingesttest.Canonical(t), changedFooter(t, data, []byte(path+"\x15\x00"), []byte(path+"\x15\x3c")))
		if err != nil || len(d.Events) != 1 {
			t.Error(d, err)
		}
	})
}
