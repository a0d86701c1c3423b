package warehouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// PartFiles is what was found of the files of one part.
type PartFiles struct {
	Table string
	Part  string // empty where the table as a whole could not be checked
	// Problem is what is wrong with a file; empty where all are as they were written.
	Problem string
}

// CheckFiles reads every file of every table whose loss would change a figure, the record of what must be there
// included, and holds it against the checksum written with it. begin is called before each table; visit is called for
// each part.
func (w *Warehouse) CheckFiles(ctx context.Context, begin func(table string), visit func(PartFiles)) error {
	names := []string{"expected_rows", "expected_rows_copy"}
	for _, table := range storedTables {
		names = append(names, table.name)
	}
	for _, name := range names {
		begin(name)
		var part, message string
		var passed uint8
		columns := []any{&part, &passed, &message}
		err := w.Each(ctx, "warehouse/check_table.sql", Params{"table": name}, columns, func() error {
			found := PartFiles{Table: name, Part: part}
			if passed == 0 {
				found.Problem = message
			}
			visit(found)
			return nil
		})
		var refused *clickhouse.Exception
		if errors.As(err, &refused) && ctx.Err() == nil {
			visit(PartFiles{Table: name, Problem: refused.Message})
			continue
		}
		if err != nil {
			return fmt.Errorf("check files of %s: %w", name, err)
		}
	}
	return nil
}
