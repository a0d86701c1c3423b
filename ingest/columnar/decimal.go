package columnar

import (
	"encoding/hex"
	"fmt"
	"math/big"
)

// maxDecimalScale bounds the zeros that a decimal is written with.
const maxDecimalScale = 100

// AppendDecimal writes number × 10^-scale.
func AppendDecimal(text []byte, number *big.Int, scale int32) []byte {
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

// UUIDTexts writes UUIDs as texts.
func UUIDTexts(ids *Texts) (written Texts) {
	for i := range ids.Len() {
		written.Append(uuidText(ids.At(i)))
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
