package arrow

import (
	"errors"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// Arrow's headers are flatbuffers. These are the places of what is looked at before the library reads them, which takes
// memory for as many fields as a header says that it has.
const (
	messageTypeSlot, messageHeaderSlot, messageBodySlot = 6, 8, 10
	schemaFieldsSlot, schemaMetadataSlot                = 6, 8
	fieldNullableSlot                                   = 6
	fieldTypeKindSlot, fieldTypeSlot                    = 8, 10
	fieldChildrenSlot, fieldMetadataSlot                = 14, 16
	unionIDsSlot                                        = 6
	footerBatchesSlot                                   = 10
	dictionaryDataSlot                                  = 6
	batchBuffersSlot, batchVariadicSlot                 = 8, 12

	messageSchema, messageDictionary, messageBatch = 1, 2, 3
	typeDecimal, typeInterval, typeUnion, typeMap  = 7, 11, 14, 17
)

var errHeader = errors.New("a header is damaged")

// checkHeader reads from a message's header how long its body is and whether it is a record batch, and looks a schema
// over.
func checkHeader(header []byte) (size int64, isBatch bool, err error) {
	defer columnar.RecoverDamage(&err)
	message := rootTable(header)
	of := message.GetByteSlot(messageTypeSlot, 0)
	var inside flatbuffers.Table
	if at := message.Offset(messageHeaderSlot); at != 0 {
		message.Union(&inside, flatbuffers.UOffsetT(at))
	} else {
		return 0, false, errHeader
	}
	switch of {
	case messageSchema:
		fields := 0
		err = checkFields(&inside, schemaFieldsSlot, schemaMetadataSlot, 0, &fields)
	case messageBatch:
		err = checkBatch(&inside)
	case messageDictionary:
		if at := inside.Offset(dictionaryDataSlot); at != 0 {
			data := &flatbuffers.Table{Bytes: inside.Bytes, Pos: inside.Indirect(inside.Pos + flatbuffers.UOffsetT(at))}
			err = checkBatch(data)
		}
	}
	return message.GetInt64Slot(messageBodySlot, 0), of == messageBatch, err
}

// checkBatch looks over how many buffers the columns of views have, which cannot be more than there are.
func checkBatch(batch *flatbuffers.Table) error {
	const bufferBytes = 16
	_, buffers, err := vectorOf(batch, batchBuffersSlot, bufferBytes)
	if err != nil {
		return err
	}
	start, columns, err := vectorOf(batch, batchVariadicSlot, 8)
	if err != nil {
		return err
	}
	left := int64(buffers)
	for i := range columns {
		count := batch.GetInt64(start + flatbuffers.UOffsetT(8*i))
		if count < 0 || count > left {
			return errHeader
		}
		left -= count
	}
	return nil
}

func rootTable(data []byte) *flatbuffers.Table {
	return &flatbuffers.Table{Bytes: data, Pos: flatbuffers.GetUOffsetT(data)}
}

// checkFields looks over a schema's or a field's fields and metadata.
func checkFields(of *flatbuffers.Table, fieldsSlot, metadataSlot flatbuffers.VOffsetT, depth int, fields *int) error {
	if depth > columnar.MaxSchemaDepth {
		return errHeader
	}
	if _, _, err := vectorOf(of, metadataSlot, 4); err != nil {
		return err
	}
	start, length, err := vectorOf(of, fieldsSlot, 4)
	if err != nil {
		return err
	}
	*fields += length
	if *fields > columnar.MaxSchemaColumns {
		return errHeader
	}
	for i := range length {
		field := &flatbuffers.Table{Bytes: of.Bytes, Pos: of.Indirect(start + flatbuffers.UOffsetT(4*i))}
		adapt(field)
		if field.GetByteSlot(fieldTypeKindSlot, 0) == typeUnion {
			if at := field.Offset(fieldTypeSlot); at != 0 {
				var union flatbuffers.Table
				field.Union(&union, flatbuffers.UOffsetT(at))
				if _, _, err := vectorOf(&union, unionIDsSlot, 4); err != nil {
					return err
				}
			}
		}
		if err := checkFields(field, fieldChildrenSlot, fieldMetadataSlot, depth+1, fields); err != nil {
			return err
		}
	}
	return nil
}

// adapt makes of a field for which the library refuses the whole file one that it passes over: nobody may look for it.
// A decimal of 32 or 64 bits becomes an interval of as many, which is never read either. Entries of a map cannot be
// null, whatever a writer says of them.
func adapt(field *flatbuffers.Table) {
	const precisionSlot, bitsSlot = 4, 8
	const months, daysAndTime = 0, 1 // intervals of 32 and of 64 bits
	kind, at := field.GetByteSlot(fieldTypeKindSlot, 0), field.Offset(fieldTypeSlot)
	switch {
	case kind == typeDecimal && at != 0:
		var decimal flatbuffers.Table
		field.Union(&decimal, flatbuffers.UOffsetT(at))
		unit, known := map[int32]int16{32: months, 64: daysAndTime}[decimal.GetInt32Slot(bitsSlot, 128)]
		if known && decimal.MutateInt16Slot(precisionSlot, unit) {
			field.MutateByteSlot(fieldTypeKindSlot, typeInterval)
		}
	case kind == typeMap:
		if start, length, err := vectorOf(field, fieldChildrenSlot, 4); err == nil && length == 1 {
			entry := &flatbuffers.Table{Bytes: field.Bytes, Pos: field.Indirect(start)}
			entry.MutateBoolSlot(fieldNullableSlot, false)
			if start, length, err = vectorOf(entry, fieldChildrenSlot, 4); err == nil && length == 2 {
				key := &flatbuffers.Table{Bytes: field.Bytes, Pos: field.Indirect(start)}
				key.MutateBoolSlot(fieldNullableSlot, false)
			}
		}
	}
}

// vectorOf finds a vector, which is to lie within the header.
func vectorOf(of *flatbuffers.Table, slot flatbuffers.VOffsetT, width int,
) (start flatbuffers.UOffsetT, length int, err error) {
	at := of.Offset(slot)
	if at == 0 {
		return 0, 0, nil
	}
	start, length = of.Vector(flatbuffers.UOffsetT(at)), of.VectorLen(flatbuffers.UOffsetT(at))
	if length < 0 || int(start) > len(of.Bytes) || length > (len(of.Bytes)-int(start))/width {
		return 0, 0, errHeader
	}
	return start, length, nil
}

// footerBatches counts the record batches that a file's footer lists.
func footerBatches(footer []byte) (batches int, err error) {
	defer columnar.RecoverDamage(&err)
	const block = 24
	_, batches, err = vectorOf(rootTable(footer), footerBatchesSlot, block)
	return batches, err
}
