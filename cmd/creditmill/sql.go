package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

var sqlFormats = []string{"table", "json", "jsonl", "csv", "tsv"}

func newSQLCommand(a *app) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "sql QUERY",
		Short: "Run a query in the warehouse",
		Long: "sql runs one query as a user who may only read the views: v_events, v_event_units, v_duplicates, v_loads, " +
			"v_usage_daily, v_usage_units, v_spend_daily, v_spend_units, v_period_spend, v_balances, v_grants, v_charges, " +
			"v_audit, v_removals, v_expired_loads, v_costs, v_load_objects, v_jobs, v_runs. DESCRIBE v_balances says what " +
			"each column is; docs/analytics.md has a dozen questions with their queries. With - the query is read from " +
			"stdin.\n\n" +
			"--json prints an array of objects; whole numbers stay numbers, decimals are strings.",
		Example: `  creditmill sql "SELECT customer_id, used, remaining FROM v_balances ORDER BY used DESC LIMIT 10"
  creditmill sql "DESCRIBE v_spend_daily"
  creditmill sql --format csv - < question.sql > answer.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if !slices.Contains(sqlFormats, format) {
				return usagef("read --format %q: want one of %s", format, strings.Join(sqlFormats, ", "))
			}
			if a.flags.json && format == "table" {
				format = "json"
			}
			query := args[0]
			if query == "-" {
				text, err := io.ReadAll(a.stdin)
				if err != nil {
					return fmt.Errorf("read query: %w", err)
				}
				query = string(text)
			}
			return a.runSQL(command.Context(), strings.TrimRight(query, "; \t\r\n"), format)
		},
	}
	command.Flags().StringVar(&format, "format", "table", strings.Join(sqlFormats, ", "))
	completeWith(command, "format", choices(sqlFormats...))
	return command
}

func (a *app) runSQL(ctx context.Context, query, format string) error {
	w, _, err := a.warehouseWithNote(ctx)
	if err != nil {
		return err
	}
	conn, err := w.Analyst()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it only reads
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return explainSQL(w, query, err)
	}
	defer rows.Close()
	if err := a.writeRows(rows, format); err != nil {
		return explainSQL(w, query, err)
	}
	return nil
}

// explainSQL keeps what the server says about the query. It shows where a mistake of syntax stands, and says what there
// is to read where a table is out of reach.
func explainSQL(w *warehouse.Warehouse, query string, err error) error {
	const codeAccessDenied, codeSyntaxError = 497, 62
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		return fmt.Errorf("run query: %w", err)
	}
	switch match := syntaxPosition.FindStringSubmatch(exception.Message); {
	case exception.Code == codeAccessDenied && w.Embedded():
		return fmt.Errorf("run query: %w; sql may read the views only, see: creditmill sql \"SHOW TABLES\"", err)
	case exception.Code == codeSyntaxError && match != nil:
		position, convErr := strconv.Atoi(match[1])
		if convErr == nil && position >= 1 && position <= len(query)+1 {
			return fmt.Errorf("run query: %w\n%s", err, pointAt(query, position-1))
		}
	}
	return fmt.Errorf("run query: %w", err)
}

// syntaxPosition finds the position, from 1 in bytes, in the server's message about a mistake of syntax.
var syntaxPosition = regexp.MustCompile(`failed at position (\d+)`)

// pointAt shows the line of the query that holds the byte, with its number and a mark below it.
func pointAt(query string, offset int) string {
	before := query[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	line, _, _ := strings.Cut(query[start:], "\n")
	label := fmt.Sprintf("line %d: ", strings.Count(before, "\n")+1)
	blank := func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}
	return label + line + "\n" + strings.Map(blank, label+query[start:offset]) + "^"
}

func (a *app) writeRows(rows driver.Rows, format string) error {
	writer := newRowWriter(a.stdout, format, rows.Columns())
	for rows.Next() {
		values, err := scanRow(rows)
		if err != nil {
			return err
		}
		if err := writer.row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return writer.end()
}

// scanRow returns the values of a row of any shape, nil for NULL.
func scanRow(rows driver.Rows) ([]any, error) {
	types := rows.ColumnTypes()
	destinations := make([]any, len(types))
	for i, column := range types {
		destinations[i] = reflect.New(column.ScanType()).Interface()
	}
	if err := rows.Scan(destinations...); err != nil {
		return nil, err
	}
	for i, destination := range destinations {
		destinations[i] = newSQLValue(types[i].DatabaseTypeName(), reflect.ValueOf(destination).Elem().Interface())
	}
	return destinations, nil
}

// rowWriter writes a result in one format, row by row where the format allows it.
type rowWriter interface {
	row(values []any) error
	end() error
}

func newRowWriter(out io.Writer, format string, columns []string) rowWriter {
	switch format {
	case "json":
		return &jsonRows{out: out, columns: columns, array: true}
	case "jsonl":
		return &jsonRows{out: out, columns: columns}
	case "csv":
		return newCSVRows(csv.NewWriter(out), columns)
	case "tsv":
		return newCSVRows(&tsvWriter{out: bufio.NewWriter(out)}, columns)
	default:
		headers := make([]any, len(columns))
		for i, column := range columns {
			headers[i] = column
		}
		return &tableRows{table: newTable(out, headers...)}
	}
}

type tableRows struct{ table table.Writer }

func (t *tableRows) row(values []any) error {
	texts := make(table.Row, len(values))
	for i, value := range values {
		texts[i] = sqlText(value, "NULL")
	}
	t.table.AppendRow(texts)
	return nil
}

func (t *tableRows) end() error {
	t.table.Render()
	return nil
}

// csvRows are for spreadsheets: a text is never a formula there.
type csvRows struct{ writer recordWriter }

// recordWriter keeps its first error, which Error returns.
type recordWriter interface {
	Write(cells []string) error
	Flush()
	Error() error
}

func newCSVRows(writer recordWriter, columns []string) *csvRows {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = plan.Cell(column)
	}
	_ = writer.Write(names) // an error stays and is returned by end
	return &csvRows{writer: writer}
}

func (c *csvRows) row(values []any) error {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = sqlText(value, "")
		if !isSQLNumber(value) {
			texts[i] = plan.Cell(texts[i])
		}
	}
	return c.writer.Write(texts)
}

func (c *csvRows) end() error {
	c.writer.Flush()
	return c.writer.Error()
}

// tsvWriter writes what stands between tabs without quotes: tabs, line breaks and backslashes are escapes.
type tsvWriter struct{ out *bufio.Writer }

var tsvEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func (t *tsvWriter) Write(cells []string) error {
	_, err := tsvEscapes.WriteString(t.out, cells[0])
	for _, cell := range cells[1:] {
		_ = t.out.WriteByte('\t') // the writer keeps its error
		_, err = tsvEscapes.WriteString(t.out, cell)
	}
	return errors.Join(err, t.out.WriteByte('\n'))
}

func (t *tsvWriter) Flush()       { _ = t.out.Flush() } // the writer keeps its error
func (t *tsvWriter) Error() error { return t.out.Flush() }

// jsonRows writes objects with their keys in the order of the columns.
type jsonRows struct {
	out     io.Writer
	columns []string
	array   bool
	rows    int
}

func (j *jsonRows) row(values []any) error {
	object, err := orderedObject(j.columns, values)
	if err != nil {
		return err
	}
	before := ""
	if j.array {
		before = map[bool]string{true: "[", false: ",\n "}[j.rows == 0]
	}
	j.rows++
	_, err = fmt.Fprint(j.out, before, string(object), map[bool]string{true: "", false: "\n"}[j.array])
	return err
}

func (j *jsonRows) end() error {
	if !j.array {
		return nil
	}
	_, err := io.WriteString(j.out, map[bool]string{true: "[]\n", false: "]\n"}[j.rows == 0])
	return err
}
