package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	invoiceplan "github.com/creditmill/creditmill/invoice/plan"
)

// margin is the JSON of `margin`.
type margin struct {
	Month        string      `json:"month"`
	Currency     string      `json:"currency"`
	RevenueMinor int64       `json:"revenue_minor"`
	CostMinor    int64       `json:"cost_minor"`
	MarginMinor  int64       `json:"margin_minor"`
	Rows         []marginRow `json:"rows"`
	LeftOut      []struct {
		Product string `json:"product"`
		Reason  string `json:"reason"`
		Count   int    `json:"count"`
	} `json:"left_out"`
	Note string `json:"-"`
}

// marginRow is that of a customer, a model, a product or a month; Name is empty for what belongs to none.
type marginRow struct {
	Name         string `json:"name"`
	RevenueMinor int64  `json:"revenue_minor"`
	CostMinor    int64  `json:"cost_minor"`
	MarginMinor  int64  `json:"margin_minor"`
	Currency     string `json:"-"`
	Link         string `json:"-"`
}

// Share is the margin of the revenue, in percent to a tenth; empty where there is no revenue.
func (r marginRow) Share() string {
	return strings.TrimPrefix(invoiceplan.Percent(r.MarginMinor, r.RevenueMinor), "+")
}

// byMonth is how a margin is grouped by the page alone: of the months up to one.
const byMonth = "month"

// marginGroups are how a margin can be grouped.
var marginGroups = []string{"customer", "model", "product", byMonth}

// marginMonths are shown by month, marginChoices can be chosen from.
const (
	marginMonths  = 6
	marginChoices = 24
)

// marginAsked is what the reader of the page asked for: it is the page's address.
type marginAsked struct {
	Month, By, Q, Sort string
	Down               bool
	Page               int
}

func readMarginAsked(given url.Values, now time.Time) marginAsked {
	a := marginAsked{
		Month: given.Get("month"), By: given.Get("by"), Q: given.Get("q"), Sort: given.Get("sort"),
		Down: given.Get("dir") == "desc",
	}
	if _, err := time.Parse(monthLayout, a.Month); err != nil {
		first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		a.Month = first.AddDate(0, -1, 0).Format(monthLayout) // the last that has ended
	}
	if !slices.Contains(marginGroups, a.By) {
		a.By = marginGroups[0]
	}
	if page, err := strconv.Atoi(given.Get("page")); err == nil && page > 1 {
		a.Page = page - 1
	}
	return a
}

const monthLayout = "2006-01"

// link is the address of the same with some of it set otherwise.
func (a marginAsked) link(path string, pairs ...string) string {
	values := map[string]string{"month": a.Month, "by": a.By, "q": a.Q, "sort": a.Sort}
	if a.Down {
		values["dir"] = "desc"
	}
	return addressWith(path, values, pairs)
}

// marginOrders are the columns that can be sorted by.
var marginOrders = map[string]func(a, b *marginRow) int{
	"name":    func(a, b *marginRow) int { return cmp.Compare(a.Name, b.Name) },
	"revenue": func(a, b *marginRow) int { return cmp.Compare(a.RevenueMinor, b.RevenueMinor) },
	"cost":    func(a, b *marginRow) int { return cmp.Compare(a.CostMinor, b.CostMinor) },
	"margin":  func(a, b *marginRow) int { return cmp.Compare(a.MarginMinor, b.MarginMinor) },
}

// pick returns the rows that are asked for, in the order that is asked for: the lowest margin first where none is, and
// months as they follow each other.
func (a marginAsked) pick(rows []marginRow) []*marginRow {
	words := strings.Fields(strings.ToLower(a.Q))
	picked := make([]*marginRow, 0, len(rows))
	for i := range rows {
		name := strings.ToLower(rows[i].Name)
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(name, word) }) {
			picked = append(picked, &rows[i])
		}
	}
	order := marginOrders[a.Sort]
	if order == nil && a.By != byMonth {
		order = marginOrders["margin"]
	}
	if order != nil {
		slices.SortStableFunc(picked, func(x, y *marginRow) int {
			if a.Down {
				return order(y, x)
			}
			return order(x, y)
		})
	}
	return picked
}

