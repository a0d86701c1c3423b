package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/creditmill/creditmill/warehouse"
)

// get returns the answer and the origins of web pages that may read it.
func get(t *testing.T, address, user, password string) (body, cors string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	check(t, err)
	request.Header.Set("Origin", "http://web.example")
	if user != "" {
		request.Header.Set("X-ClickHouse-User", user)
		request.Header.Set("X-ClickHouse-Key", password)
	}
	response, err := http.DefaultClient.Do(request)
	check(t, err)
	content, err := io.ReadAll(response.Body)
	check(t, err)
	check(t, response.Body.Close())
	return string(content), response.Header.Get("Access-Control-Allow-Origin")
}

func names(t *testing.T, w *warehouse.Warehouse, query string) []string {
	t.Helper()
	var found []string
	rows, err := w.Conn().Query(context.Background(), query)
	check(t, err)
	for rows.Next() {
		var name string
		check(t, rows.Scan(&name))
		found = append(found, name)
	}
	check(t, rows.Err())
	check(t, rows.Close())
	return found
}

// readAll returns the values of a few rows as text. What takes long is given up.
func readAll(conn clickhouse.Conn, query string) (answer string, err error) {
	defer func() {
		if cause := recover(); cause != nil { // the client panics at some types, such as generateRandom makes
			err = fmt.Errorf("read the answer: %v", cause)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var text strings.Builder
	for range 10 {
		if !rows.Next() {
			break
		}
		var values []any
		for _, column := range rows.ColumnTypes() {
			values = append(values, reflect.New(column.ScanType()).Interface())
		}
		if err := rows.Scan(values...); err != nil {
			return text.String(), err
		}
		for _, value := range values {
			fmt.Fprintln(&text, reflect.ValueOf(value).Elem().Interface())
		}
	}
	return text.String(), rows.Err()
}

// neverRuns tells whether the engine refused a statement for the number or type of its arguments.
func neverRuns(err error) bool {
	var refused *clickhouse.Exception
	return errors.As(err, &refused) &&
		slices.Contains([]int32{codeTooManyArgs, codeArgumentsNumber, codeArgumentType}, refused.Code)
}
