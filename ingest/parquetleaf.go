package ingest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// leafType is what the stored values of a column mean.
type leafType struct {
	kind    vectorKind
	scale   int32 // of a decimal; its values become vectorNumber unless they are whole
	decimal bool
	binary  bool // of a decimal: stored as bytes
	uuid    bool
	tick    int64
	local   bool
}

// annotate says what the leaf's values are, or why they cannot be read.
func (l *leaf) annotate(element *schemaElement) error {
	if element.physical >= int64(len(physicalTypes)) {
		return fmt.Errorf("values of the physical type %d are not read", element.physical)
	}
	stored := int(element.physical)
	l.type_ = physicalTypes[stored]
	if stored == physicalFixed {
		if element.width < 0 || element.width > maxPageBytes {
			return errThrift
		}
		l.type_.width = int(element.width)
	}
	annotation := element.annotation()
	if err := unreadable(annotation); err != nil {
		return err
	}
	if !canMean(stored, annotation.kind) {
		return errors.New("it is annotated as what its values cannot be")
	}
	l.as = leafTypeOf(stored, annotation)
	if l.as.kind == vectorUint && l.type_.width == 4 {
		l.type_ = unsignedInt32
	}
	return nil
}

// canMean tells that values that are stored so can be what they are annotated as.
func canMean(stored int, annotated int16) bool {
	integers := stored == physicalInt32 || stored == physicalInt64
	switch annotated {
	case logicalTimestamp, logicalDate, logicalInteger:
		return integers
	case logicalDecimal:
		return integers || physicalTypes[stored].text
	case logicalUUID:
		return physicalTypes[stored].text
	}
	return true
}

// unreadable returns an error for what is annotated as something that is not read.
func unreadable(annotation logicalType) error {
	name := logicalNames[annotation.kind]
	if annotation.kind > logicalLast {
		name = fmt.Sprintf("with the number %d", annotation.kind)
	}
	if name == "" {
		return nil
	}
	return fmt.Errorf("values of the type %s are not read", name)
}

// leafTypeOf reads a column's annotations.
func leafTypeOf(stored int, annotation logicalType) leafType {
	switch annotation.kind {
	case logicalDecimal:
		return leafType{
			kind: vectorNumber, decimal: true, binary: physicalTypes[stored].text, scale: int32(annotation.scale),
		}
	case logicalTimestamp:
		ticks := map[int16]int64{1: int64(time.Millisecond), 2: int64(time.Microsecond)}
		tick := int64(1)
		if coarse, ok := ticks[annotation.unit]; ok {
			tick = coarse
		}
		return leafType{kind: vectorTime, tick: tick, local: !annotation.utc}
	case logicalDate:
		return leafType{kind: vectorDate}
	case logicalUUID:
		return leafType{kind: vectorText, uuid: true}
	case logicalInteger:
		return leafType{kind: integerKind(annotation.sign)}
	}
	switch stored {
	case physicalBoolean:
		return leafType{kind: vectorBool}
	case physicalInt32, physicalInt64:
		return leafType{kind: vectorInt}
	case physicalInt96:
		return leafType{kind: vectorTime, tick: 1}
	}
	if physicalTypes[stored].text {
		return leafType{kind: vectorText}
	}
	return leafType{kind: vectorFloat}
}

func integerKind(signed bool) vectorKind {
	if signed {
		return vectorInt
	}
	return vectorUint
}

// vector makes a vector of values, which it takes over, with gaps where absent says so.
func (l *leafType) vector(stored *dense, absent []bool) (vector, error) {
	v := vector{kind: l.kind, null: absent, tick: l.tick, local: l.local}
	if l.decimal || l.uuid {
		if err := stored.flatten(); err != nil {
			return v, err
		}
	}
	switch {
	case l.decimal && l.scale == 0 && !l.binary:
		v.kind = vectorInt
	case l.decimal:
		stored.text = l.decimals(stored)
		stored.number = stored.number[:0]
	case l.uuid:
		stored.text = uuidTexts(&stored.text)
	}
	if len(absent) > 0 {
		switch {
		case stored.dictionary != nil:
			stored.codes = spread(stored.codes, absent)
		case v.kind == vectorText || v.kind == vectorNumber:
			stored.text.spread(absent)
		default:
			stored.number = spread(stored.number, absent)
		}
	}
	v.text, v.number, v.codes, v.dictionary = stored.text, stored.number, stored.codes, stored.dictionary
	return v, nil
}

// spread moves values apart, to the places that are not absent.
func spread[T any](values []T, absent []bool) []T {
	from := len(values) - 1
	for len(values) < len(absent) {
		var none T
		values = append(values, none)
	}
	for to := len(absent) - 1; to >= 0; to-- {
		if absent[to] {
			var none T
			values[to] = none
			continue
		}
		values[to] = values[from]
		from--
	}
	return values
}

// decimals writes decimals as JSON numbers: whole ones without a point.
func (l *leafType) decimals(stored *dense) (decimals texts) {
	for _, number := range stored.number {
		decimals.append(appendDecimal(nil, big.NewInt(number), l.scale))
	}
	for i := range stored.text.len() {
		bytes := stored.text.at(i)
		number := new(big.Int).SetBytes(bytes)
		if len(bytes) > 0 && bytes[0]&0x80 != 0 {
			number.Sub(number, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
		}
		decimals.append(appendDecimal(nil, number, l.scale))
	}
	return decimals
}

// maxDecimalScale bounds the zeros that a decimal is written with.
const maxDecimalScale = 100

// appendDecimal writes number × 10^-scale.
func appendDecimal(text []byte, number *big.Int, scale int32) []byte {
	switch {
	case scale == 0 || number.Sign() == 0:
		return number.Append(text, 10)
	case scale < 0 || scale > maxDecimalScale:
		return fmt.Appendf(text, "%se%d", number, -scale)
	}
	digits := new(big.Int).Abs(number).Append(nil, 10)
	if number.Sign() < 0 {
		text = append(text, '-')
	}
	for missing := int(scale) + 1 - len(digits); missing > 0; missing-- {
		digits = append([]byte{'0'}, digits...)
	}
	point := len(digits) - int(scale)
	return append(append(append(text, digits[:point]...), '.'), digits[point:]...)
}

func uuidTexts(ids *texts) (written texts) {
	for i := range ids.len() {
		written.append(uuidText(ids.at(i)))
	}
	return written
}

// uuidText writes the 16 bytes of a UUID as everybody does; other lengths stay as they are.
func uuidText(id []byte) []byte {
	if len(id) != 16 {
		return id
	}
	text := make([]byte, 36)
	hex.Encode(text, id[:4])
	hex.Encode(text[9:], id[4:6])
	hex.Encode(text[14:], id[6:8])
	hex.Encode(text[19:], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return text
}
