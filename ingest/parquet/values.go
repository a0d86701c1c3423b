package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/creditmill/creditmill/ingest/columnar"
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
	text     bool
	unsigned bool // of 4 bytes
	width    int  // bytes of a plain value; 0 for texts with lengths of their own and for truths
	read     func([]byte) int64
}

// unsignedInt32 is a physical type's reading where the column says that its values have no sign.
var unsignedInt32 = physical{
	width: 4, unsigned: true, read: func(b []byte) int64 { return int64(binary.LittleEndian.Uint32(b)) },
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
	return days*86400*int64(time.Second) + int64(binary.LittleEndian.Uint64(b)%(1<<62))
}

// dense are values that were decoded, without nulls. Texts are in text, or as long as all of them are of one
// dictionary, codes say which they are.
type dense struct {
	text       columnar.Texts
	number     []int64
	codes      []uint32
	dictionary *columnar.Dictionary // nil where text is used
}

// flatten turns codes into texts.
func (d *dense) flatten() error {
	if d.dictionary == nil {
		return nil
	}
	for _, code := range d.codes {
		if err := d.text.Fits(); err != nil {
			return err
		}
		d.text.Append(d.dictionary.Values.At(int(code)))
	}
	d.codes, d.dictionary = d.codes[:0], nil
	return nil
}

// valueDecoder reads the values of one page.
type valueDecoder struct {
	physical
	encoding   int64
	data       []byte
	indexes    *hybrid
	lengths    *delta
	prefixes   *delta
	dictionary *dense               // the values of the chunk's dictionary page; nil if it has none
	texts      *columnar.Dictionary // the same, of texts
	scratch    [1 << 11]uint32      // few enough to stay in the cache
	last       []byte               // the text before, of encodingDeltaText
	expanded   int                  // bytes that encodingDeltaText made of the page
	stride, at int                  // values and position of encodingSplit
	bit        uint
}

// begin sets the decoder on a page.
func (d *valueDecoder) begin(encoding int64, data []byte) (err error) {
	d.encoding, d.data, d.bit, d.last, d.expanded, d.at = encoding, data, 0, d.last[:0], 0, 0
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
	d.prefixes = nil
	if encoding == encodingDeltaText {
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
	if err := errors.Join(to.flatten(), to.text.Fits()); err != nil {
		return err
	}
	switch d.encoding {
	case encodingPlain:
		return d.readPlain(n, to)
	case encodingRLE:
		for n > 0 {
			truths := d.scratch[:min(n, len(d.scratch))]
			if err := d.indexes.read(truths); err != nil {
				return err
			}
			n -= len(truths)
			for _, truth := range truths {
				to.number = append(to.number, int64(truth))
			}
		}
		return nil
	case encodingDelta:
		for range n {
			number, err := d.lengths.next()
			if err != nil {
				return err
			}
			switch {
			case d.unsigned:
				number = int64(uint32(number))
			case d.width == 4:
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
		values := d.data[:n*d.width]
		d.data = d.data[n*d.width:]
		d.readFixed(values, to)
	default:
		rest, ok := to.text.AppendPage(d.data, n)
		if !ok {
			return errPage
		}
		d.data = rest
	}
	return nil
}

// readFixed reads values of one width.
func (d *valueDecoder) readFixed(values []byte, to *dense) {
	switch {
	case d.text:
		for ; len(values) > 0; values = values[d.width:] {
			to.text.Append(values[:d.width])
		}
	case d.width == 8:
		to.number = slices.Grow(to.number, len(values)/8)
		for ; len(values) >= 8; values = values[8:] {
			to.number = append(to.number, int64(binary.LittleEndian.Uint64(values)))
		}
	default:
		for ; len(values) > 0; values = values[d.width:] {
			to.number = append(to.number, d.physical.read(values))
		}
	}
}

// readDictionary appends values that are stored as indexes into the dictionary; of texts as codes, as long as they are
// all of one dictionary.
func (d *valueDecoder) readDictionary(n int, to *dense) error {
	if d.text && to.text.Len() == 0 && (len(to.codes) == 0 || to.dictionary == d.texts) {
		to.dictionary = d.texts
		before := len(to.codes)
		to.codes = slices.Grow(to.codes, n)[:before+n]
		return d.readIndexes(to.codes[before:])
	}
	if err := to.flatten(); err != nil {
		return err
	}
	for n > 0 {
		indexes := d.scratch[:min(n, len(d.scratch))]
		if err := d.readIndexes(indexes); err != nil {
			return err
		}
		n -= len(indexes)
		if d.text {
			for _, index := range indexes {
				if err := to.text.Fits(); err != nil {
					return err
				}
				to.text.Append(d.dictionary.text.At(int(index)))
			}
			continue
		}
		before := len(to.number)
		to.number = slices.Grow(to.number, len(indexes))[:before+len(indexes)]
		values, numbers := d.dictionary.number, to.number[before:]
		for i, index := range indexes {
			numbers[i] = values[index]
		}
	}
	return nil
}

// readIndexes fills out with indexes that the dictionary has.
func (d *valueDecoder) readIndexes(out []uint32) error {
	if err := d.indexes.read(out); err != nil {
		return err
	}
	largest := uint32(0)
	for _, index := range out {
		largest = max(largest, index)
	}
	if len(out) > 0 && uint64(largest) >= uint64(max(d.dictionary.text.Len(), len(d.dictionary.number))) {
		return errPage
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
		d.at++
		if d.text {
			to.text.Append(joined)
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
				d.expanded += int(prefix) + len(text)
				if d.expanded > maxPageBytes {
					return fmt.Errorf("a page's texts have more than %d bytes: write the file with smaller pages", maxPageBytes)
				}
			}
			d.last = append(d.last[:prefix], text...)
			text = d.last
		}
		if d.width > 0 && len(text) != d.width {
			return errPage
		}
		to.text.Append(text)
	}
	return nil
}