// columns are the headings of the list.
func (a marginAsked) columns() []column {
	list := []column{
		{Title: strings.ToUpper(a.By[:1]) + a.By[1:], Link: "name"},
		{Title: "Margin", Link: "margin", Number: true}, // first: a phone shows two columns
		{Title: "of revenue", Number: true},
		{Title: "Revenue", Link: "revenue", Number: true},
		{Title: "Cost", Link: "cost", Number: true},
	}
	return sortable(list, a.Sort, a.Down, func(c column) bool { return c.Link == "revenue" || c.Link == "cost" },
		func(pairs ...string) string { return a.link("/margin", pairs...) })
}

// margin is that of a month, or of the months up to it. A month whose usage is not aggregated to its end has none: then
// Note says so.
func (v *view) margin(asked marginAsked) (margin, error) {
	if asked.By != byMonth {
		return v.monthMargin(asked.Month, asked.By)
	}
	last, err := time.Parse(monthLayout, asked.Month)
	if err != nil {
		return margin{}, err
	}
	all := margin{Month: asked.Month}
	for i := range marginMonths {
		one, err := v.monthMargin(last.AddDate(0, i+1-marginMonths, 0).Format(monthLayout), "product")
		if err != nil {
			return margin{}, err
		}
		if all.Note = one.Note; one.Note != "" {
			break // so are those after it
		}
		all.Currency = one.Currency
		all.RevenueMinor, all.CostMinor = all.RevenueMinor+one.RevenueMinor, all.CostMinor+one.CostMinor
		all.MarginMinor += one.MarginMinor
		all.LeftOut = append(all.LeftOut, one.LeftOut...)
		all.Rows = append(all.Rows, marginRow{
			Name: one.Month, RevenueMinor: one.RevenueMinor, CostMinor: one.CostMinor, MarginMinor: one.MarginMinor,
			Currency: one.Currency, Link: address("/margin", "month", one.Month),
		})
	}
	return all, nil
}

// monthMargin is that of the mode that the pages are of: a test key's charges are those of the test mode.
func (v *view) monthMargin(month, by string) (margin, error) {
	testMode := ""
	if _, live, known := v.app.config.Account(v.r.Context()); known && !live {
		testMode = "true"
	}
	var m margin
	_, err := v.ask(http.MethodGet, address("/v1/margin", "period", month, "by", by, "test_mode", testMode), nil, &m)
	if refused := (*problem)(nil); errors.As(err, &refused) && refused.Status == http.StatusConflict {
		m.Note, err = sentence(refused.Error()), nil
	}
	for i := range m.Rows {
		m.Rows[i].Currency = m.Currency
		if by == "customer" && m.Rows[i].Name != "" {
			m.Rows[i].Link = "/customers/" + segment(m.Rows[i].Name)
		}
	}
	return m, err
}

// marginTab is a way to group.
type marginTab struct {
	Name, Link string
	Active     bool
}

type marginPage struct {
	Asked         marginAsked
	Months        []string
	Earlier       string
	Later         string
	Tabs          []marginTab
	Total         marginRow
	Span, Note    string
	LeftOut       []string
	Columns       []column
	Rows          []*marginRow
	All, Found    int
	Before, After string
	Bills         bool
	Missing       []*missing
	MissingNote   string
	CSV, XLSX     string
	MissingCSV    string
}

func showMargin(v *view) {
	now := v.app.config.Now().In(v.zone())
	asked := readMarginAsked(v.r.URL.Query(), now)
	m, err := v.margin(asked)
	if err != nil {
		v.failed(err)
		return
	}
	p := &marginPage{
		Asked: asked, Columns: asked.columns(), Span: asked.Month, Note: m.Note, All: len(m.Rows),
		Total: marginRow{
			RevenueMinor: m.RevenueMinor, CostMinor: m.CostMinor, MarginMinor: m.MarginMinor, Currency: m.Currency,
		},
		CSV: asked.link("/margin.csv"), XLSX: asked.link("/margin.xlsx"), MissingCSV: asked.link("/margin-missing.csv"),
	}
	for _, by := range marginGroups {
		link := asked.link("/margin", "by", by, "sort", "", "dir", "", "q", "")
		p.Tabs = append(p.Tabs, marginTab{by, link, by == asked.By})
	}
	if asked.By == byMonth && len(m.Rows) > 0 {
		p.Span = m.Rows[0].Name + " to " + asked.Month
	}
	for _, left := range m.LeftOut {
		p.LeftOut = append(p.LeftOut, strings.TrimPrefix(left.Product+": "+left.Reason, ": ")+
			" ("+strconv.Itoa(left.Count)+")")
	}
	p.choices(now)
	p.cut(asked.pick(m.Rows))
	if !v.missing(p) {
		return
	}
	v.titled("Margin", p)
}

