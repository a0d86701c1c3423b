package web

import (
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	invoiceplan "github.com/creditmill/creditmill/invoice/plan"
)

// field is a column of a table that is saved. Figures are written to the last digit.
type field[T any] struct {
	name   string
	number bool
	of     func(T) string
}

// fields are the columns of charges: one row a charge, named as in `invoice preview --csv`.
var fields = []field[*charge]{
	{"charge_id", false, func(c *charge) string { return c.ID }},
	{"status", false, func(c *charge) string { return c.Status }},
	{"hold_reason", false, func(c *charge) string { return c.HoldReason }},
	{"kind", false, func(c *charge) string { return c.Kind }},
	{"customer_id", false, func(c *charge) string { return c.CustomerID }},
	{"stripe_customer", false, func(c *charge) string { return c.StripeCustomer }},
	{"product", false, func(c *charge) string { return c.Product }},
	{"period_start", false, func(c *charge) string { return c.PeriodStart.Format(time.RFC3339) }},
	{"period_end", false, func(c *charge) string { return c.PeriodEnd.Format(time.RFC3339) }},
	{"currency", false, func(c *charge) string { return c.Currency }},
	{"billable_credits", true, func(c *charge) string { return c.Billable.String() }},
	{"billed_credits", true, func(c *charge) string { return c.Billed.String() }},
	{"amount_exact", true, func(c *charge) string { return c.AmountExact.String() }},
	{"amount_minor", true, func(c *charge) string { return strconv.FormatInt(c.AmountMinor, 10) }},
	{"residual", true, func(c *charge) string { return c.Residual.String() }},
	{"granted", true, func(c *charge) string { return orNone(c.Granted) }},
	{"used", true, func(c *charge) string { return c.Used.String() }},
	{"overage", true, func(c *charge) string { return orNone(c.Overage) }},
	{"capped", true, func(c *charge) string { return orNone(c.Capped) }},
	{"per_credit", true, func(c *charge) string { return orNone(c.PerCredit) }},
	{"previous_minor", true, func(c *charge) string { return minorOrNone(c.PreviousMinor) }},
	{"change_minor", true, func(c *charge) string { return minorOrNone(c.ChangeMinor) }},
	{"change_percent", false, func(c *charge) string { return c.ChangePercent }},
	{"tax_behavior", false, func(c *charge) string { return c.Tax.Behavior }},
	{"tax_code", false, func(c *charge) string { return c.Tax.Code }},
	{"hold_codes", false, func(c *charge) string { return invoiceplan.JoinCodes(c.HoldCodes) }},
}

func minorOrNone(minor *int64) string {
	if minor == nil {
		return ""
	}
	return strconv.FormatInt(*minor, 10)
}

func orNone(figure *decimal.Decimal) string {
	if figure == nil {
		return ""
	}
	return figure.String()
}

// saved are the charges that a filter finds, or nil where the page has said what is wrong.
func (v *view) saved(contentType, suffix string) (charges []*charge, ok bool) {
	f, err := readFilter(v.r.URL.Query())
	if err != nil {
		v.app.fail(v.w, v.r, v.session, http.StatusBadRequest, sentence(err.Error()))
		return nil, false
	}
	planned, err := v.plan(f.AsOf, false)
	if err != nil {
		v.failed(err)
		return nil, false
	}
	v.w.Header().Set("Content-Type", contentType)
	v.w.Header().Set("Content-Disposition", `attachment; filename="creditmill-`+
		planned.AsOf.In(planned.Zone).Format(time.DateOnly)+"-"+planned.SHA[:12]+suffix+`"`)
	return f.pick(planned.Charges), true
}

func invoicesCSV(v *view) {
	if charges, ok := v.saved("text/csv; charset=utf-8", ".csv"); ok {
		saveCSV(v, fields, charges)
	}
}

func invoicesXLSX(v *view) {
	if charges, ok := v.saved(xlsxType, ".xlsx"); ok {
		saveXLSX(v, sheetOf("Charges", fields, charges))
	}
}

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// saveCSV writes rows with a heading. No text of it is a formula.
func saveCSV[T any](v *view, fields []field[T], rows []T) {
	out := csv.NewWriter(v.w)
	row := make([]string, len(fields))
	for i, each := range fields {
		row[i] = each.name
	}
	_ = out.Write(row) // Error tells of it
	for _, one := range rows {
		for i, each := range fields {
			row[i] = each.of(one)
			if !each.number {
				row[i] = invoiceplan.Cell(row[i])
			}
		}
		_ = out.Write(row)
	}
	out.Flush()
	v.cutShort(out.Error())
}

// cutShort tells that a table was not taken whole: whoever asked may be gone.
func (v *view) cutShort(err error) {
	if err != nil {
		v.app.config.Log.Info().Err(err).Msg("table_cut_short")
	}
}

// sheet is a table of a workbook.
type sheet struct {
	name string
	fill func(*excelize.File) error
}

// saveXLSX writes a workbook. Texts are cells of text, so that none is a formula; figures are numbers with all their
// digits, of which a spreadsheet shows fifteen.
func saveXLSX(v *view, sheets ...sheet) {
	v.cutShort(writeXLSX(v.w, sheets))
}

func writeXLSX(w io.Writer, sheets []sheet) (err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	for i, each := range sheets {
		if i == 0 {
			err = book.SetSheetName("Sheet1", each.name)
		} else {
			_, err = book.NewSheet(each.name)
		}
		if err == nil {
			err = each.fill(book)
		}
		if err != nil {
			return err
		}
	}
	_, err = book.WriteTo(w)
	return err
}

// sheetOf is a table of rows with a heading that stays and can be filtered by.
func sheetOf[T any](name string, fields []field[T], rows []T) sheet {
	return sheet{name, func(book *excelize.File) error {
		for i, each := range fields {
			if err := fillColumn(book, name, i+1, each, rows); err != nil {
				return err
			}
		}
		last, err := excelize.CoordinatesToCellName(len(fields), len(rows)+1)
		if err != nil {
			return err
		}
		bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
		if err != nil {
			return err
		}
		return errors.Join(
			book.SetRowStyle(name, 1, 1, bold),
			book.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
			book.AutoFilter(name, "A1:"+last, nil),
		)
	}}
}

func fillColumn[T any](book *excelize.File, sheet string, number int, column field[T], rows []T) error {
	name, err := excelize.ColumnNumberToName(number)
	if err != nil {
		return err
	}
	err = errors.Join(book.SetColWidth(sheet, name, name, 18), book.SetCellStr(sheet, name+"1", column.name))
	for i, one := range rows {
		text, at := column.of(one), name+strconv.Itoa(i+2)
		switch {
		case err != nil:
			return err
		case text == "":
		case column.number:
			err = book.SetCellDefault(sheet, at, text)
		default:
			err = book.SetCellStr(sheet, at, text)
		}
	}
	return err
}
