package main

import (
	"context"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/warehouse"
)

// lockWriter takes the writer lock and clears away what a killed load left behind. It waits for loads that commit, and
// for nothing else: ErrLocked names the process that holds the lock.
func (a *app) lockWriter(ctx context.Context, w *warehouse.Warehouse) (release func(), err error) {
	free, err := w.Lock(ctx, warehouse.WriterLock)
	if err != nil {
		return nil, err
	}
	if err := ingest.Recover(ctx, w, a.now); err != nil {
		free()
		return nil, err
	}
	return func() {
		a.recordWritten(ctx, w)
		free()
	}, nil
}

// warehouseToWrite opens the warehouse, as a.warehouse does, with the writers' lock held.
func (a *app) warehouseToWrite(ctx context.Context) (w *warehouse.Warehouse, release func(), err error) {
	if w, err = a.warehouse(ctx); err != nil {
		return nil, nil, err
	}
	if release, err = a.lockWriter(ctx, w); err != nil {
		return nil, nil, err
	}
	return w, release, nil
}
