package ingest

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
)

// The encodings of values.
const (
	encodingPlain           = 0
	encodingPlainDictionary = 2
	encodingRLE             = 3
	encodingBitPacked       = 4
	encodingDelta           = 5
	encodingDeltaLength     = 6
	encodingDeltaText       = 7
	encodingDictionary      = 8
	encodingSplit           = 9
)

// physical is how the values of a column are stored: as texts, or as numbers of a width.
type physical struct {
	text  bool
	width int // bytes of a plain value; 0 for texts with lengths of their own and for truths
	read  func([]byte) int64
}

// The physical types, by their numbers.
var physicalTypes = [...]physical{
	0: {},
	1: {width: 4, read: func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) }},
	2: {width: 8, read: func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }},
	3: {width: 12, read: readInt96},
	4: {width: 4, read: func(b []byte) int64 {
		return int64(math.Float64bits(float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))))
	}},
	5: {width: 8, read: func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }},
	6: {text: true},
	7: {text: true}, // its width is the column's
}

const (
	physicalBoolean = 0
	physicalInt32   = 1
	physicalInt64   = 2
	physicalInt96   = 3
	physicalFixed   = 7
)

// readInt96 reads a time as nanoseconds since 1970 and the number of a day, as Impala and Spark write it.
func readInt96(b []byte) int64 {
	const julian1970 = 2_440_588
	days := int64(binary.LittleEndian.Uint32(b[8:])) - julian1970
	if days < -100_000 || days > 100_000 { // far outside of what an event's time may be
		return math.MaxInt64
	}
	return days*86400*second + int64(binary.LittleEndian.Uint64(b)%(1<<62))
}

// dense are values that were decoded, without nulls. Texts are in text, or as long as all of them are of one
// dictionary, codes say which they are.
type dense struct {
	text       [][]byte
	number     []int64
	codes      []uint32
	dictionary *dictionary // nil where text is used
}

// dictionary are the texts of a column chunk.
type dictionary struct {
	id     uint64 // no other dictionary of the process has it
	values [][]byte
	plain  []bool // which of them are names as they stand
	// allPlain tells that all of them are.
	allPlain bool
	longest  int // bytes of the longest one
}

var dictionaries atomic.Uint64

func newDictionary(values [][]byte) *dictionary {
	d := &dictionary{id: dictionaries.Add(1), values: values, plain: make([]bool, len(values)), allPlain: true}
	for i, value := range values {
		d.plain[i] = isPlainName(value)
		d.allPlain = d.allPlain && d.plain[i]
		d.longest = max(d.longest, len(value))
	}
	return d
}

// flatten turns codes into texts.
func (d *dense) flatten() {
	if d.dictionary == nil {
		return
	}
	for _, code := range d.codes {
		d.text = append(d.text, d.dictionary.values[code])
	}
	d.codes, d.dictionary = d.codes[:0], nil
}

// valueDecoder reads the values of one page.
type valueDecoder struct {
	physical
	encoding   int64
	data       []byte
	indexes    *hybrid
	lengths    *delta
	prefixes   *delta
	dictionary *dense      // the values of the chunk's dictionary page; nil if it has none
	texts      *dictionary // the same, of texts
	scratch    []uint32
	last       []byte // the text before, of encodingDeltaText
	expanded   int    // bytes that encodingDeltaText made of the page
	stride, at int    // values and position of encodingSplit
	bit        uint
}

// begin sets the decoder on a page.
func (d *valueDecoder) begin(encoding int64, data []byte) (err error) {
	d.encoding, d.data, d.bit, d.last, d.expanded, d.at = encoding, data, 0, nil, 0, 0
	switch encoding {
	case encodingPlain:
		return nil
	case encodingPlainDictionary, encodingDictionary:
		if d.dictionary == nil {
			return errPage
		}
		if len(data) == 0 {
			data = []byte{0}
		}
		d.indexes, err = newHybrid(data[1:], uint(data[0]))
		return err
	case encodingRLE:
		if d.text || d.width != 0 || len(data) < 4 {
			return errPage
		}
		d.indexes, err = newHybrid(data[4:], 1)
		return err
	case encodingDelta:
		if d.text {
			return errPage
		}
		d.lengths, err = newDelta(data)
		return err
	case encodingDeltaLength, encodingDeltaText:
		if !d.text {
			return errPage
		}
		return d.beginDeltaText(encoding, data)
	case encodingSplit:
		if d.width == 0 || len(data)%d.width != 0 {
			return errPage
		}
		d.stride = len(data) / d.width
		return nil
	}
	return fmt.Errorf("the encoding with number %d is not read", encoding)
}

// beginDeltaText finds the texts behind the lengths, and the lengths behind the prefixes.
func (d *valueDecoder) beginDeltaText(encoding int64, data []byte) error {
	skip := func() (*delta, error) {
		lengths, err := newDelta(data)
		if err != nil {
			return nil, err
		}
		over := *lengths
		data, err = over.rest()
		return lengths, err
	}
	var err error
	if d.prefixes = nil; encoding == encodingDeltaText {
		if d.prefixes, err = skip(); err != nil {
			return err
		}
	}
	d.lengths, err = skip()
	d.data = data
	return err
}

