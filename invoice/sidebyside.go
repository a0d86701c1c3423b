package invoice

import (
	"iter"
	"runtime"
)

// chargesAtOnce is how many charges one goroutine writes at a time.
const chargesAtOnce = 200

// sideBySide works on chunks of a list, as many at a time as there are processors, and hands the results on in the
// order of the list. It ends with the first error of either.
func sideBySide[T, R any](chunks iter.Seq[[]T], work func([]T) (R, error), take func(R) error) error {
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
