package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// AcceptLoss takes what is stored now as all that there must be, and returns what was missing: for one who has no
// backup. What can be had again otherwise (rows of a load, figures) or is beside the table (a part that is set aside)
// is not accepted: the *DamagedError says what to do. The caller holds the writers' lock. Killed in between, it is
// called again.
func (w *Warehouse) AcceptLoss(ctx context.Context) ([]Damage, error) {
	err := w.CountAll(ctx)
	var damaged *DamagedError
	if !errors.As(err, &damaged) {
		return nil, err
	}
	if slices.ContainsFunc(damaged.Damage, func(d Damage) bool { return d.Of != "" || d.SetAside != "" }) {
		return nil, err
	}
	for _, copied := range []string{"warehouse/clear_expected_rows.sql", "warehouse/clear_expected_rows_copy.sql"} {
		if err := w.Exec(ctx, copied, nil); err != nil {
			return nil, fmt.Errorf("forget what must be stored: %w", err)
		}
	}
	all := Params{}
	var names []string
	for _, table := range storedTables {
		all[table.name] = true
		names = append(names, table.name)
	}
	parts, err := w.tableParts(ctx)
	if err != nil {
		return nil, err
	}
	counted, _, err := w.countTables(ctx, all, record{})
	if err != nil {
		return nil, err
	}
	return damaged.Damage, w.recordCount(ctx, record{}, names, counted, parts)
}