// read appends n values.
func (d *valueDecoder) read(n int, to *dense) error {
	if d.encoding == encodingPlainDictionary || d.encoding == encodingDictionary {
		return d.readDictionary(n, to)
	}
	to.flatten()
	switch d.encoding {
	case encodingPlain:
		return d.readPlain(n, to)
	case encodingRLE:
		if cap(d.scratch) < n {
			d.scratch = make([]uint32, n)
		}
		if err := d.indexes.read(d.scratch[:n]); err != nil {
			return err
		}
		for _, truth := range d.scratch[:n] {
			to.number = append(to.number, int64(truth))
		}
		return nil
	case encodingDelta:
		for range n {
			number, err := d.lengths.next()
			if err != nil {
				return err
			}
			if d.width == 4 {
				number = int64(int32(number))
			}
			to.number = append(to.number, number)
		}
		return nil
	case encodingSplit:
		return d.readSplit(n, to)
	}
	return d.readDeltaText(n, to)
}

func (d *valueDecoder) readPlain(n int, to *dense) error {
	switch {
	case !d.text && d.width == 0:
		if (d.bit+uint(n)+7)/8 > uint(len(d.data)) {
			return errPage
		}
		for range n {
			to.number = append(to.number, int64(d.data[d.bit>>3]>>(d.bit&7)&1))
			d.bit++
		}
	case d.width > 0:
		if len(d.data)/d.width < n {
			return errPage
		}
		for range n {
			if d.text {
				to.text = append(to.text, d.data[:d.width:d.width])
			} else {
				to.number = append(to.number, d.read1())
			}
			d.data = d.data[d.width:]
		}
	default:
		for range n {
			if len(d.data) < 4 {
				return errPage
			}
			length := uint64(binary.LittleEndian.Uint32(d.data))
			if length > uint64(len(d.data)-4) {
				return errPage
			}
			to.text = append(to.text, d.data[4:4+length:4+length])
			d.data = d.data[4+length:]
		}
	}
	return nil
}

func (d *valueDecoder) read1() int64 {
	switch d.width {
	case 8:
		return int64(binary.LittleEndian.Uint64(d.data))
	default:
		return d.physical.read(d.data)
	}
}

func (d *valueDecoder) readDictionary(n int, to *dense) error {
	if cap(d.scratch) < n {
		d.scratch = make([]uint32, n)
	}
	indexes := d.scratch[:n]
	if err := d.indexes.read(indexes); err != nil {
		return err
	}
	size := uint32(max(len(d.dictionary.text), len(d.dictionary.number)))
	for _, index := range indexes {
		if index >= size {
			return errPage
		}
	}
	switch {
	case d.text && len(to.text) == 0 && (len(to.codes) == 0 || to.dictionary == d.texts):
		to.dictionary = d.texts
		to.codes = append(to.codes, indexes...)
		return nil
	case d.text:
		to.flatten()
		for _, index := range indexes {
			to.text = append(to.text, d.dictionary.text[index])
		}
		return nil
	}
	for _, index := range indexes {
		to.number = append(to.number, d.dictionary.number[index])
	}
	return nil
}

// readSplit reads values whose first bytes stand together, then their second ones, and so on.
func (d *valueDecoder) readSplit(n int, to *dense) error {
	if d.stride-d.at < n {
		return errPage
	}
	for range n {
		joined := make([]byte, d.width)
		for i := range joined {
			joined[i] = d.data[i*d.stride+d.at]
		}
		if d.at++; d.text {
			to.text = append(to.text, joined)
		} else {
			to.number = append(to.number, d.physical.read(joined))
		}
	}
	return nil
}

// readDeltaText reads texts that stand behind their lengths, where d.prefixes is set without the beginning that they
// share with the text before.
func (d *valueDecoder) readDeltaText(n int, to *dense) error {
	for range n {
		length, err := d.lengths.next()
		if err != nil || length < 0 || length > int64(len(d.data)) {
			return errPage
		}
		text := d.data[:length:length]
		d.data = d.data[length:]
		if d.prefixes != nil {
			prefix, err := d.prefixes.next()
			if err != nil || prefix < 0 || prefix > int64(len(d.last)) {
				return errPage
			}
			if prefix > 0 {
				if d.expanded += int(prefix) + len(text); d.expanded > maxPageBytes {
					return fmt.Errorf("a page's texts have more than %d bytes: write the file with smaller pages", maxPageBytes)
				}
				text = append(d.last[:prefix:prefix], text...)
			}
			d.last = text
		}
		if d.width > 0 && len(text) != d.width {
			return errPage
		}
		to.text = append(to.text, text)
	}
	return nil
}
