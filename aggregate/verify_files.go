package aggregate

import (
	"context"
	"errors"
	"fmt"

	"github.com/creditmill/creditmill/warehouse"
)

// VerifyFiles looks whether all rows are there that were stored; deep also reads every file against its checksum and
// makes the hash of every event's id again. begin is called before each check with its name and the rows to look at, 0
// where they are not known.
func (a *Aggregator) VerifyFiles(
	ctx context.Context, deep bool, begin func(check string, rows uint64),
) ([]Check, error) {
	begin("tables", 0)
	tables := NewCheck("tables")
	if err := a.lookAtTables(ctx, &tables); err != nil {
		return nil, fmt.Errorf("verify tables: %w", err)
	}
	checks := []Check{tables}
	if !deep {
		return checks, nil
	}
	files := NewCheck("files")
	begin("files", 0)
	err := a.warehouse.CheckFiles(ctx, func(string) {}, func(part warehouse.PartFiles) {
		files.LookedAt++
		switch {
		case part.Problem == "":
		case part.Part == "":
			files.Problem("%s: %s", part.Table, part.Problem)
		default:
			files.Problem("%s, part %s: %s", part.Table, part.Part, part.Problem)
		}
	})
	if err != nil {
		return checks, fmt.Errorf("verify files: %w", err)
	}
	checks = append(checks, files)
	hashes := NewCheck("hashes")
	v := verifier{Aggregator: a}
	counts, err := v.counts(ctx)
	if err != nil {
		return checks, err
	}
	hashes.LookedAt = counts.Events + counts.Duplicates
	begin("hashes", hashes.LookedAt)
	if err := v.hashes(ctx, &hashes); err != nil {
		return checks, fmt.Errorf("verify hashes: %w", err)
	}
	return append(checks, hashes), nil
}

// lookAtTables counts every table, and says which have lost rows.
func (a *Aggregator) lookAtTables(ctx context.Context, check *Check) error {
	check.LookedAt = warehouse.StoredTables()
	err := a.warehouse.CountAll(ctx)
	var damaged *warehouse.DamagedError
	if errors.As(err, &damaged) {
		for _, damage := range damaged.Damage {
			check.Problem("%s", damage)
		}
		return nil
	}
	if errors.Is(err, warehouse.ErrDamaged) {
		check.Problem("%v", err)
		return nil
	}
	return err
}

// hashes looks for events whose id is not the one that was written.
func (v *verifier) hashes(ctx context.Context, check *Check) error {
	type row struct {
		Table     string `ch:"table_name"`
		LoadSeq   uint64 `ch:"load_seq"`
		RowNumber uint64 `ch:"row_number"`
		EventID   string `ch:"event_id"`
	}
	changed, err := warehouse.Select[row](ctx, v.warehouse, "aggregate/verify_id_hashes.sql",
		warehouse.Params{"most": most})
	if err != nil {
		return err
	}
	for _, r := range changed {
		check.Problem("%s: ld_%d row %d: the hash is not that of event_id %q: one of the two has changed",
			r.Table, r.LoadSeq, r.RowNumber, r.EventID)
	}
	return nil
}
