package ingest

import "strconv"

// A row's number is its line's place in the file. The rows that are made of a line's elements have numbers behind
// firstElement that hold the line and the element's place in it, in the order of the file: they are exact as float64
// too, which programs make of the numbers in JSON.
const (
	firstElement = 1 << 52
	elementBits  = 20
	maxElements  = 1<<elementBits - 1
)

// RowNumber is a row's number as it is shown: 12, or 12.3 for the third element of line 12.
type RowNumber uint64

func (n RowNumber) String() string { return string(appendRowName(nil, uint64(n))) }

// MarshalJSON writes the number, or for an element a string: as a number 12.3 would be 12.30 too.
func (n RowNumber) MarshalJSON() ([]byte, error) {
	if n < firstElement {
		return appendRowName(nil, uint64(n)), nil
	}
	return []byte(strconv.Quote(n.String())), nil
}

func appendRowName(text []byte, number uint64) []byte {
	if number < firstElement {
		return strconv.AppendUint(text, number, 10)
	}
	line, element := (number-firstElement)>>elementBits, number&maxElements
	return strconv.AppendUint(append(strconv.AppendUint(text, line, 10), '.'), element, 10)
}

// placeInFile orders rows and elements as they stand in the file.
func placeInFile(number uint64) uint64 {
	if number < firstElement {
		return number << elementBits
	}
	return number - firstElement
}

// lines are the lines that the rows stand in: as many as there are rows, unless rows are elements.
func (t *tally) lines() uint64 { return t.rowsRead - t.surplus }

// number is that of the row under way.
func (b *block) number() uint64 {
	if !b.inElements {
		return b.lines()
	}
	return firstElement + b.lines()<<elementBits + b.element
}

// beginElements goes on to a line whose elements are rows.
func (b *block) beginElements() {
	b.inElements, b.element = true, 0
	b.surplus-- // the line counts, with no row yet; it is a difference and may be below 0 between additions
}

// nextElement counts a row that is an element.
func (b *block) nextElement() {
	b.rowsRead++
	b.surplus++
	b.element = min(b.element+1, maxElements)
}

func (b *block) endElements() { b.inElements = false }

// moved returns the number of a row that has so many more lines before it.
func moved(number, lines uint64) uint64 {
	if number < firstElement {
		return number + lines
	}
	return number + lines<<elementBits
}
