package plan

import (
	"iter"
	"runtime"
	"slices"
	"sync"
)

// ChargesAtOnce is how many charges one goroutine writes at a time.
const ChargesAtOnce = 200

// writeCharges encodes charges side by side and hands the texts on in their order. A text is used again for others once
// it was taken.
func writeCharges(charges []Charge, encode func(*jsonText, []Charge), take func(text []byte) error) error {
	texts := sync.Pool{New: func() any { return new(jsonText) }}
	work := func(some []Charge) (*jsonText, error) {
		j := texts.Get().(*jsonText)
		j.text = j.text[:0]
		encode(j, some)
		return j, j.err
	}
	return SideBySide(slices.Chunk(charges, ChargesAtOnce), work, func(j *jsonText) error {
		defer texts.Put(j)
		return take(j.text)
	})
}

// SideBySide works on chunks of a list, as many at a time as there are processors, and hands the results on in the
// order of the list. It ends with the first error of either.
func SideBySide[T, R any](chunks iter.Seq[[]T], work func([]T) (R, error), take func(R) error) error {
	type answer struct {
		result R
		err    error
	}
	var underWay []chan answer
	next := func() error {
		first := <-underWay[0]
		underWay = underWay[1:]
		if first.err != nil {
			return first.err
		}
		return take(first.result)
	}
	for chunk := range chunks {
		if len(underWay) > runtime.GOMAXPROCS(0) {
			if err := next(); err != nil {
				return err
			}
		}
		done := make(chan answer, 1)
		underWay = append(underWay, done)
		go func() {
			result, err := work(chunk)
			done <- answer{result, err}
		}()
	}
	for len(underWay) > 0 {
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}
