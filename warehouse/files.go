package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
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
		err := w.eachPlace(func(number uint32, conn driver.Conn) error {
			if len(w.shards) > 0 && (number > 0) != slices.Contains(shardTables, name) {
				return nil
			}
			return checkTable(ctx, conn, name, visit)
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

// checkTable checks the parts of a table that one server holds.
func checkTable(ctx context.Context, conn driver.Conn, table string, visit func(PartFiles)) (err error) {
	rows, err := conn.Query(withParams(ctx, Params{"table": table}), text("warehouse/check_table.sql"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var part, message string
		var passed uint8
		if err := rows.Scan(&part, &passed, &message); err != nil {
			return err
		}
		found := PartFiles{Table: table, Part: part}
		if passed == 0 {
			found.Problem = message
		}
		visit(found)
	}
	return rows.Err()
}
