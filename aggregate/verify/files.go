package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Files looks whether all rows are there that were stored; deep also reads every file against its checksum and
// makes the hash of every event's id again. begin is called before each check with its name and the rows to look at, 0
// where they are not known.
func Files(
	ctx context.Context, w *warehouse.Warehouse, deep bool, begin func(check string, rows uint64),
) ([]findings.Check, error) {
	begin("tables", 0)
	tables := findings.New("tables")
	if err := lookAtTables(ctx, w, &tables); err != nil {
		return nil, fmt.Errorf("verify tables: %w", err)
	}
	checks := []findings.Check{tables}
	if !deep {
		return checks, nil
	}
	files := findings.New("files")
	begin("files", 0)
	err := w.CheckFiles(ctx, func(string) {}, func(part warehouse.PartFiles) {
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
	hashes := findings.New("hashes")
	v := verifier{warehouse: w}
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
func lookAtTables(ctx context.Context, w *warehouse.Warehouse, check *findings.Check) error {
	check.LookedAt = warehouse.StoredTables()
	err := w.CountAll(ctx)
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
func (v *verifier) hashes(ctx context.Context, check *findings.Check) error {
	type row struct {
		Table     string `ch:"table_name"`
		LoadSeq   uint64 `ch:"load_seq"`
		RowNumber uint64 `ch:"row_number"`
		EventID   string `ch:"event_id"`
	}
	changed, err := warehouse.Select[row](ctx, v.warehouse, "verify/id_hashes.sql",
		warehouse.Params{"most": most})
	if err != nil {
		return err
	}
	for _, r := range changed {
		check.Problem("%s: %s row %d: the hash is not that of event_id %q: one of the two has changed",
			r.Table, schemas.LoadID(r.LoadSeq), r.RowNumber, r.EventID)
	}
	return nil
}
