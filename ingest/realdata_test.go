package ingest

import (
	"os"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// traceSource is the declared source of the public Azure LLM inference trace: three columns, no ids, no customers.
func traceSource() schemas.Source {
	column := func(name string) schemas.Field {
		return schemas.Field{Kind: schemas.FieldPath, Path: []string{name}, Text: name}
	}
	constant := func(value string) schemas.Field { return schemas.Field{Kind: schemas.FieldConst, Const: value} }
	source := schemas.Source{ID: "azure", Format: schemas.FormatCSV, Fields: schemas.Fields{
		EventID: schemas.Field{Kind: schemas.FieldRow}, OccurredAt: column("TIMESTAMP"),
		CustomerID: constant("azure"), Model: constant("code-model"),
	}}
	source.Fields.OccurredAt.Layout = "2006-01-02 15:04:05.0000000"
	source.Fields.SetUnit(schemas.UnitInput, column("ContextTokens"))
	source.Fields.SetUnit(schemas.UnitOutput, column("GeneratedTokens"))
	return source
}

// TestTrace loads logs of that shape: a made-up one from testdata, and the real one where it is beside the
// repository, which it is not part of.
func TestTrace(t *testing.T) {
	tests := []struct {
		file          string
		rows          uint64
		input, output int64
	}{
		{"../testdata/logs/trace.csv", 5, 11_168, 1_234},
		{"../../shared/data/AzureLLMInferenceTrace_code.csv", 8819, 18_059_974, 245_896},
	}
	for _, test := range tests {
		if _, err := os.Stat(test.file); err != nil && test.rows > 5 {
			t.Logf("not loaded: %v", err)
			continue
		}
		w := warehousetest.New(t)
		results, err := loader(w).Load(t.Context(), []Input{{Name: test.file}}, Options{Source: traceSource()})
		if err != nil {
			t.Fatal(err)
		}
		got := results[0]
		if got.RowsLoaded != test.rows || got.RowsRead != test.rows ||
			!schemas.Amounts(got.Tokens).Of(schemas.UnitInput).Equal(decimal.NewFromInt(test.input)) ||
			!schemas.Amounts(got.Tokens).Of(schemas.UnitOutput).Equal(decimal.NewFromInt(test.output)) {
			t.Errorf("%s: %s, output %v; want %d rows, %d and %d tokens", test.file, counts(got),
				schemas.Amounts(got.Tokens).Of(schemas.UnitOutput), test.rows, test.input, test.output)
		}
		var first time.Time
		if err := w.Conn().QueryRow(t.Context(), "SELECT min(occurred_at) FROM v_events").Scan(&first); err != nil {
			t.Fatal(err)
		}
		t.Logf("loaded %s: %s, output %v, from %v", test.file, counts(got),
			schemas.Amounts(got.Tokens).Of(schemas.UnitOutput), first)
	}
}
