package money

import (
	"math/bits"
	"strconv"

	"github.com/shopspring/decimal"
)

// powers are those of ten that fit a word.
var powers = func() (list [20]uint64) {
	power := uint64(1)
	for i := range list {
		list[i] = power
		power *= 10
	}
	return list
}()

// Append appends what d.String() returns. It is made for writing very many amounts: those of up to 128 bits, with up to
// 19 digits after the point, need no memory beside dst.
func Append(dst []byte, d decimal.Decimal) []byte {
	places := -int(d.Exponent())
	if places < 0 || places >= len(powers) || bits.UintSize != 64 {
		return append(dst, d.String()...)
	}
	coefficient := d.Coefficient()
	words := coefficient.Bits()
	var high, low uint64
	switch len(words) {
	case 0:
		return append(dst, '0')
	case 2:
		high = uint64(words[1])
		fallthrough
	case 1:
		low = uint64(words[0])
	default:
		return append(dst, d.String()...)
	}
	if high >= powers[places] { // the whole part has more than 64 bits
		return append(dst, d.String()...)
	}
	whole, fraction := bits.Div64(high, low, powers[places])
	if coefficient.Sign() < 0 {
		dst = append(dst, '-')
	}
	dst = strconv.AppendUint(dst, whole, 10)
	if fraction == 0 {
		return dst
	}
	for fraction%10 == 0 {
		fraction /= 10
		places--
	}
	dst = append(dst, '.')
	for fraction < powers[places-1] {
		dst = append(dst, '0')
		places--
	}
	return strconv.AppendUint(dst, fraction, 10)
}
