package ingest

import (
	"errors"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Arrow's headers are flatbuffers. These are the places of what is looked at before the library reads them, which takes
// memory for as many fields as a header says that it has.
const (
	messageTypeSlot, messageHeaderSlot, messageBodySlot = 6, 8, 10
	schemaFieldsSlot, schemaMetadataSlot                = 6, 8
	fieldTypeKindSlot, fieldTypeSlot                    = 8, 10
	fieldChildrenSlot, fieldMetadataSlot                = 14, 16
	unionIDsSlot                                        = 6
	footerBatchesSlot                                   = 10

	messageSchema, messageBatch = 1, 3
	typeUnion                   = 14
)

var errArrowHeader = errors.New("a header is damaged")

// arrowHeader reads from a message's header how long its body is and whether it is a record batch, and looks a schema
// over.
func arrowHeader(header []byte) (size int64, isBatch bool, err error) {
	defer recoverDamage(&err)
	message := rootTable(header)
	of := message.GetByteSlot(messageTypeSlot, 0)
	if of == messageSchema {
		at := message.Offset(messageHeaderSlot)
		if at == 0 {
			return 0, false, errArrowHeader
		}
		var schema flatbuffers.Table
		message.Union(&schema, flatbuffers.UOffsetT(at))
		fields := 0
		if err := checkFields(&schema, schemaFieldsSlot, schemaMetadataSlot, 0, &fields); err != nil {
			return 0, false, err
		}
	}
	return message.GetInt64Slot(messageBodySlot, 0), of == messageBatch, nil
}

func rootTable(data []byte) *flatbuffers.Table {
	return &flatbuffers.Table{Bytes: data, Pos: flatbuffers.GetUOffsetT(data)}
}

// checkFields looks over a schema's or a field's fields and metadata.
func checkFields(of *flatbuffers.Table, fieldsSlot, metadataSlot flatbuffers.VOffsetT, depth int, fields *int) error {
	if depth > maxSchemaDepth {
		return errArrowHeader
	}
	if _, _, err := vectorOf(of, metadataSlot, 4); err != nil {
		return err
	}
	start, length, err := vectorOf(of, fieldsSlot, 4)
	if err != nil {
		return err
	}
	if *fields += length; *fields > maxSchemaColumns {
		return errArrowHeader
	}
	for i := range length {
		field := &flatbuffers.Table{Bytes: of.Bytes, Pos: of.Indirect(start + flatbuffers.UOffsetT(4*i))}
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

// vectorOf finds a vector, which is to lie within the header.
func vectorOf(of *flatbuffers.Table, slot flatbuffers.VOffsetT, width int,
) (start flatbuffers.UOffsetT, length int, err error) {
	at := of.Offset(slot)
	if at == 0 {
		return 0, 0, nil
	}
	start, length = of.Vector(flatbuffers.UOffsetT(at)), of.VectorLen(flatbuffers.UOffsetT(at))
	if length < 0 || int(start) > len(of.Bytes) || length > (len(of.Bytes)-int(start))/width {
		return 0, 0, errArrowHeader
	}
	return start, length, nil
}

// footerBatches counts the record batches that a file's footer lists.
func footerBatches(footer []byte) (batches int, err error) {
	defer recoverDamage(&err)
	const block = 24
	_, batches, err = vectorOf(rootTable(footer), footerBatchesSlot, block)
	return batches, err
}
