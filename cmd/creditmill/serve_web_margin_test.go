package main

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/creditmill/creditmill/invoice/export"
	"github.com/creditmill/creditmill/serve"
)

// rowsOf are the rows of a table that is saved as CSV.
func (b *browsing) rowsOf(path string) [][]string {
	b.Helper()
	got := b.get(path)
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || got.status != http.StatusOK {
		b.Fatalf("%s: %d %v\n%s", path, got.status, err, got.body)
	}
	return rows
}

// webMargin: the page, its tables and the command have one margin, however it is grouped, and the page has what was
// billed that the logs lack.
func webMargin(s *served) {
	b := s.browse().signIn(serve.RoleFinance)
	var month export.Margin
	for _, by := range []string{"customer", "model", "product"} {
		s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/margin?period=2026-10&test_mode=true&by="+by, "", &month)
		rows := b.rowsOf("/margin.csv?month=2026-10&by=" + by)
		if len(rows) != len(month.Rows)+1 || len(month.Rows) < 2 {
			s.Errorf("by %s: %d rows, want those of %+v", by, len(rows)-1, month.Rows)
		}
		if sum := sumOf(s, rows, "margin_minor"); sum != month.MarginMinor || month.CostMinor != 102775 ||
			month.RevenueMinor <= 0 {
			s.Errorf("by %s: %d, want the margin of %+v", by, sum, month)
		}
		if least := column(rows, "margin_minor"); !slices.IsSortedFunc(least, func(x, y string) int {
			return int(number64(s, x) - number64(s, y))
		}) {
			s.Errorf("by %s: %v, want the lowest first", by, least)
		}
	}
	page := b.get("/margin?month=2026-10&by=model")
	b.shows(page, "large-model", "$900.00", "$1,027.75", "cost of small-model in eur", "=never <b>logged",
		"Billed, and not in the logs", "1 of 2 days", "2026-10-02: input 500, output 10", "the lowest margin first")
	if names := column(b.rowsOf("/margin.csv?month=2026-10&by=model&sort=name&q=M-MODEL"), "name"); !slices.Equal(names,
		[]string{"medium-model"}) {
		s.Errorf("%q", names)
	}
	if names := column(b.rowsOf("/margin.csv?month=2026-10&by=model&q=never"), "name"); !slices.Equal(names,
		[]string{"'=never <b>logged"}) {
		s.Errorf("%q", names)
	}
	months := b.rowsOf("/margin.csv?month=2026-11&by=month")
	if names := column(months, "name"); len(names) != 5 || names[0] != "2026-06" || names[4] != "2026-10" ||
		number64(s, column(months, "margin_minor")[4]) != month.MarginMinor {
		s.Errorf("%v", months)
	}
	b.shows(b.get("/margin?month=2026-11"), "Journal of 2026-11: its usage is not aggregated to its end")
	if got := b.get("/margin.csv?month=2026-11"); got.status != http.StatusConflict {
		s.Errorf("%d", got.status)
	}
	missing := b.rowsOf("/margin-missing.csv?month=2026-10")
	if got := column(missing, "missing_input_tokens"); !slices.Equal(got, []string{"500", "0"}) {
		s.Errorf("%v", missing)
	}
	book, err := excelize.OpenReader(strings.NewReader(b.get("/margin.xlsx?month=2026-10&by=product").body))
	if err != nil {
		s.Fatal(err)
	}
	if sheets := book.GetSheetList(); !slices.Equal(sheets, []string{"Margin by product", "Not in the logs"}) {
		s.Errorf("%q", sheets)
	}
	b.shows(b.get("/margin?month=2026-09"), "No provider's usage report of this month is loaded")
	b.shows(b.get("/margin?month=x&by=y&page=7"), `<option selected>2026-10</option>`)
	s.want(http.StatusNotFound, serve.RoleFinance, "GET", "/v1/reconcile-usage?provider=none", "", nil)
	s.want(http.StatusBadRequest, serve.RoleFinance, "GET", "/v1/margin", "", nil)
	var reports []json.RawMessage
	if s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/costs", "", &reports); len(reports) != 2 {
		s.Errorf("%s", reports)
	}
}

// column is one of a table.
func column(rows [][]string, name string) (values []string) {
	at := slices.Index(rows[0], name)
	for _, row := range rows[1:] {
		values = append(values, row[at])
	}
	return values
}

func number64(s *served, text string) int64 {
	s.Helper()
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.Fatal(err)
	}
	return value
}

func sumOf(s *served, rows [][]string, name string) (sum int64) {
	s.Helper()
	for _, text := range column(rows, name) {
		sum += number64(s, text)
	}
	return sum
}
