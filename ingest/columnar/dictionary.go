package columnar

import (
	"slices"
	"sync/atomic"
)

// Dictionary are the texts of a column chunk.
type Dictionary struct {
	ID      uint64 // no other dictionary of the process has it
	Values  Texts
	longest int // bytes of the longest one
}

var dictionaries atomic.Uint64

// NewDictionary takes the texts over.
func NewDictionary(values Texts) *Dictionary {
	values.Wire = slices.Grow(values.Wire, copyStep) // which AppendCodes reads over the end
	d := &Dictionary{ID: dictionaries.Add(1), Values: values}
	for i := range values.Len() {
		d.longest = max(d.longest, len(values.At(i)))
	}
	return d
}