// choices are the months that can be chosen.
func (p *marginPage) choices(now time.Time) {
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for i := range marginChoices {
		p.Months = append(p.Months, first.AddDate(0, -i, 0).Format(monthLayout))
	}
	chosen, err := time.Parse(monthLayout, p.Asked.Month)
	if err != nil {
		return // it was read before
	}
	if !slices.Contains(p.Months, p.Asked.Month) {
		p.Months = append(p.Months, p.Asked.Month)
	}
	p.Earlier = p.Asked.link("/margin", "month", chosen.AddDate(0, -1, 0).Format(monthLayout))
	if chosen.Before(first) {
		p.Later = p.Asked.link("/margin", "month", chosen.AddDate(0, 1, 0).Format(monthLayout))
	}
}

// cut keeps the rows of one page.
func (p *marginPage) cut(picked []*marginRow) {
	p.Found = len(picked)
	page := p.Asked.Page
	first, last := min(page*pageRows, len(picked)), min((page+1)*pageRows, len(picked))
	p.Rows = picked[first:last]
	if first > 0 {
		p.Before = p.Asked.link("/margin", "page", itoa(page))
	}
	if last < len(picked) {
		p.After = p.Asked.link("/margin", "page", itoa(page+2))
	}
}

// marginFields are the columns of a margin that is saved.
var marginFields = []field[*marginRow]{
	{"name", false, func(r *marginRow) string { return r.Name }},
	{"currency", false, func(r *marginRow) string { return r.Currency }},
	{"revenue_minor", true, func(r *marginRow) string { return strconv.FormatInt(r.RevenueMinor, 10) }},
	{"cost_minor", true, func(r *marginRow) string { return strconv.FormatInt(r.CostMinor, 10) }},
	{"margin_minor", true, func(r *marginRow) string { return strconv.FormatInt(r.MarginMinor, 10) }},
	{"margin_of_revenue", false, func(r *marginRow) string { return r.Share() }},
}

// savedMargin are the rows that are asked for; ok is false where the page has said what is wrong.
func (v *view) savedMargin(contentType, suffix string) (asked marginAsked, rows []*marginRow, ok bool) {
	asked = readMarginAsked(v.r.URL.Query(), v.app.config.Now().In(v.zone()))
	m, err := v.margin(asked)
	if err == nil && m.Note != "" && len(m.Rows) == 0 {
		err = &problem{Status: http.StatusConflict, Detail: m.Note}
	}
	if err != nil {
		v.failed(err)
		return asked, nil, false
	}
	v.attach(contentType, "creditmill-margin-"+asked.Month+"-"+asked.By+suffix)
	return asked, asked.pick(m.Rows), true
}

// attach has a browser save the answer under a name.
func (v *view) attach(contentType, name string) {
	v.w.Header().Set("Content-Type", contentType)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

func marginCSV(v *view) {
	if _, rows, ok := v.savedMargin("text/csv; charset=utf-8", ".csv"); ok {
		saveCSV(v, marginFields, rows)
	}
}

// marginXLSX has what the logs lack beside the margin.
func marginXLSX(v *view) {
	asked := readMarginAsked(v.r.URL.Query(), v.app.config.Now().In(v.zone()))
	found, _, err := v.differences(asked.Month)
	if err != nil {
		v.failed(err)
		return
	}
	if asked, rows, ok := v.savedMargin(xlsxType, ".xlsx"); ok {
		saveXLSX(v, sheetOf("Margin by "+asked.By, marginFields, rows), sheetOf("Not in the logs", differenceFields, found))
	}
}
