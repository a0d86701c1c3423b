package columnar

import (
	"encoding/binary"
	"slices"
)

// Texts are strings in the wire format of a String column: each with its length before it.
type Texts struct {
	Wire []byte
	ends []int // where each one ends in wire
}

// Len is how many there are.
func (t *Texts) Len() int { return len(t.ends) }

// Emptied is their memory, to be used again.
func (t *Texts) Emptied() Texts { return Texts{t.Wire[:0], t.ends[:0]} }

// start is where the length of a text stands.
func (t *Texts) start(i int) int {
	if i == 0 {
		return 0
	}
	return t.ends[i-1]
}

// At returns a text, which is valid until its memory is used again.
func (t *Texts) At(i int) []byte {
	from, end := t.start(i), t.ends[i]
	if t.Wire[from] < oneByteLengths {
		return t.Wire[from+1 : end : end]
	}
	_, n := binary.Uvarint(t.Wire[from:end])
	return t.Wire[from+n : end : end]
}

// oneByteLengths are the lengths that take one byte: those below it.
const oneByteLengths = 0x80

// between is the wire format of some of the texts.
func (t *Texts) between(from, to int) []byte {
	if from == to {
		return nil
	}
	return t.Wire[t.start(from):t.ends[to-1]]
}

// Fits returns ErrWide if there is more text than a batch may have.
func (t *Texts) Fits() error {
	if len(t.Wire) <= MaxBatchText {
		return nil
	}
	return ErrWide
}

// Append adds a text, whose bytes are copied.
func (t *Texts) Append(text []byte) {
	t.Wire = append(binary.AppendUvarint(t.Wire, uint64(len(text))), text...)
	t.ends = append(t.ends, len(t.Wire))
}

// As many bytes are copied at once, without a call, as most names and ids have. What is copied beyond the end of a
// shorter text is overwritten by the next one.
const (
	copyStep = 16
	copyID   = 64
)

// AppendPage takes n texts that stand one behind the other with lengths of four bytes, little-endian, before them. It
// returns what is behind them, and false if they are not all there.
func (t *Texts) AppendPage(data []byte, n int) (rest []byte, ok bool) {
	if len(data)/4 < n {
		return nil, false
	}
	wire, ends := t.Wire, slices.Grow(t.ends, n)
	for range n {
		if len(data) < 4 {
			return nil, false
		}
		stored := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if uint64(stored) > uint64(len(data)) {
			return nil, false
		}
		length, at := int(stored), len(wire)
		if length <= copyID && len(data) >= copyID && at+1+copyID <= cap(wire) {
			wire = wire[:at+1+copyID]
			wire[at] = byte(length)
			*(*[copyID]byte)(wire[at+1:]) = [copyID]byte(data)
			wire = wire[:at+1+length]
		} else {
			wire = append(binary.AppendUvarint(wire, uint64(length)), data[:length]...)
		}
		data = data[length:]
		ends = append(ends, len(wire))
	}
	t.Wire, t.ends = wire, ends
	return data, true
}

// Spread moves texts apart, to the places that are not absent. What stands at the others must not be asked for.
func (t *Texts) Spread(absent []bool) {
	from := len(t.ends) - 1
	t.ends = slices.Grow(t.ends, len(absent)-len(t.ends))[:len(absent)]
	for to := len(absent) - 1; to >= 0; to-- {
		if from < 0 {
			t.ends[to] = 0
			continue
		}
		t.ends[to] = t.ends[from]
		if !absent[to] {
			from--
		}
	}
}
