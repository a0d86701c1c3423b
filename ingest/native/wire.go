package native

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
)

// putBlock writes the block's columns as the INSERT of insert_events.sql names them. Their memory must stay as it is
// until the writer is flushed.
func putBlock(writer *proto.Writer, b *event.Block) {
	const columns = 9
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.PutInt(columns)
		buffer.PutInt(len(b.RowNumber))
	})
	const dictionary = "LowCardinality(String)"
	putHead(writer, "row_number", "UInt64", false)
	putNumbers(writer, b.RowNumber)
	putHead(writer, "event_id", "String", false)
	writer.ChainWrite(b.EventID.Wire)
	putHead(writer, "occurred_at", "DateTime64(9, 'UTC')", false)
	putNumbers(writer, b.Occurred)
	putHead(writer, "customer_id", "String", false)
	writer.ChainWrite(b.Customer.Wire)
	putHead(writer, "model", dictionary, false)
	putDictionary(writer, &b.Model.Values, b.Model.Keys)
	putHead(writer, "feature", dictionary, false)
	putDictionary(writer, &b.Feature.Values, b.Feature.Keys)
	putQuantities(writer, b)
	empty := len(b.Detail.Wire) == b.Detail.Rows // nothing but lengths of 0
	putHead(writer, "properties", "String", empty)
	if empty {
		putDefaults(writer, b.Detail.Rows)
		return
	}
	writer.ChainWrite(b.Detail.Wire)
}

// putQuantities writes the names of the units that some row has, and each row's quantities of these.
func putQuantities(writer *proto.Writer, b *event.Block) {
	rows := len(b.RowNumber)
	units, quantities := b.UsedUnits()
	putHead(writer, "units", "LowCardinality(String)", false)
	if lists, keys := b.UnitLists(units); keys != nil {
		putKeys(writer, lists, keys)
	} else {
		putConstant(writer, units, rows)
	}
	putHead(writer, "quantities", "Array(UInt64)", false)
	putOffsets(writer, rows, len(quantities)/max(rows, 1))
	putNumbers(writer, quantities)
}

// putOffsets writes where the arrays of the rows end, which have as many values each.
func putOffsets(writer *proto.Writer, rows, each int) {
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.Buf = slices.Grow(buffer.Buf, 8*rows)
		for row := range rows {
			buffer.PutUInt64(uint64((row + 1) * each))
		}
	})
}

// putConstant writes a LowCardinality column that is the same in every row.
func putConstant(writer *proto.Writer, value string, rows int) {
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.PutUInt64(dictionaryVersion)
		buffer.PutUInt64(dictionaryFlags)
		buffer.PutUInt64(1)
		buffer.PutString(value)
		buffer.PutUInt64(uint64(rows))
		buffer.Buf = append(buffer.Buf, make([]byte, rows)...)
	})
}

// How a LowCardinality column begins on the wire: its version, then flags ("a dictionary follows, and it is all there
// is") with the width of the keys in the low byte.
const (
	dictionaryVersion = 1
	dictionaryFlags   = 1<<9 | 1<<10
)

// putDictionary writes a LowCardinality column: its distinct values, and for each row which it is.
func putDictionary(writer *proto.Writer, values *columnar.StringColumn, keys []uint32) {
	width := 0
	switch {
	case values.Rows > math.MaxUint16+1:
		width = 2
	case values.Rows > math.MaxUint8+1:
		width = 1
	}
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.PutUInt64(dictionaryVersion)
		buffer.PutUInt64(dictionaryFlags | uint64(width))
		buffer.PutUInt64(uint64(values.Rows))
	})
	writer.ChainWrite(values.Wire)
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.PutUInt64(uint64(len(keys)))
		buffer.Buf = slices.Grow(buffer.Buf, len(keys)<<width)
		switch width {
		case 0:
			for _, key := range keys {
				buffer.Buf = append(buffer.Buf, byte(key))
			}
		case 1:
			for _, key := range keys {
				buffer.Buf = binary.LittleEndian.AppendUint16(buffer.Buf, uint16(key))
			}
		default:
			for _, key := range keys {
				buffer.Buf = binary.LittleEndian.AppendUint32(buffer.Buf, key)
			}
		}
	})
}

// putKeys writes a LowCardinality column of values that are few and short.
func putKeys(writer *proto.Writer, values []string, keys []uint32) {
	var texts columnar.StringColumn
	for _, value := range values {
		texts.Append([]byte(value))
	}
	putDictionary(writer, &texts, keys)
}

// putHead begins a column. A sparse one is followed by where its values are that are not the default, and by these.
func putHead(writer *proto.Writer, name, kind string, sparse bool) {
	const sparseColumn = 1
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.PutString(name)
		buffer.PutString(kind)
		buffer.PutBool(sparse)
		if sparse {
			buffer.PutByte(sparseColumn)
		}
	})
}

// putDefaults writes a sparse column without a single value. So what no row has costs
// neither side anything.
func putDefaults(writer *proto.Writer, rows int) {
	const end = 1 << 62 // what is before it counts the defaults that close the column
	writer.ChainBuffer(func(buffer *proto.Buffer) { buffer.PutUVarInt(end | uint64(rows)) })
}

// putNumbers writes a column of 64-bit integers: on little-endian machines, which are all that Go and ClickHouse share,
// the slice's memory is the wire format.
func putNumbers[T uint64 | int64](writer *proto.Writer, numbers []T) {
	if len(numbers) == 0 {
		return
	}
	if littleEndian {
		writer.ChainWrite(unsafe.Slice((*byte)(unsafe.Pointer(&numbers[0])), 8*len(numbers)))
		return
	}
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		for _, number := range numbers {
			buffer.PutUInt64(uint64(number))
		}
	})
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
