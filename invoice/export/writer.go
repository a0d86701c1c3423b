package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/plan"
)

// Writer takes the rows of an export, whose values are those of its columns; Close ends the file.
type Writer interface {
	Row(values []any) error
	Close() error
}

type csvWriter struct {
	writer *csv.Writer
	cells  []string
}

// NewCSV writes RFC 4180 with a header. Null is empty, an instant is ISO 8601 in UTC, a text is no formula.
func NewCSV(out io.Writer, columns []Column) Writer {
	w := &csvWriter{writer: csv.NewWriter(out), cells: make([]string, len(columns))}
	for i, column := range columns {
		w.cells[i] = column.Name
	}
	_ = w.writer.Write(w.cells) // an error stays and is returned by Close
	return w
}

func (w *csvWriter) Row(values []any) error {
	for i, value := range values {
		switch typed := value.(type) {
		case nil:
			w.cells[i] = ""
		case string:
			w.cells[i] = plan.Cell(typed)
		case decimal.Decimal:
			w.cells[i] = typed.String()
		case time.Time:
			w.cells[i] = typed.UTC().Format(time.RFC3339Nano)
		case int64:
			w.cells[i] = strconv.FormatInt(typed, 10)
		}
	}
	return w.writer.Write(w.cells)
}

func (w *csvWriter) Close() error {
	w.writer.Flush()
	return w.writer.Error()
}
