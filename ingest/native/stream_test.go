package native

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

// TestEmptyColumns sends blocks with and without values in the same columns in one INSERT, which the server makes one
// part of, with and without compression: what comes back is what was sent.
func TestEmptyColumns(t *testing.T) {
	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprintf("compress=%t", compress), func(t *testing.T) {
			w := warehousetest.Open(t, warehousetest.NewDSN())
			target, err := TargetOf(w, 0)
			if err != nil {
				t.Fatal(err)
			}
			target.compress = compress
			stream, err := Dial(t.Context(), target, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.Begin("", 1, "s"); err != nil {
				t.Fatal(err)
			}
			var want []string
			rows := uint64(0)
			for number, filled := range []bool{false, true, false, false, true} {
				var b event.Block
				b.Reset()
				for i := range uint64(10) {
					made := event.Row{
						EventID: fmt.Appendf(nil, "%d-%d", number, i), CustomerID: []byte("c"), Model: []byte("m"),
						Units:      []string{schemas.UnitInput, schemas.UnitReasoning},
						Quantities: []event.Quantity{{Whole: 1}, {}},
					}
					if filled && i%3 == 0 {
						made.Quantities[1].Whole, made.Properties = i+1, []byte(`{"a":1}`)
					}
					b.RowsRead++
					b.Append(&made)
					want = append(want, fmt.Sprintf("%s 1 0 %d %s", made.EventID, made.Quantities[1].Whole,
						made.Properties))
				}
				b.Place(1, rows, nil)
				rows += b.RowsRead
				if err := stream.Send(&b); err != nil {
					t.Fatal(err)
				}
			}
			if err := stream.Finish(); err != nil {
				t.Fatal(err)
			}
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
			var got []string
			err = w.Conn().QueryRow(t.Context(), `SELECT groupArray(concat(event_id, ' ', toString(quantities[1]), ' 0 ',
				toString(if(units = 'input,reasoning', quantities[2], 0)), ' ', properties))
				FROM (SELECT * FROM usage_events ORDER BY row_number)`).Scan(&got)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("stored %q\nwant %q", got, want)
			}
		})
	}
}
