package arrow

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// TestArrowNested is the same of Arrow, with its own types.
func TestArrowNested(t *testing.T) {
	usage := arrow.StructOf(arrow.Field{Name: "prompt", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
		arrow.Field{Name: "cached", Type: &arrow.Decimal128Type{Precision: 20}, Nullable: true})
	call := arrow.StructOf(arrow.Field{Name: "model", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "usage", Type: usage, Nullable: true},
		arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true})
	shape := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Europe/Berlin"}},
		{Name: "call", Type: call, Nullable: true},
		{Name: "labels", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, shape)
	b.Field(0).(*array.StringBuilder).AppendValues([]string{"a", "b", "c", "d"}, nil)
	b.Field(1).(*array.TimestampBuilder).AppendValues([]arrow.Timestamp{
		ingesttest.NestedMS, ingesttest.NestedMS,
		ingesttest.NestedMS, ingesttest.NestedMS,
	}, nil)
	calls := b.Field(2).(*array.StructBuilder)
	usages := calls.FieldBuilder(1).(*array.StructBuilder)
	tags := calls.FieldBuilder(2).(*array.ListBuilder)
	for i, model := range []string{"small", "medium", "large"} {
		calls.Append(true)
		calls.FieldBuilder(0).(*array.StringBuilder).Append(model)
		usages.Append(true)
		usages.FieldBuilder(0).(*array.Uint16Builder).Append([]uint16{10, 5, 7}[i])
		if i > 0 {
			usages.FieldBuilder(1).AppendNull()
			tags.AppendNull()
			continue
		}
		usages.FieldBuilder(1).(*array.Decimal128Builder).Append(decimal128.FromI64(4))
		tags.Append(true)
		tags.ValueBuilder().(*array.StringBuilder).AppendValues([]string{"x", "y"}, nil)
	}
	calls.AppendNull()
	labels := b.Field(3).(*array.MapBuilder)
	for i := range 4 {
		labels.Append(true)
		labels.KeyBuilder().(*array.StringBuilder).Append("region")
		labels.ItemBuilder().(*array.StringBuilder).Append("eu")
		if i != 1 {
			labels.KeyBuilder().(*array.StringBuilder).Append("customer")
			labels.ItemBuilder().(*array.StringBuilder).Append("acme")
		}
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(shape))
	if err := w.Write(b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	_, err := decode(ingesttest.Gateway(), out.Bytes())
	if err == nil || !strings.HasPrefix(err.Error(), "the Arrow stream ends without its end mark") {
		t.Errorf("without its end mark: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := decode(ingesttest.Gateway(), out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ingesttest.NestedWant, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every text of a row may be a view, short ones inside the view and long ones beside it.
func TestArrowViews(t *testing.T) {
	text := func(name string) arrow.Field { return arrow.Field{Name: name, Type: arrow.BinaryTypes.StringView} }
	shape := arrow.NewSchema([]arrow.Field{
		text("event_id"), text("occurred_at"),
		{Name: "customer_id", Type: arrow.BinaryTypes.BinaryView},
		text("model"),
		{Name: "input_tokens", Type: arrow.PrimitiveTypes.Int64},
		{Name: "properties", Type: arrow.ListOf(arrow.BinaryTypes.StringView), Nullable: true},
		{Name: "unlooked", Type: arrow.ListViewOf(arrow.PrimitiveTypes.Int8)},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, shape)
	const long = "a model with a name that is longer than twelve bytes"
	for i := range 3 {
		b.Field(0).(*array.StringViewBuilder).Append([]string{"e1", "e2", "an-event-with-a-long-id"}[i])
		b.Field(1).(*array.StringViewBuilder).Append(ingesttest.Instant)
		b.Field(2).(*array.BinaryViewBuilder).Append([]byte("c"))
		b.Field(3).(*array.StringViewBuilder).Append([]string{"m", long, long}[i])
		b.Field(4).(*array.Int64Builder).Append(int64(i))
		list := b.Field(5).(*array.ListBuilder)
		if i == 1 {
			list.AppendNull()
		} else {
			list.Append(true)
			list.ValueBuilder().(*array.StringViewBuilder).Append(long[:2+20*i])
		}
		b.Field(6).AppendNull()
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(shape))
	if err := w.Write(b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := decode(ingesttest.Canonical(t), out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1 e1 c m " + ingesttest.Instant + ` 0 0 0 0 0 ["a "]`, "2 e2 c " + long + " " + ingesttest.Instant + " 1 0 0 0 0",
		"3 an-event-with-a-long-id c " + long + " " + ingesttest.Instant + ` 2 0 0 0 0 ["` + long[:42] + `"]`,
	}
	if diff := cmp.Diff(want, d.Events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
