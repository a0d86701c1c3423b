package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
)

const (
	defaultDryRunRows = 10
	maxDryRunRows     = 100_000
)

// dryRunResult is a file as --json prints it.
type dryRunResult struct {
	File   string      `json:"file"`
	Source string      `json:"source"`
	Format string      `json:"format"`
	Rows   []dryRunRow `json:"rows"`
	// More tells that the file has rows after these.
	More bool `json:"more"`
}

// dryRunRow is an event and its price, a reject, or a row that the source skips.
type dryRunRow struct {
	RowNumber  ingest.RowNumber `json:"row_number"`
	EventID    string           `json:"event_id,omitempty"`
	OccurredAt string           `json:"occurred_at,omitempty"`
	CustomerID string           `json:"customer_id,omitempty"`
	Model      string           `json:"model,omitempty"`
	Feature    string           `json:"feature,omitempty"` // where the row names one instead of a model
	// FeatureID is empty where no feature matches the model, or none has that id, and without a price book.
	FeatureID    string             `json:"feature_id,omitempty"`
	Tokens       *schemas.Tokens    `json:"tokens,omitempty"`
	Units        schemas.Others     `json:"units,omitempty"`
	Dimensions   schemas.Dimensions `json:"dimensions,omitempty"`
	CreditSystem string             `json:"credit_system,omitempty"`
	Credits      *decimal.Decimal   `json:"credits,omitempty"` // of the units that have a price; nil without a price book
	Unrated      bool               `json:"unrated,omitempty"`
	Reject       *dryRunReject      `json:"reject,omitempty"`
	Skipped      bool               `json:"skipped,omitempty"`
}

type dryRunReject struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// dryRun shows how the first rows of each file would be understood. It opens no warehouse and writes nothing.
func (a *app) dryRun(ctx context.Context, inputs []ingest.Input, options ingest.Options, rows int) error {
	if rows < 1 || rows > maxDryRunRows {
		return usagef("read --rows %d: want 1 to %d", rows, maxDryRunRows)
	}
	book, err := a.priceBookIfAny()
	if err != nil {
		return err
	}
	rejected := 0
	for _, input := range a.previewedAlone(inputs) {
		preview, err := ingest.ReadPreview(ctx, input, options, rows)
		if err != nil {
			a.hintSource(ctx, input, options)
			return err
		}
		if !slices.ContainsFunc(preview.Rows, func(row ingest.PreviewRow) bool { return row.Event != nil || row.Skipped }) {
			a.hintSource(ctx, input, options)
		}
		for _, warning := range []string{preview.Note, preview.Future(options.Source.ID, a.now())} {
			if warning != "" {
				a.note("%s: %s", input.Name, warning)
			}
		}
		result := dryRunResult{
			File: input.Name, Source: options.Source.ID, Format: preview.Format, More: preview.More, Rows: []dryRunRow{},
		}
		for _, row := range preview.Rows {
			shown, err := describeRow(row, book)
			if err != nil {
				return err
			}
			if shown.Reject != nil {
				rejected++
			}
			result.Rows = append(result.Rows, shown)
		}
		err = a.print(result, func(out io.Writer) error { return result.write(out, book != nil) })
		if err != nil {
			return err
		}
	}
	if rejected > 0 {
		return &partialError{Reason: fmt.Sprintf("%d of the rows shown would be rejected", rejected)}
	}
	return nil
}

// hintSource names the source that fits a file of which the source understands nothing, if one does.
func (a *app) hintSource(ctx context.Context, input ingest.Input, options ingest.Options) {
	if input.Reader != nil || input.Remote != nil {
		return
	}
	if hint := ingest.HintSource(ctx, input.Name, options); hint != "" {
		a.note("%s is not a log of source %s%s", input.Name, options.Source.ID, hint)
	}
}

// priceBookIfAny is that of the catalog; nil, with a note, where there is none and none was asked for.
func (a *app) priceBookIfAny() (*pricebook.Book, error) {
	if _, err := os.Stat(a.config.Catalog); errors.Is(err, fs.ErrNotExist) && a.flags.catalog == "" {
		a.note("no price book at %s: rows are shown without features and credits", a.config.Catalog)
		return nil, nil
	}
	catalog, err := a.catalog()
	if err != nil {
		return nil, err
	}
	return pricebook.New(catalog), nil
}

