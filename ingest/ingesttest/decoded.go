package ingesttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// Canonical is the source of rows in the canonical shape.
func Canonical(t testing.TB) schemas.Source {
	t.Helper()
	source, ok := schemas.SourceByID(schemas.BuiltinSources(), "creditmill")
	if !ok {
		t.Fatal("no built-in source")
	}
	return source
}

// Decoded is what a text becomes: "row event_id customer model time tokens… properties" and "row field: reason".
type Decoded struct {
	Events  []string
	Rejects []string
	Rows    uint64 // the lines, where rows are elements
}

// Add takes the rows of a block as its columns hold them, which is what the warehouse will be sent.
func (d *Decoded) Add(b *event.Block) {
	ids, customers, properties := b.EventID.Strings(), b.Customer.Strings(), b.Detail.Strings()
	events := b.Events()
	for i, number := range b.RowNumber {
		text := fmt.Sprintf("%s %s %s %s %s", rowBehind(d.Rows, number), ids[i], customers[i],
			events[i].Model+events[i].Feature, time.Unix(0, b.Occurred[i]).UTC().Format(time.RFC3339Nano))
		for _, unit := range schemas.ColumnUnits() {
			text += " " + events[i].Units.Of(unit).String()
		}
		for _, amount := range events[i].Units {
			if !slices.Contains(schemas.ColumnUnits(), amount.Unit) {
				text += " " + amount.Unit + "=" + amount.Quantity.String()
			}
		}
		if dimensions := schemas.FormatDimensions(events[i].Dimensions); dimensions != "" {
			text += " ?" + dimensions
		}
		d.Events = append(d.Events, strings.TrimSpace(text+" "+properties[i]))
	}
	for _, reject := range b.Rejects {
		d.Rejects = append(d.Rejects, fmt.Sprintf("%s %s: %s", rowBehind(d.Rows, reject.RowNumber), reject.Field,
			reject.Reason))
	}
	d.Rows += b.Lines()
}

// rowBehind is a row's number where so many lines stand before its block.
func rowBehind(lines, number uint64) string {
	line, element, isElement := strings.Cut(event.RowNumber(number).String(), ".")
	n, err := strconv.ParseUint(line, 10, 64)
	if err != nil {
		panic(err)
	}
	if line = strconv.FormatUint(lines+n, 10); isElement {
		return line + "." + element
	}
	return line
}

// WantRejects compares the rejects, each as "row field: reason".
func WantRejects(t *testing.T, d Decoded, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, d.Rejects); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}
