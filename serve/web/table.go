package web

import (
	"encoding/csv"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	invoiceplan "github.com/creditmill/creditmill/invoice/plan"
)

// field is a column of a table that is saved: one row a charge, named as in `invoice preview --csv`. Figures are
// written to the last digit.
type field struct {
	name   string
	number bool
	of     func(*charge) string
}

// fields are the columns.
var fields = []field{
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
	charges, ok := v.saved("text/csv; charset=utf-8", ".csv")
	if !ok {
		return
	}
	out := csv.NewWriter(v.w)
	row := make([]string, len(fields))
	for i, each := range fields {
		row[i] = each.name
	}
	_ = out.Write(row) // Error tells of it
	for _, c := range charges {
		for i, each := range fields {
			row[i] = each.of(c)
			if !each.number {
				row[i] = invoiceplan.Cell(row[i])
			}
		}
		_ = out.Write(row)
	}
	out.Flush()
	if err := out.Error(); err != nil { // whoever asked may be gone
		v.app.config.Log.Info().Err(err).Msg("table_cut_short")
	}
}

func invoicesXLSX(v *view) {
	charges, ok := v.saved("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx")
	if !ok {
		return
	}
	if err := writeXLSX(v.w, charges); err != nil {
		v.app.config.Log.Info().Err(err).Msg("table_cut_short")
	}
}

const sheet = "Charges"

// writeXLSX writes charges as a workbook. Texts are cells of text, so that none is a formula; figures are numbers with
// all their digits, of which a spreadsheet shows fifteen.
func writeXLSX(w http.ResponseWriter, charges []*charge) (err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	for i, each := range fields {
		if err := fillColumn(book, i+1, each, charges); err != nil {
			return err
		}
	}
	last, err := excelize.CoordinatesToCellName(len(fields), len(charges)+1)
	if err != nil {
		return err
	}
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	err = errors.Join(
		book.SetRowStyle(sheet, 1, 1, bold),
		book.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
		book.AutoFilter(sheet, "A1:"+last, nil),
	)
	if err != nil {
		return err
	}
	_, err = book.WriteTo(w)
	return err
}

func fillColumn(book *excelize.File, number int, column field, charges []*charge) error {
	name, err := excelize.ColumnNumberToName(number)
	if err != nil {
		return err
	}
	err = errors.Join(book.SetColWidth(sheet, name, name, 18), book.SetCellStr(sheet, name+"1", column.name))
	for i, c := range charges {
		text, at := column.of(c), name+strconv.Itoa(i+2)
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
