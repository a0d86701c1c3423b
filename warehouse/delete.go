package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ErrNoRoom is returned when the warehouse's disk has too little room to take rows out.
var ErrNoRoom = errors.New("the warehouse's disk is full")

// A DELETE that waits is looked after so often, and given up after so many looks that find no room.
const (
	lookEvery = time.Second
	patience  = 5
)

// Delete runs the DELETE in the file of that name and waits until it is done. The engine puts it off while the disk has
// no room to rewrite a part in, and says nothing: that is ErrNoRoom here. It is done later, once there is room.
func (w *Warehouse) Delete(ctx context.Context, statement string, params Params) error {
	return watch(ctx, lookEvery,
		func(ctx context.Context) error { return w.Exec(ctx, statement, params) },
		func(ctx context.Context) error {
			var needed, free uint64
			err := w.eachPlace(func(_ uint32, conn driver.Conn) error {
				if needed > 0 {
					return nil
				}
				err := conn.QueryRow(ctx, text("warehouse/delete_without_room.sql")).Scan(&needed, &free)
				if errors.Is(err, sql.ErrNoRows) {
					return nil
				}
				return err
			})
			if err != nil || needed == 0 {
				return err
			}
			return fmt.Errorf("%w: removing rows takes %d kB and %d kB are free; free some space or enlarge it, then "+
				"run this again", ErrNoRoom, needed>>10, free>>10)
		})
}

// watch ends the work when the looks have found ErrNoRoom several times in a row. A look that fails otherwise finds
// nothing: the work goes on and says itself what is wrong.
func watch(ctx context.Context, every time.Duration, work, look func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for found := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if ctx.Err() != nil { // both were ready
				return
			}
			err := look(ctx)
			switch {
			case !errors.Is(err, ErrNoRoom):
				found = 0
			case found+1 == patience:
				stop(err)
				return
			default:
				found++
			}
		}
	})
	err := work(ctx)
	stop(nil)
	watching.Wait()
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrNoRoom) {
		return cause
	}
	return err
}
