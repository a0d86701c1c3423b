package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/schemas"
)

// The rows shown are those that a load's decoders give, in the order of the file, however small the buffer is.
func TestReadPreview(t *testing.T) {
	row := func(i int) string {
		return fmt.Sprintf(`{"event_id":"e%d","occurred_at":"2026-10-01T00:00:00Z","customer_id":"c%d","model":"m",`+
			`"output_tokens":%d}`, i, i%2, i)
	}
	var lines, want []string
	for i := 1; i <= 50; i++ {
		switch i % 10 {
		case 3:
			lines = append(lines, strings.Repeat("x", 1000*i))
			want = append(want, fmt.Sprintf("%d reject  is longer than 200 bytes", i))
		case 7:
			lines = append(lines, "{}")
			want = append(want, fmt.Sprintf("%d reject event_id is missing", i))
		default:
			lines = append(lines, row(i))
			want = append(want, fmt.Sprintf("%d e%d c%d m 2026-10-01T00:00:00Z %d", i, i, i%2, i))
		}
	}
	name := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{1, 3, 49, 50, 51} {
		options := Options{Source: builtin(t, "creditmill"), MaxLineBytes: 200}
		preview, err := ReadPreview(context.Background(), Input{Name: name}, options, rows)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range preview.Rows {
			if row.Event == nil {
				got = append(got, fmt.Sprintf("%d reject %s %s", row.RowNumber, row.Field, row.Reason))
				continue
			}
			got = append(got, fmt.Sprintf("%d %s %s %s %s %s", row.RowNumber, row.Event.EventID, row.Event.CustomerID,
				row.Event.Model, row.Event.OccurredAt.Format(time.RFC3339), row.Event.Units.Of(schemas.UnitOutput)))
		}
		if diff := cmp.Diff(want[:min(rows, 50)], got); diff != "" {
			t.Errorf("%d rows (-want +got):\n%s", rows, diff)
		}
		if preview.More != (rows < 50) || preview.Format != schemas.FormatJSONL {
			t.Errorf("%d rows: more %t, format %s", rows, preview.More, preview.Format)
		}
	}
}

// A CSV header takes part of the buffer; ids by row are those of a load.
func TestReadPreviewOfRows(t *testing.T) {
	source := builtin(t, "creditmill")
	source.Fields.EventID = schemas.Field{Kind: schemas.FieldRow}
	text := "occurred_at,customer_id,model,input_tokens," + strings.Repeat("y", 100) + "\n" +
		strings.Repeat("2026-10-01T00:00:00Z,c,m,1,\n", 20)
	preview, err := ReadPreview(context.Background(), Input{Name: "-", Reader: strings.NewReader(text)},
		Options{Source: source, MaxLineBytes: 160}, 30)
	if err != nil {
		t.Fatal(err)
	}
	if len(preview.Rows) != 20 || preview.Format != schemas.FormatCSV {
		t.Fatalf("%d rows of %s", len(preview.Rows), preview.Format)
	}
	ids := map[string]bool{}
	log, _, _ := strings.Cut(preview.Rows[0].Event.EventID, "-")
	for i, row := range preview.Rows {
		if id := row.Event.EventID; len(id) != 49 || !strings.HasPrefix(id, log+"-") || ids[id] {
			t.Errorf("row %d has the id %s", i+1, id)
		}
		ids[row.Event.EventID] = true
	}
}
