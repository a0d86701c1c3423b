package parquet

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// leafType is what the stored values of a column mean.
type leafType struct {
	kind    columnar.Kind
	scale   int32 // of a decimal; its values become KindNumber unless they are whole
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
	if l.as.kind == columnar.KindUint && l.type_.width == 4 {
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
			kind: columnar.KindNumber, decimal: true, binary: physicalTypes[stored].text, scale: int32(annotation.scale),
		}
	case logicalTimestamp:
		ticks := map[int16]int64{1: int64(time.Millisecond), 2: int64(time.Microsecond)}
		tick := int64(1)
		if coarse, ok := ticks[annotation.unit]; ok {
			tick = coarse
		}
		return leafType{kind: columnar.KindTime, tick: tick, local: !annotation.utc}
	case logicalDate:
		return leafType{kind: columnar.KindDate}
	case logicalUUID:
		return leafType{kind: columnar.KindText, uuid: true}
	case logicalInteger:
		return leafType{kind: integerKind(annotation.sign)}
	}
	switch stored {
	case physicalBoolean:
		return leafType{kind: columnar.KindBool}
	case physicalInt32, physicalInt64:
		return leafType{kind: columnar.KindInt}
	case physicalInt96:
		return leafType{kind: columnar.KindTime, tick: 1}
	}
	if physicalTypes[stored].text {
		return leafType{kind: columnar.KindText}
	}
	return leafType{kind: columnar.KindFloat}
}

func integerKind(signed bool) columnar.Kind {
	if signed {
		return columnar.KindInt
	}
	return columnar.KindUint
}

// vector makes a vector of values, which it takes over, with gaps where absent says so.
func (l *leafType) vector(stored *dense, absent []bool) (columnar.Vector, error) {
	v := columnar.Vector{Kind: l.kind, Null: absent, Tick: l.tick, Local: l.local}
	if l.decimal || l.uuid {
		if err := stored.flatten(); err != nil {
			return v, err
		}
	}
	switch {
	case l.decimal && l.scale == 0 && !l.binary:
		v.Kind = columnar.KindInt
	case l.decimal:
		stored.text = l.decimals(stored)
		stored.number = stored.number[:0]
	case l.uuid:
		stored.text = columnar.UUIDTexts(&stored.text)
	}
	if len(absent) > 0 {
		switch {
		case stored.dictionary != nil:
			stored.codes = spread(stored.codes, absent)
		case v.Kind == columnar.KindText || v.Kind == columnar.KindNumber:
			stored.text.Spread(absent)
		default:
			stored.number = spread(stored.number, absent)
		}
	}
	v.Text, v.Number, v.Codes, v.Dictionary = stored.text, stored.number, stored.codes, stored.dictionary
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
func (l *leafType) decimals(stored *dense) (decimals columnar.Texts) {
	for _, number := range stored.number {
		decimals.Append(columnar.AppendDecimal(nil, big.NewInt(number), l.scale))
	}
	for i := range stored.text.Len() {
		bytes := stored.text.At(i)
		number := new(big.Int).SetBytes(bytes)
		if len(bytes) > 0 && bytes[0]&0x80 != 0 {
			number.Sub(number, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
		}
		decimals.Append(columnar.AppendDecimal(nil, number, l.scale))
	}
	return decimals
}
