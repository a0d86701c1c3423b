package event

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

// String is the number as it is shown.
func (n RowNumber) String() string { return string(appendRowName(nil, uint64(n))) }

// Line is the number of the row in its file, from 1, also of an element of a row.
func (n RowNumber) Line() uint64 { return PlaceInFile(uint64(n)) >> elementBits }

// Within is the row's number counted from the line that is the first one of an object within its file.
func (n RowNumber) Within(first uint64) RowNumber { return RowNumber(moved(uint64(n), 1-first)) }

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

// PlaceInFile orders rows and elements as they stand in the file.
func PlaceInFile(number uint64) uint64 {
	if number < firstElement {
		return number << elementBits
	}
	return number - firstElement
}

// Lines are the lines that the rows stand in: as many as there are rows, unless rows are elements.
func (t *Tally) Lines() uint64 { return t.RowsRead - t.surplus }

// number is that of the row under way.
func (b *Block) number() uint64 {
	if !b.inElements {
		return b.Lines()
	}
	return firstElement + b.Lines()<<elementBits + b.element
}

// BeginElements goes on to a line whose elements are rows.
func (b *Block) BeginElements() {
	b.inElements, b.element = true, 0
	b.surplus-- // the line counts, with no row yet; it is a difference and may be below 0 between additions
}

// NextElement counts a row that is an element.
func (b *Block) NextElement() {
	b.RowsRead++
	b.surplus++
	b.element = min(b.element+1, maxElements)
}

// EndElements goes back to lines that are rows.
func (b *Block) EndElements() { b.inElements = false }

// moved returns the number of a row that has so many more lines before it.
func moved(number, lines uint64) uint64 {
	if number < firstElement {
		return number + lines
	}
	return number + lines<<elementBits
}
