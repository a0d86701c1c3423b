package export

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/shopspring/decimal"
)

// written is a Parquet file read again.
func written(t *testing.T, columns []Column, rows [][]any) *file.Reader {
	t.Helper()
	var text bytes.Buffer
	writer := NewParquet(&text, columns)
	for _, row := range rows {
		if err := writer.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	opened, err := file.NewParquetReader(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// firstValues are the values of the first group's column, as text, and which of its rows have one.
func firstValues(t *testing.T, opened *file.Reader, column int) (values []string, present []int16) {
	t.Helper()
	chunk, err := opened.RowGroup(0).Column(column)
	if err != nil {
		t.Fatal(err)
	}
	present = make([]int16, 2)
	switch from := chunk.(type) {
	case *file.ByteArrayColumnChunkReader:
		return read(t, from.ReadBatch, present, func(v parquet.ByteArray) string { return string(v) }), present
	case *file.FixedLenByteArrayColumnChunkReader:
		return read(t, from.ReadBatch, present, func(v parquet.FixedLenByteArray) string {
			return hex.EncodeToString(v)
		}), present
	case *file.Int64ColumnChunkReader:
		return read(t, from.ReadBatch, present, func(v int64) string { return fmt.Sprint(v) }), present
	case *file.Int32ColumnChunkReader:
		return read(t, from.ReadBatch, present, func(v int32) string { return fmt.Sprint(v) }), present
	case *file.BooleanColumnChunkReader:
		return read(t, from.ReadBatch, present, func(v bool) string { return fmt.Sprint(v) }), present
	}
	t.Fatalf("a column is read by %T", chunk)
	return nil, nil
}

func read[T any](
	t *testing.T, batch func(int64, []T, []int16, []int16) (int64, int, error), present []int16, text func(T) string,
) (texts []string) {
	t.Helper()
	values := make([]T, len(present))
	_, count, err := batch(int64(len(present)), values, present, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range values[:count] {
		texts = append(texts, text(value))
	}
	return texts
}

// TestParquet: what is written is read again: each kind, null, and decimals of either sign to the last digit. Other
// programs are told of it by the types of Parquet itself.
func TestParquet(t *testing.T) {
	at := time.Date(2026, 10, 5, 10, 0, 0, 123456789, time.UTC)
	const stamp = "Timestamp(isAdjustedToUTC=true, timeUnit=%s, is_from_converted_type=false, " +
		"force_set_converted_type=false)"
	const number = "Decimal(precision=38, scale=18)"
	tests := []struct {
		column     Column
		value      any
		kind, want string
	}{
		{Column{"text", Text}, "=text", "String", "=text"},
		{Column{"one", Decimal}, decimal.NewFromInt(1), number, "00000000000000000de0b6b3a7640000"},
		{Column{"least", Decimal}, decimal.New(-1, -18), number, "ffffffffffffffffffffffffffffffff"},
		{
			Column{"most", Decimal},
			decimal.RequireFromString("99999999999999999999.999999999999999999"), number,
			"4b3b4ca85a86c47a098a223fffffffff",
		},
		{Column{"instant", Instant}, at, fmt.Sprintf(stamp, "microseconds"), "1791194400123456"},
		{Column{"exact", Exact}, at, fmt.Sprintf(stamp, "nanoseconds"), "1791194400123456789"},
		{Column{"day", Day}, time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC), "Date", "20731"},
		{Column{"before", Day}, time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), "Date", "-1"},
		{Column{"integer", Integer}, int64(-7), "Int(bitWidth=64, isSigned=true)", "-7"},
		{Column{"boolean", Boolean}, true, "None", "true"},
	}
	columns, row := make([]Column, len(tests)), make([]any, len(tests))
	for i, test := range tests {
		columns[i], row[i] = test.column, test.value
	}
	opened := written(t, columns, [][]any{row, make([]any, len(tests))})
	for i, test := range tests {
		if kind := opened.MetaData().Schema.Column(i).LogicalType().String(); kind != test.kind {
			t.Errorf("%s is a %s, want %s", test.column.Name, kind, test.kind)
		}
		values, present := firstValues(t, opened, i)
		if len(values) != 1 || values[0] != test.want || present[0] != 1 || present[1] != 0 {
			t.Errorf("%s is %v in rows %v, want %s and null", test.column.Name, values, present, test.want)
		}
	}
}

// TestParquetRefuses: a value of another kind, and an instant whose nanoseconds do not fit, are errors.
func TestParquetRefuses(t *testing.T) {
	for kind, value := range map[Kind]any{
		Text: int64(1), Integer: "1", Boolean: 1.5, Decimal: time.Time{}, Exact: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if err := NewParquet(&bytes.Buffer{}, []Column{{"column", kind}}).Row([]any{value}); err == nil {
			t.Errorf("%v is written to a column of kind %d", value, kind)
		}
	}
}

// TestParquetDecimalIsExact: a number with more digits than the file keeps is an error, never a rounded one.
func TestParquetDecimalIsExact(t *testing.T) {
	for _, text := range []string{"100000000000000000000", "-100000000000000000000", "0.0000000000000000001"} {
		if _, err := decimalOf(decimal.RequireFromString(text)); err == nil {
			t.Errorf("%s is written", text)
		}
	}
	if _, err := decimalOf(decimal.RequireFromString("-99999999999999999999.999999999999999999")); err != nil {
		t.Error(err)
	}
}

// TestParquetGroups: more rows than are held in memory are all there.
func TestParquetGroups(t *testing.T) {
	rows := make([][]any, rowsOfGroup+1)
	for i := range rows {
		rows[i] = []any{int64(i)}
	}
	opened := written(t, []Column{{"number", Integer}}, rows)
	if opened.NumRows() != int64(len(rows)) || opened.NumRowGroups() != 2 {
		t.Errorf("%d rows in %d groups, want %d in 2", opened.NumRows(), opened.NumRowGroups(), len(rows))
	}
}

// TestCSV: a text is no formula, null is empty, an instant is UTC.
func TestCSV(t *testing.T) {
	var text bytes.Buffer
	writer := NewCSV(&text, []Column{{"a", Text}, {"b", Decimal}, {"c", Instant}, {"d", Text}})
	at := time.Date(2026, 10, 1, 2, 0, 0, 0, time.FixedZone("", 7200))
	if err := writer.Row([]any{"=1+1", decimal.New(-5, -1), at, nil}); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if want := "a,b,c,d\n'=1+1,-0.5,2026-10-01T00:00:00Z,\n"; text.String() != want {
		t.Errorf("the file is %q, want %q", text.String(), want)
	}
}
