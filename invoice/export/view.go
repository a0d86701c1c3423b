package export

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"
)

// ViewColumns are the columns of a result, as a file has them: texts as texts, whole numbers of up to 64 bits as
// integers, larger ones and decimals as decimals, days and instants as such. Maps, arrays and tuples are JSON.
func ViewColumns(rows driver.Rows) []Column {
	var columns []Column
	for _, column := range rows.ColumnTypes() {
		columns = append(columns, Column{column.Name(), kindOf(column.DatabaseTypeName())})
	}
	return columns
}

var (
	wrapped  = regexp.MustCompile(`^(?:LowCardinality|Nullable)\((.*)\)$`)
	shortInt = regexp.MustCompile(`^U?Int(8|16|32|64)$`)
	longInt  = regexp.MustCompile(`^U?Int(128|256)$`)
)

func kindOf(columnType string) Kind {
	for {
		inner := wrapped.FindStringSubmatch(columnType)
		if inner == nil {
			break
		}
		columnType = inner[1]
	}
	switch {
	case shortInt.MatchString(columnType):
		return Integer
	case longInt.MatchString(columnType), strings.HasPrefix(columnType, "Decimal"):
		return Decimal
	case columnType == "Bool":
		return Boolean
	case columnType == "Date", columnType == "Date32":
		return Day
	case strings.HasPrefix(columnType, "DateTime"):
		return Exact
	default:
		return Text
	}
}

// View writes all rows of a result, and returns how many.
func View(rows driver.Rows, columns []Column, out Writer) (int, error) {
	types := rows.ColumnTypes()
	destinations := make([]any, len(types))
	for i, column := range types {
		destinations[i] = reflect.New(column.ScanType()).Interface()
	}
	values := make([]any, len(types))
	count := 0
	for rows.Next() {
		if err := rows.Scan(destinations...); err != nil {
			return count, fmt.Errorf("read row: %w", err)
		}
		for i, destination := range destinations {
			value, err := viewValue(columns[i].Kind, reflect.ValueOf(destination).Elem())
			if err != nil {
				return count, fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
			values[i] = value
		}
		if err := out.Row(values); err != nil {
			return count, fmt.Errorf("write row: %w", err)
		}
		count++
	}
	return count, rows.Err()
}

// viewValue is a value as the driver scans it in the form of its kind.
func viewValue(kind Kind, v reflect.Value) (any, error) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil, nil //nolint:nilnil // null
		}
		if number, is := v.Interface().(*big.Int); is {
			return decimal.NewFromBigInt(number, 0), nil
		}
		v = v.Elem()
	}
	switch typed := v.Interface().(type) {
	case big.Int:
		return decimal.NewFromBigInt(&typed, 0), nil
	case time.Time, decimal.Decimal, bool, string:
		return typed, nil
	}
	switch {
	case kind == Integer && v.CanInt():
		return v.Int(), nil
	case kind == Integer && v.CanUint():
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("%d is more than an integer of 64 bits holds", v.Uint())
		}
		return int64(v.Uint()), nil
	}
	text, err := json.Marshal(v.Interface())
	return string(text), err
}
