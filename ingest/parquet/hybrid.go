package parquet

import (
	"encoding/binary"
	"errors"
)

var errPage = errors.New("a page is damaged")

// hybrid reads Parquet's mix of runs and bit-packed groups: levels, and indexes into a dictionary.
type hybrid struct {
	data    []byte
	width   uint
	value   uint32 // of the run
	repeats int    // left of the run
	packed  int    // values left of the groups
	bits    []byte // the groups
	at      uint   // the next value's first bit
}

func newHybrid(data []byte, width uint) (*hybrid, error) {
	if width > 32 {
		return nil, errPage
	}
	return &hybrid{data: data, width: width}, nil
}

// read fills out, or returns an error.
func (h *hybrid) read(out []uint32) error {
	for len(out) > 0 {
		switch {
		case h.repeats > 0:
			n := min(h.repeats, len(out))
			for i := range out[:n] {
				out[i] = h.value
			}
			h.repeats -= n
			out = out[n:]
		case h.packed > 0:
			n := min(h.packed, len(out))
			if err := h.unpack(out[:n]); err != nil {
				return err
			}
			h.packed -= n
			out = out[n:]
		default:
			if err := h.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// next reads the head of a run or of groups.
func (h *hybrid) next() error {
	head, n := binary.Uvarint(h.data)
	if n <= 0 || head>>1 == 0 || head>>1 > 1<<31 {
		return errPage
	}
	h.data = h.data[n:]
	if head&1 == 0 {
		size := int(h.width+7) / 8
		if len(h.data) < size {
			return errPage
		}
		h.value = 0
		for i, b := range h.data[:size] {
			h.value |= uint32(b) << (8 * i)
		}
		h.data, h.repeats = h.data[size:], int(head>>1)
		return nil
	}
	size := min((head>>1)*uint64(h.width), uint64(len(h.data))) // the last group may be cut short
	h.bits, h.data = h.data[:size], h.data[size:]
	h.at, h.packed = 0, int(head>>1)*8
	return nil
}

func (h *hybrid) unpack(out []uint32) error {
	if h.width == 0 {
		clear(out)
		return nil
	}
	if (h.at+uint(len(out))*h.width+7)/8 > uint(len(h.bits)) {
		return errPage
	}
	mask := uint64(1)<<h.width - 1
	at, width, bits := h.at, h.width, h.bits
	for i := range out {
		var word uint64
		if first := at >> 3; first+8 <= uint(len(bits)) {
			word = binary.LittleEndian.Uint64(bits[first:])
		} else {
			var last [8]byte
			copy(last[:], bits[first:])
			word = binary.LittleEndian.Uint64(last[:])
		}
		out[i] = uint32(word >> (at & 7) & mask)
		at += width
	}
	h.at = at
	return nil
}

// delta reads integers that are stored as packed differences.
type delta struct {
	data      []byte
	left      int // values that are not read yet
	value     int64
	first     bool   // value is returned as it is
	perMini   int    // values of a part of a block
	minis     int    // parts of a block
	widths    []byte // of the block's parts
	mini      int    // the part under way
	miniLeft  int
	least     int64 // the block's smallest difference
	bits      []byte
	at, valid uint
}

const maxDeltaBlock = 1 << 20

func newDelta(data []byte) (*delta, error) {
	d := &delta{data: data, first: true}
	var head [3]uint64
	for i := range head {
		var n int
		if head[i], n = binary.Uvarint(d.data); n <= 0 {
			return nil, errPage
		}
		d.data = d.data[n:]
	}
	value, n := binary.Varint(d.data)
	if n <= 0 || head[0] == 0 || head[0] > maxDeltaBlock || head[1] == 0 || head[1] > head[0] ||
		head[0]%head[1] != 0 || head[0]/head[1]%8 != 0 || head[2] > 1<<31 {
		return nil, errPage
	}
	d.data, d.value = d.data[n:], value
	d.minis, d.perMini, d.left = int(head[1]), int(head[0]/head[1]), int(head[2])
	d.mini = d.minis
	return d, nil
}

// next returns the next value.
func (d *delta) next() (int64, error) {
	if d.left == 0 {
		return 0, errPage
	}
	if d.first {
		d.first = false
		d.left--
		return d.value, nil
	}
	if d.miniLeft == 0 {
		if err := d.nextMini(); err != nil {
			return 0, err
		}
	}
	var difference uint64
	for got := uint(0); got < d.valid; {
		take := min(8-d.at&7, d.valid-got)
		bits := uint64(d.bits[d.at>>3]>>(d.at&7)) & (1<<take - 1)
		difference |= bits << got
		got += take
		d.at += take
	}
	d.miniLeft--
	d.left--
	d.value += d.least + int64(difference)
	return d.value, nil
}

// nextMini goes on to the block's next part, or to the next block.
func (d *delta) nextMini() error {
	d.mini++
	if d.mini >= d.minis {
		least, n := binary.Varint(d.data)
		if n <= 0 || len(d.data) < n+d.minis {
			return errPage
		}
		d.least, d.widths, d.data = least, d.data[n:n+d.minis], d.data[n+d.minis:]
		d.mini = 0
	}
	d.valid = uint(d.widths[d.mini])
	size := d.perMini / 8 * int(d.valid)
	if d.valid > 64 || len(d.data) < size {
		return errPage
	}
	d.bits, d.data = d.data[:size], d.data[size:]
	d.at, d.miniLeft = 0, d.perMini
	return nil
}

// rest reads over the values and returns what stands behind them.
func (d *delta) rest() ([]byte, error) {
	for d.left > 0 {
		if d.first {
			d.first = false
			d.left--
			continue
		}
		if err := d.nextMini(); err != nil {
			return nil, err
		}
		d.left -= min(d.left, d.perMini)
	}
	return d.data, nil
}