// describeRow prices a row as for a customer of the default product: who has which is in the warehouse.
func describeRow(row ingest.PreviewRow, book *pricebook.Book) (dryRunRow, error) {
	shown := dryRunRow{RowNumber: ingest.RowNumber(row.RowNumber)}
	if row.Skipped {
		shown.Skipped = true
		return shown, nil
	}
	if row.Event == nil {
		shown.Reject = &dryRunReject{Field: row.Field, Reason: row.Reason}
		return shown, nil
	}
	shown.EventID, shown.CustomerID, shown.Model = row.Event.EventID, row.Event.CustomerID, row.Event.Model
	shown.Feature, shown.OccurredAt = row.Event.Feature, row.Event.OccurredAt.Format(time.RFC3339Nano)
	tokens, others := schemas.AmountsOf(row.Event.Units.ByUnit()).Split()
	shown.Tokens, shown.Units, shown.Dimensions = &tokens, others, row.Event.Dimensions
	if book == nil {
		return shown, nil
	}
	system := ""
	if credits := book.Catalog().DefaultProduct().At(row.Event.OccurredAt).Credits; credits != nil {
		system = credits.System
	}
	price, err := book.PriceEvent(*row.Event, system)
	if err != nil {
		return dryRunRow{}, err
	}
	shown.FeatureID, shown.CreditSystem, shown.Unrated = price.FeatureID, price.CreditSystem, price.Unrated
	shown.Credits = &price.Credits
	return shown, nil
}

// write prints the events as a table, then the rejects, then what it comes to.
func (r dryRunResult) write(out io.Writer, priced bool) error {
	headers := []any{"row", "event", "time", "customer", "model"}
	if priced {
		headers = append(headers, "feature")
	}
	for _, unit := range schemas.ColumnUnits() {
		headers = append(headers, unit)
	}
	headers = append(headers, unitsHeader, dimensionsHeader)
	if priced {
		headers = append(headers, "credits")
	}
	t := newTable(out, headers...)
	none := !slices.ContainsFunc(r.Rows, func(row dryRunRow) bool { return len(row.rest()) > 0 })
	plain := !slices.ContainsFunc(r.Rows, func(row dryRunRow) bool { return len(row.Dimensions) > 0 })
	t.SetColumnConfigs(append(hideUnits(none), table.ColumnConfig{Name: dimensionsHeader, Hidden: plain},
		table.ColumnConfig{Name: "credits", Align: text.AlignRight, AlignHeader: text.AlignRight}))
	events, skipped := 0, 0
	var rejects []string
	for _, row := range r.Rows {
		if row.Skipped {
			skipped++
			continue
		}
		if row.Reject != nil {
			reject := fmt.Sprintf("row %s would be rejected: ", row.RowNumber)
			if row.Reject.Field != "" {
				reject += row.Reject.Field + ": "
			}
			rejects = append(rejects, reject+row.Reject.Reason)
			continue
		}
		events++
		t.AppendRow(row.cells(priced))
	}
	if events > 0 {
		t.Render()
	}
	for _, reject := range rejects {
		if _, err := writef(out, "%s\n", reject); err != nil {
			return err
		}
	}
	shown := counted(len(r.Rows), "row")
	switch {
	case r.More && len(r.Rows) == 1:
		shown = "the first row"
	case r.More:
		shown = "the first " + shown
	}
	leftOut := ""
	if skipped > 0 {
		leftOut = fmt.Sprintf(", %d would be skipped", skipped)
	}
	_, err := writef(out, "%s, read as source %s (%s): %s: %d would load, %d would be rejected%s; "+
		"nothing was written\n", r.File, r.Source, r.Format, shown, events, len(rejects), leftOut)
	return err
}

func (r dryRunRow) cells(priced bool) table.Row {
	cells := table.Row{r.RowNumber, shortened(r.EventID), r.OccurredAt, r.CustomerID, r.Model + r.Feature}
	if priced {
		cells = append(cells, r.FeatureID)
	}
	for _, unit := range schemas.ColumnUnits() {
		cells = append(cells, schemas.Amounts(*r.Tokens).Of(unit).BigInt().Uint64())
	}
	cells = append(cells, r.rest(), r.Dimensions)
	switch {
	case !priced:
	case r.Unrated && r.Credits.IsZero():
		cells = append(cells, "unrated")
	case r.Unrated:
		cells = append(cells, r.Credits.String()+" + unrated")
	default:
		cells = append(cells, r.Credits.String())
	}
	return cells
}

// rest are the amounts that the table has no column for.
func (r dryRunRow) rest() schemas.Others {
	if r.Tokens == nil {
		return nil
	}
	return beside(*r.Tokens, r.Units)
}

// shortened cuts an id in its middle, to keep a table within a screen.
func shortened(id string) string {
	const most, end = 24, 8
	runes := []rune(id)
	if len(runes) <= most {
		return id
	}
	return string(runes[:most-end-1]) + "…" + string(runes[len(runes)-end:])
}
