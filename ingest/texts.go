package ingest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// texts are strings in the wire format of a String column: each with its length before it.
type texts struct {
	wire []byte
	ends []int // where each one ends in wire
}

func (t *texts) len() int { return len(t.ends) }

// emptied is their memory, to be used again.
func (t *texts) emptied() texts { return texts{t.wire[:0], t.ends[:0]} }

// start is where the length of a text stands.
func (t *texts) start(i int) int {
	if i == 0 {
		return 0
	}
	return t.ends[i-1]
}

// at returns a text, which is valid until its memory is used again.
func (t *texts) at(i int) []byte {
	from, end := t.start(i), t.ends[i]
	if t.wire[from] < oneByteLengths {
		return t.wire[from+1 : end : end]
	}
	_, n := binary.Uvarint(t.wire[from:end])
	return t.wire[from+n : end : end]
}

// oneByteLengths are the lengths that take one byte: those below it.
const oneByteLengths = 0x80

// between is the wire format of some of the texts.
func (t *texts) between(from, to int) []byte {
	if from == to {
		return nil
	}
	return t.wire[t.start(from):t.ends[to-1]]
}

// errWide says that the rows of a batch have more text than it may have. The reader tries fewer rows.
var errWide = fmt.Errorf("a row has more than %d bytes of text", int64(maxBatchText))

// fits returns errWide if there is more text than a batch may have.
func (t *texts) fits() error {
	if len(t.wire) <= maxBatchText {
		return nil
	}
	return errWide
}

func (t *texts) append(text []byte) {
	t.wire = append(binary.AppendUvarint(t.wire, uint64(len(text))), text...)
	t.ends = append(t.ends, len(t.wire))
}

// As many bytes are copied at once, without a call, as most names and ids have. What is copied beyond the end of a
// shorter text is overwritten by the next one.
const (
	copyStep = 16
	copyID   = 64
)

// appendPage takes n texts that stand one behind the other with lengths of four bytes, little-endian, before them. It
// returns what is behind them, and false if they are not all there.
func (t *texts) appendPage(data []byte, n int) (rest []byte, ok bool) {
	if len(data)/4 < n {
		return nil, false
	}
	wire, ends := t.wire, slices.Grow(t.ends, n)
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
	t.wire, t.ends = wire, ends
	return data, true
}

// spread moves texts apart, to the places that are not absent. What stands at the others must not be asked for.
func (t *texts) spread(absent []bool) {
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
