package ingest

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// nameColumn is a column of texts, whichever way it goes over the wire.
type nameColumn interface {
	append(value []byte)
	appendSame(value []byte, rows int)
	appendTexts(from *texts, first, end int)
	appendCodes(of *dictionary, codes []uint32)
}

// stringColumn is a String column in wire format: each value with its length before it.
type stringColumn struct {
	wire []byte
	rows int
}

func (c *stringColumn) append(value []byte) {
	c.wire = binary.AppendUvarint(c.wire, uint64(len(value)))
	c.wire = append(c.wire, value...)
	c.rows++
}

// appendSame takes one value for the next rows.
func (c *stringColumn) appendSame(value []byte, rows int) {
	for range rows {
		c.append(value)
	}
}

// appendTexts takes texts as they are on the wire already.
func (c *stringColumn) appendTexts(from *texts, first, end int) {
	c.wire = append(c.wire, from.between(first, end)...)
	c.rows += end - first
}

// trade takes all texts and gives its own memory for theirs. The column must be empty.
func (c *stringColumn) trade(from *texts) {
	c.rows += from.len()
	c.wire, from.wire = from.wire, c.wire[:0]
	from.ends = from.ends[:0]
}

// appendCodes takes texts of a dictionary.
func (c *stringColumn) appendCodes(of *dictionary, codes []uint32) {
	c.rows += len(codes)
	if of.longest >= oneByteLengths {
		for _, code := range codes {
			c.wire = append(c.wire, of.values.between(int(code), int(code)+1)...)
		}
		return
	}
	at := len(c.wire)
	wire := slices.Grow(c.wire, len(codes)*(1+of.longest)+copyStep)
	wire = wire[:cap(wire)]
	values := of.values.wire[:len(of.values.wire)+copyStep]
	for _, code := range codes {
		from, end := of.values.start(int(code)), of.values.ends[code]
		for ; from < end; from += copyStep {
			*(*[copyStep]byte)(wire[at:]) = [copyStep]byte(values[from:])
			at += copyStep
		}
		at -= from - end
	}
	c.wire = wire[:at]
}

// appendEmpty takes empty values for the next rows.
func (c *stringColumn) appendEmpty(rows int) {
	c.wire = append(c.wire, make([]byte, rows)...)
	c.rows += rows
}

func (c *stringColumn) reset() { c.wire, c.rows = c.wire[:0], 0 }

// dictionaryColumn is a LowCardinality(String) column: distinct values, and for each row which it is. Value 0 is the
// empty string, as the format wants it. The values are kept from block to block, since the next block has mostly the
// same; it may carry values that no row of it uses.
type dictionaryColumn struct {
	values  stringColumn
	entries []dictionaryEntry
	keys    []uint32
	slots   []dictionarySlot // open addressing by hash
	// keysOf says which value each text of the dictionary with the id is; 0 where that is not known yet.
	keysOf       []uint32
	dictionaryID uint64
}

// dictionaryEntry is where a value's bytes are in values.wire.
type dictionaryEntry struct{ start, end uint32 }

// dictionarySlot is a value's place in the hash table; index 0 is a free slot.
type dictionarySlot struct{ hash, index uint32 }

const (
	firstDictionarySlots = 1 << 10
	// maxKeptValues is how large a dictionary may be to be kept: more, and sending it costs more than it saves.
	maxKeptValues = 1 << 15
)

func (c *dictionaryColumn) reset() {
	c.keys = c.keys[:0]
	if n := len(c.entries); n > 0 && n <= maxKeptValues {
		return
	}
	c.values.reset()
	c.entries = c.entries[:0]
	c.slots = make([]dictionarySlot, firstDictionarySlots)
	c.dictionaryID = 0
	c.add(nil)
}

func (c *dictionaryColumn) add(value []byte) uint32 {
	index := uint32(len(c.entries))
	c.values.append(value)
	end := uint32(len(c.values.wire))
	c.entries = append(c.entries, dictionaryEntry{end - uint32(len(value)), end})
	return index
}

// append takes the value of the next row.
func (c *dictionaryColumn) append(value []byte) {
	c.keys = append(c.keys, c.find(value))
}

// appendCodes takes texts of a dictionary, which are not empty. Each is looked up once.
func (c *dictionaryColumn) appendCodes(of *dictionary, codes []uint32) {
	if c.dictionaryID != of.id {
		c.dictionaryID = of.id
		c.keysOf = append(c.keysOf[:0], make([]uint32, of.values.len())...)
	}
	for _, code := range codes {
		key := c.keysOf[code]
		if key == 0 {
			key = c.find(of.values.at(int(code)))
			c.keysOf[code] = key
		}
		c.keys = append(c.keys, key)
	}
}

// appendTexts takes the values of the next rows.
func (c *dictionaryColumn) appendTexts(from *texts, first, end int) {
	for i := first; i < end; i++ {
		c.append(from.at(i))
	}
}

// appendSame takes one value for the next rows.
func (c *dictionaryColumn) appendSame(value []byte, rows int) {
	key := c.find(value)
	for range rows {
		c.keys = append(c.keys, key)
	}
}

var slotSeed = maphash.MakeSeed()

func (c *dictionaryColumn) find(value []byte) uint32 {
	mask := uint32(len(c.slots) - 1)
	hash := uint32(maphash.Bytes(slotSeed, value))
	for at := hash & mask; ; at = (at + 1) & mask {
		slot := c.slots[at]
		if slot.index == 0 {
			index := c.add(value)
			c.slots[at] = dictionarySlot{hash, index}
			if len(c.entries)*2 > len(c.slots) {
				c.grow()
			}
			return index
		}
		if slot.hash == hash {
			entry := c.entries[slot.index]
			if string(c.values.wire[entry.start:entry.end]) == string(value) {
				return slot.index
			}
		}
	}
}

func (c *dictionaryColumn) grow() {
	old := c.slots
	c.slots = make([]dictionarySlot, 4*len(old))
	mask := uint32(len(c.slots) - 1)
	for _, slot := range old {
		if slot.index == 0 {
			continue
		}
		at := slot.hash & mask
		for c.slots[at].index != 0 {
			at = (at + 1) & mask
		}
		c.slots[at] = slot
	}
}
