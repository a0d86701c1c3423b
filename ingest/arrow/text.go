package arrow

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// readTexts reads the arrays whose values are bytes, and those that become JSON.
func (c *cellReader) readTexts(a arrow.Array) {
	c.kind = columnar.KindText
	switch a := a.(type) {
	case *array.String:
		c.bytes = func(row int) []byte { return bytesOf(a.Value(row)) }
	case *array.LargeString:
		c.bytes = func(row int) []byte { return bytesOf(a.Value(row)) }
	case *array.Binary:
		c.bytes = a.Value
	case *array.LargeBinary:
		c.bytes = a.Value
	case *array.FixedSizeBinary:
		c.bytes = a.Value
	case *array.StringView: // the texts of Polars
		c.bytes = func(row int) []byte { return bytesOf(a.Value(row)) }
	case *array.BinaryView:
		c.bytes = a.Value
	default:
		c.kind = columnar.KindJSON
		c.bytes = func(row int) []byte { return appendJSON(nil, a, row) }
	}
}

// bytesOf is the text's memory, which is part of the record and only read.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// appendJSON writes a value as JSON. Fields of a struct that are null are left out.
func appendJSON(text []byte, a arrow.Array, row int) []byte {
	a = storage(a)
	if a.IsNull(row) {
		return append(text, "null"...)
	}
	switch a := a.(type) {
	case *array.Struct:
		text = append(text, '{')
		first := len(text)
		for i, field := range a.DataType().(*arrow.StructType).Fields() {
			if a.Field(i).IsNull(row) {
				continue
			}
			text = append(columnar.AppendJSONString(text, []byte(field.Name)), ':')
			text = append(appendJSON(text, a.Field(i), row), ',')
		}
		return endJSON(text, first, '}')
	case *array.Map:
		text = append(text, '{')
		first := len(text)
		keys := newCellReader(storage(a.Keys()))
		from, to := a.ValueOffsets(row)
		for i := from; i < to; i++ {
			text = append(columnar.AppendJSONString(text, keys.bytes(int(i))), ':')
			text = append(appendJSON(text, a.Items(), int(i)), ',')
		}
		return endJSON(text, first, '}')
	case array.ListLike:
		text = append(text, '[')
		first := len(text)
		from, to := a.ValueOffsets(row)
		for i := from; i < to; i++ {
			text = append(appendJSON(text, a.ListValues(), int(i)), ',')
		}
		return endJSON(text, first, ']')
	}
	c := newCellReader(a)
	if c.kind == columnar.KindJSON {
		panic(fmt.Sprintf("values of the type %s are not read", a.DataType()))
	}
	var v columnar.Vector
	v.Kind, v.Tick, v.Local = c.kind, c.tick, c.local
	c.append(&v, row, !c.isNull(row))
	v.Null = []bool{c.isNull(row)}
	return v.AppendJSON(text, 0)
}

// endJSON closes a bracket, instead of the last comma if there is one.
func endJSON(text []byte, first int, bracket byte) []byte {
	if len(text) == first {
		return append(text, bracket)
	}
	text[len(text)-1] = bracket
	return text
}
