package aggregate

import (
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
)

// fill gives a table its rows, as a slice of values for each column.
func fill(table *ext.Table, columns ...any) error {
	for i, values := range columns {
		if _, err := table.Block().Columns[i].Append(values); err != nil {
			return fmt.Errorf("column %s: %w", table.Block().Columns[i].Name(), err)
		}
	}
	return nil
}

// bit is a truth as tables keep it.
func bit(set bool) uint8 {
	if set {
		return 1
	}
	return 0
}
