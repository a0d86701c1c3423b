package columnar

import "hash/maphash"

// DictionaryColumn is a LowCardinality(String) column: distinct values, and for each row which it is. Value 0 is the
// empty string, as the format wants it. The values are kept from block to block, since the next block has mostly the
// same; it may carry values that no row of it uses.
type DictionaryColumn struct {
	Values  StringColumn
	entries []dictionaryEntry
	Keys    []uint32
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

// Reset empties the column; its values stay as long as they are few.
func (c *DictionaryColumn) Reset() {
	c.Keys = c.Keys[:0]
	if n := len(c.entries); n > 0 && n <= maxKeptValues {
		return
	}
	c.Values.Reset()
	c.entries = c.entries[:0]
	c.slots = make([]dictionarySlot, firstDictionarySlots)
	c.dictionaryID = 0
	c.add(nil)
}

func (c *DictionaryColumn) add(value []byte) uint32 {
	index := uint32(len(c.entries))
	c.Values.Append(value)
	end := uint32(len(c.Values.Wire))
	c.entries = append(c.entries, dictionaryEntry{end - uint32(len(value)), end})
	return index
}

// Append takes the value of the next row.
func (c *DictionaryColumn) Append(value []byte) {
	if len(value) == 0 {
		c.Keys = append(c.Keys, 0)
		return
	}
	c.Keys = append(c.Keys, c.find(value))
}

// PadTo makes rows without a text, up to so many rows in all.
func (c *DictionaryColumn) PadTo(rows int) {
	if missing := rows - len(c.Keys); missing > 0 {
		c.Keys = append(c.Keys, make([]uint32, missing)...)
	}
}

// AppendCodes takes texts of a dictionary, which are not empty. Each is looked up once.
func (c *DictionaryColumn) AppendCodes(of *Dictionary, codes []uint32) {
	if c.dictionaryID != of.ID {
		c.dictionaryID = of.ID
		c.keysOf = append(c.keysOf[:0], make([]uint32, of.Values.Len())...)
	}
	for _, code := range codes {
		key := c.keysOf[code]
		if key == 0 {
			key = c.find(of.Values.At(int(code)))
			c.keysOf[code] = key
		}
		c.Keys = append(c.Keys, key)
	}
}

// AppendTexts takes the values of the next rows.
func (c *DictionaryColumn) AppendTexts(from *Texts, first, end int) {
	for i := first; i < end; i++ {
		c.Append(from.At(i))
	}
}

// AppendSame takes one value for the next rows.
func (c *DictionaryColumn) AppendSame(value []byte, rows int) {
	key := c.find(value)
	for range rows {
		c.Keys = append(c.Keys, key)
	}
}

var slotSeed = maphash.MakeSeed()

func (c *DictionaryColumn) find(value []byte) uint32 {
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
			if string(c.Values.Wire[entry.start:entry.end]) == string(value) {
				return slot.index
			}
		}
	}
}

func (c *DictionaryColumn) grow() {
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

// At returns the value of a row.
func (c *DictionaryColumn) At(row int) string {
	entry := c.entries[c.Keys[row]]
	return string(c.Values.Wire[entry.start:entry.end])
}

// Texts are the distinct values, by key; it may have some that no row has.
func (c *DictionaryColumn) Texts() []string {
	texts := make([]string, len(c.entries))
	for key, entry := range c.entries {
		texts[key] = string(c.Values.Wire[entry.start:entry.end])
	}
	return texts
}

// Used are the values that some row has, but the empty one.
func (c *DictionaryColumn) Used() []string {
	used := make([]bool, len(c.entries))
	for _, key := range c.Keys {
		used[key] = true
	}
	var texts []string
	for key, entry := range c.entries {
		if key > 0 && used[key] {
			texts = append(texts, string(c.Values.Wire[entry.start:entry.end]))
		}
	}
	return texts
}
