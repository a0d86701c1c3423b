package warehouse

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestWatch: work that waits is ended when there is no room several times in a row, and only then.
func TestWatch(t *testing.T) {
	other := errors.New("nobody answers")
	for name, found := range map[string][]error{
		"no room": {ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom},
		"no room for long": {
			ErrNoRoom, ErrNoRoom, nil, ErrNoRoom, other, ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom,
		},
		"room": {ErrNoRoom, ErrNoRoom, ErrNoRoom, ErrNoRoom, nil},
	} {
		t.Run(name, func(t *testing.T) {
			looks := 0
			enough := make(chan struct{})
			err := watch(t.Context(), time.Millisecond, func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-enough:
					return nil
				}
			}, func(ctx context.Context) error {
				err := found[looks]
				looks++
				if looks == len(found) && !errors.Is(err, ErrNoRoom) {
					close(enough)
					<-ctx.Done()
				}
				return err
			})
			if want := found[len(found)-1]; looks != len(found) || !errors.Is(err, want) {
				t.Errorf("%d looks and %v, want %d and %v", looks, err, len(found), want)
			}
		})
	}
}
