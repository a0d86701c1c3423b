// Package costs keeps what providers of models bill: reports of their admin APIs, and files of one's own (Load), and
// holds the usage that they count against the logs (Compare).
//
// A report is read as a whole before anything is stored, and its lines count once its row in cost_reports is written.
// The same content is loaded once. Of each provider and day the report loaded last counts, since providers correct
// figures.
package costs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/warehouse"
)

// The kinds of lines.
const (
	KindCost  = "cost"
	KindUsage = "usage"
)

var (
	// ErrInvalid is returned for a report that cannot be read.
	ErrInvalid = errors.New("not a report")
	// ErrNotStored is returned when what was stored is not what was read: the report does not count then.
	ErrNotStored = errors.New("the stored lines are not those of the report")
)

// Line is a line of a report: an amount, or what was counted.
type Line struct {
	Provider, Kind string
	// Day is in UTC.
	Day                       time.Time
	Model, Customer, Item     string
	Currency                  string // ISO code in lower case
	Amount                    decimal.Decimal
	InputTokens, OutputTokens uint64
	Requests                  uint64
}

// Report is a report as it was loaded.
type Report struct {
	ID, File, SHA256 string
	// Status is loaded or already_loaded.
	Status string
	Lines  int
	// Amounts are the sums by currency.
	Amounts                   map[string]decimal.Decimal
	InputTokens, OutputTokens uint64
}

// Load stores a report, unless its content is stored already. The caller holds the writers' lock.
func Load(
	ctx context.Context, w *warehouse.Warehouse, source, file string, text []byte, now time.Time,
) (Report, error) {
	sum := sha256.Sum256(text)
	report := Report{
		File: file, SHA256: hex.EncodeToString(sum[:]), Status: "loaded", Amounts: map[string]decimal.Decimal{},
	}
	lines, err := Parse(source, text)
	if err != nil {
		return report, fmt.Errorf("read %s: %w", file, err)
	}
	report.Lines = len(lines)
	total := decimal.Zero
	for _, line := range lines {
		if line.Kind == KindCost {
			report.Amounts[line.Currency] = report.Amounts[line.Currency].Add(line.Amount)
		}
		total = total.Add(line.Amount)
		report.InputTokens += line.InputTokens
		report.OutputTokens += line.OutputTokens
	}
	known, err := warehouse.Select[struct {
		ID   string `ch:"report_id"`
		File string `ch:"file"`
	}](ctx, w, "costs/report_by_sha.sql", warehouse.Params{"sha256": report.SHA256})
	if err != nil {
		return report, err
	}
	if len(known) > 0 {
		report.ID, report.Status = known[0].ID, "already_loaded"
		return report, nil
	}
	report.ID = "cr_" + strings.ToLower(rand.Text())
	return report, report.store(ctx, w, source, lines, total, now)
}

func (r Report) store(
	ctx context.Context, w *warehouse.Warehouse, source string, lines []Line, total decimal.Decimal, now time.Time,
) error {
	table, err := ext.NewTable("new_costs", ext.Column("provider", "String"), ext.Column("kind", "String"),
		ext.Column("day", "Date"), ext.Column("model", "String"), ext.Column("customer_id", "String"),
		ext.Column("item", "String"), ext.Column("currency", "String"), ext.Column("amount", "String"),
		ext.Column("input_tokens", "UInt64"), ext.Column("output_tokens", "UInt64"), ext.Column("requests", "UInt64"))
	if err != nil {
		return fmt.Errorf("set up lines: %w", err)
	}
	for _, line := range lines {
		err := table.Append(line.Provider, line.Kind, line.Day, line.Model, line.Customer, line.Item, line.Currency,
			line.Amount.String(), line.InputTokens, line.OutputTokens, line.Requests)
		if err != nil {
			return fmt.Errorf("set up line: %w", err)
		}
	}
	err = w.Exec(ctx, "costs/insert_costs.sql", warehouse.Params{"report_id": r.ID, "new_costs": table})
	if err != nil {
		return fmt.Errorf("store report: %w", err)
	}
	var rows uint64
	var amount decimal.Decimal
	if err := w.QueryRow(ctx, "costs/stored_report.sql", warehouse.Params{"report_id": r.ID}, &rows, &amount); err != nil {
		return fmt.Errorf("read report back: %w", err)
	}
	if rows != uint64(len(lines)) || !amount.Equal(total) {
		return fmt.Errorf("%w: %d lines of %s, stored %d of %s", ErrNotStored, len(lines), total, rows, amount)
	}
	err = w.Exec(ctx, "costs/insert_report.sql", warehouse.Params{
		"report_id": r.ID, "sha256": r.SHA256, "source": source, "file": r.File, "rows": rows, "loaded_at": now,
	})
	if err != nil {
		return fmt.Errorf("record report: %w", err)
	}
	return nil
}
