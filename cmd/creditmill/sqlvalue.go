package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// newSQLValue makes a value as the driver scans it fit to be shown: pointers of Nullable are followed, times get
// their accuracy from the column's type.
func newSQLValue(columnType string, value any) any {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		if _, isNumber := v.Interface().(*big.Int); isNumber {
			break
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	if instant, is := v.Interface().(time.Time); is {
		if strings.HasPrefix(columnType, "Date32") || columnType == "Date" || columnType == "Nullable(Date)" {
			return instant.Format(time.DateOnly)
		}
		return instant.Format(time.RFC3339Nano)
	}
	return v.Interface()
}

// sqlText is a value as a table or CSV shows it.
func sqlText(value any, null string) string {
	switch value := value.(type) {
	case nil:
		return null
	case string:
		return value
	case decimal.Decimal:
		return value.String()
	case big.Int:
		return value.String()
	case fmt.Stringer:
		return value.String()
	}
	switch reflect.ValueOf(value).Kind() {
	case reflect.Slice, reflect.Map, reflect.Struct:
		text, err := sqlJSON(value)
		if err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(value)
}

// isSQLNumber tells a number from text, which a spreadsheet must not calculate.
func isSQLNumber(value any) bool {
	switch value.(type) {
	case decimal.Decimal, big.Int, *big.Int:
		return true
	}
	switch kind := reflect.ValueOf(value).Kind(); kind {
	case reflect.Float32, reflect.Float64:
		return true
	default:
		return kind >= reflect.Int && kind <= reflect.Uint64
	}
}

// sqlJSON is a value as JSON: whole numbers of any size are numbers, decimals are strings.
func sqlJSON(value any) ([]byte, error) {
	switch typed := value.(type) {
	case big.Int:
		return []byte(typed.String()), nil
	case *big.Int:
		return []byte(typed.String()), nil
	case decimal.Decimal:
		value = typed.String()
	}
	if list := reflect.ValueOf(value); list.Kind() == reflect.Slice {
		elements := make([][]byte, list.Len())
		for i := range elements {
			element, err := sqlJSON(newSQLValue("", list.Index(i).Interface()))
			if err != nil {
				return nil, err
			}
			elements[i] = element
		}
		return append(append([]byte("["), bytes.Join(elements, []byte(","))...), ']'), nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write value as JSON: %w", err)
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

// orderedObject is one JSON object with its keys in the order given.
func orderedObject(keys []string, values []any) ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, key := range keys {
		name, err := sqlJSON(key)
		if err != nil {
			return nil, err
		}
		value, err := sqlJSON(values[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text.WriteByte(',')
		}
		text.Write(name)
		text.WriteByte(':')
		text.Write(value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}
