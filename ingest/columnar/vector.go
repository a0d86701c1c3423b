package columnar

// Kind is what the values of a vector are.
type Kind uint8

// What a vector's values are in: its texts, or its numbers.
const (
	KindText   Kind = iota // text: strings and binaries
	KindJSON               // text: objects or arrays written as JSON
	KindNumber             // text: numbers as JSON writes them, of types that 64 bits cannot hold
	KindInt                // number
	KindUint               // number: the bits of an uint64
	KindFloat              // number: the bits of a float64
	KindBool               // number: 0 or 1
	KindTime               // number: ticks since 1970
	KindDate               // number: days since 1970
)

// Vector is one column of a batch. Its bytes belong to the batch.
type Vector struct {
	Kind Kind
	Null []bool // by row; empty where no value is null
	Text Texts
	// Codes say which texts of the dictionary the values are; Text is empty then. Without a dictionary they mean nothing.
	Codes      []uint32
	Dictionary *Dictionary
	Number     []int64
	Tick       int64 // nanoseconds of a tick of KindTime
	Local      bool  // of KindTime: the clock of a place and not UTC
}

// At returns a value of text, or of the dictionary.
func (v *Vector) At(row int) []byte {
	if v.Dictionary != nil {
		return v.Dictionary.Values.At(int(v.Codes[row]))
	}
	return v.Text.At(row)
}

// IsNull tells that the row has no value.
func (v *Vector) IsNull(row int) bool { return len(v.Null) > 0 && v.Null[row] }
