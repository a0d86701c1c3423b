package warehouse

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Params are what a statement is given by name: the values of its {name:Type} parameters, the tables that are sent
// along with it (an *ext.Table of that name), and whether each of its sections is wanted (a bool). A section that
// nothing is said of is refused.
//
// The statement says the type of a parameter; here its value may be a string, a bool, any integer, a time.Time (for
// DateTime and DateTime64, sent as UTC), Date(t) for Date, anything with a String method (decimals), nil for NULL, or a
// slice of these for Array. Floats are refused.
type Params map[string]any

// Date is a day as a parameter of type Date: the day that t shows in its own location.
func Date(t time.Time) string { return t.Format(time.DateOnly) }

// Exec runs the statement in the file of that name, such as "ingest/commit_load.sql", with its parameters.
func (w *Warehouse) Exec(ctx context.Context, name string, params Params) error {
	if err := w.CheckLocks(); err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	if l := leaseOf(ctx); l != nil && l.lost.Load() {
		return fmt.Errorf("run %s: lease %s: %w", name, l.name, ErrLeaseLost)
	}
	ctx, text, err := prepare(ctx, name, params)
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	if err := w.send(ctx, name, text); err != nil {
		return fmt.Errorf("run %s: %w", name, explainUnreadable(err))
	}
	return nil
}

// Query runs the query in the file of that name. The caller closes the rows and looks at their Err.
func (w *Warehouse) Query(ctx context.Context, name string, params Params) (driver.Rows, error) {
	ctx, text, err := prepare(ctx, name, params)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	rows, err := w.conn.Query(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, explainUnreadable(err))
	}
	return rows, nil
}

// QueryRow scans the first row of the query in the file of that name into the destinations; sql.ErrNoRows of
// database/sql is in the error where there is none.
func (w *Warehouse) QueryRow(ctx context.Context, name string, params Params, destinations ...any) error {
	ctx, text, err := prepare(ctx, name, params)
	if err != nil {
		return fmt.Errorf("query %s: %w", name, err)
	}
	if err := w.conn.QueryRow(ctx, text).Scan(destinations...); err != nil {
		return fmt.Errorf("query %s: %w", name, explainUnreadable(err))
	}
	return nil
}

// Each runs the query in the file of that name, scans one row after the other into the same destinations, and calls
// each for it: what is large passes by without being held in memory.
func (w *Warehouse) Each(
	ctx context.Context, name string, params Params, destinations []any, each func() error,
) (err error) {
	rows, err := w.Query(ctx, name, params)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(destinations...); err != nil {
			return fmt.Errorf("query %s: %w", name, err)
		}
		if err := each(); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query %s: %w", name, explainUnreadable(err))
	}
	return nil
}

// Select runs the query in the file of that name and scans every row into a T by its `ch:"column"` tags. It holds the
// whole result in memory; use Query for what may be large.
func Select[T any](ctx context.Context, w *Warehouse, name string, params Params) ([]T, error) {
	ctx, text, err := prepare(ctx, name, params)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	var result []T
	if err := w.conn.Select(ctx, &result, text); err != nil {
		return nil, fmt.Errorf("query %s: %w", name, explainUnreadable(err))
	}
	return result, nil
}

// withParams is for parameters that are known to be encodable: strings and integers of this package.
func withParams(ctx context.Context, params Params) context.Context {
	encoded, err := encodeParams(ctx, params)
	if err != nil {
		panic("warehouse: " + err.Error())
	}
	return encoded
}

func encodeParams(ctx context.Context, params Params) (context.Context, error) {
	if len(params) == 0 {
		return ctx, nil
	}
	encoded := make(clickhouse.Parameters, len(params))
	for name, value := range params {
		if _, isTable := value.(*ext.Table); isTable {
			continue
		}
		literal, err := encodeParam(value)
		if err != nil {
			return nil, fmt.Errorf("encode parameter %q: %w", name, err)
		}
		encoded[name] = literal
	}
	return clickhouse.Context(ctx, clickhouse.WithParameters(encoded)), nil
}

// escaper writes text as ClickHouse reads it inside a parameter: as a field of a tab-separated file, and the
// elements of arrays as quoted literals.
var escaper = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`, `'`, `\'`)

const timeLayout = "2006-01-02 15:04:05.000000000"

func encodeParam(value any) (string, error) {
	if value == nil {
		return `\N`, nil
	}
	list := reflect.ValueOf(value)
	if list.Kind() == reflect.Map {
		return encodeMap(list)
	}
	if list.Kind() != reflect.Slice {
		literal, err := paramText(value)
		return escaper.Replace(literal), err
	}
	elements := make([]string, 0, list.Len())
	for i := range list.Len() {
		element := list.Index(i).Interface()
		literal, err := paramText(element)
		if err != nil {
			return "", err
		}
		if needsQuotes(element) {
			literal = `'` + escaper.Replace(literal) + `'`
		}
		elements = append(elements, literal)
	}
	return "[" + strings.Join(elements, ",") + "]", nil
}

// encodeMap writes a map from texts to numbers.
func encodeMap(of reflect.Value) (string, error) {
	entries := make([]string, 0, of.Len())
	for key, value := range of.Seq2() {
		literal, err := paramText(value.Interface())
		if err != nil {
			return "", err
		}
		entries = append(entries, `'`+escaper.Replace(key.String())+`':`+literal)
	}
	slices.Sort(entries)
	return "{" + strings.Join(entries, ",") + "}", nil
}

func needsQuotes(value any) bool {
	if _, isTime := value.(time.Time); isTime {
		return true
	}
	return reflect.ValueOf(value).Kind() == reflect.String
}

func paramText(value any) (string, error) {
	switch v := value.(type) {
	case time.Time:
		return v.UTC().Format(timeLayout), nil
	case fmt.Stringer:
		return v.String(), nil
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	default:
		return "", fmt.Errorf("type %T is not one a statement takes", value)
	}
}
