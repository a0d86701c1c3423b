package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// costReports is a row of /v1/costs.
type costReports struct {
	Provider string    `json:"provider"`
	Kind     string    `json:"kind"`
	FirstDay time.Time `json:"first_day"`
	LastDay  time.Time `json:"last_day"`
}

// difference is a row of `reconcile-usage`.
type difference struct {
	Provider      string          `json:"-"`
	Day           string          `json:"day"`
	Model         string          `json:"model"`
	BilledInput   decimal.Decimal `json:"billed_input_tokens"`
	LoggedInput   decimal.Decimal `json:"logged_input_tokens"`
	MissingInput  decimal.Decimal `json:"missing_input_tokens"`
	BilledOutput  decimal.Decimal `json:"billed_output_tokens"`
	LoggedOutput  decimal.Decimal `json:"logged_output_tokens"`
	MissingOutput decimal.Decimal `json:"missing_output_tokens"`
	Within        bool            `json:"within_tolerance"`
}

// missing is what a provider counted of a model in a month, and the logs lack.
type missing struct {
	Provider, Model             string
	BilledInput, MissingInput   decimal.Decimal
	BilledOutput, MissingOutput decimal.Decimal
	// Beyond are the days that are further apart than the tolerance, of Days.
	Beyond []*difference
	Days   int
}

// missingTolerance is that of the page.
const missingTolerance = "1%"

// differences are those of all providers in a month, by day and model, and the kinds of reports that hold the month.
func (v *view) differences(month string) (found []*difference, kinds []string, err error) {
	from, err := time.Parse(monthLayout, month)
	if err != nil {
		return nil, nil, err
	}
	to := from.AddDate(0, 1, 0)
	var reports []costReports
	if _, err := v.ask(http.MethodGet, "/v1/costs", nil, &reports); err != nil {
		return nil, nil, err
	}
	for _, each := range reports {
		if each.LastDay.Before(from) || !each.FirstDay.Before(to) {
			continue
		}
		kinds = append(kinds, each.Kind)
		if each.Kind != "usage" {
			continue
		}
		var own []*difference
		_, err := v.ask(http.MethodGet, address("/v1/reconcile-usage", "provider", each.Provider,
			"from", from.Format(time.DateOnly), "to", to.Format(time.DateOnly), "tolerance", missingTolerance), nil, &own)
		if refused := (*problem)(nil); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			continue // its reports are of other months
		}
		if err != nil {
			return nil, nil, err
		}
		for _, one := range own {
			one.Provider = each.Provider
		}
		found = append(found, own...)
	}
	return found, kinds, nil
}

// missing adds to the page what was billed that the logs lack; false where the page has said what is wrong.
func (v *view) missing(p *marginPage) bool {
	found, kinds, err := v.differences(p.Asked.Month)
	if err != nil {
		v.failed(err)
		return false
	}
	p.Bills = slices.Contains(kinds, "cost")
	if len(found) == 0 {
		p.MissingNote = "No provider's usage report of this month is loaded."
		return true
	}
	byModel := map[[2]string]*missing{}
	for _, one := range found {
		key := [2]string{one.Provider, one.Model}
		if byModel[key] == nil {
			byModel[key] = &missing{Provider: one.Provider, Model: one.Model}
			p.Missing = append(p.Missing, byModel[key])
		}
		byModel[key].add(one)
	}
	slices.SortStableFunc(p.Missing, func(a, b *missing) int {
		return cmp.Or(b.MissingInput.Add(b.MissingOutput).Cmp(a.MissingInput.Add(a.MissingOutput)),
			cmp.Compare(a.Model, b.Model))
	})
	return true
}

func (m *missing) add(one *difference) {
	m.Days++
	m.BilledInput, m.MissingInput = m.BilledInput.Add(one.BilledInput), m.MissingInput.Add(one.MissingInput)
	m.BilledOutput, m.MissingOutput = m.BilledOutput.Add(one.BilledOutput), m.MissingOutput.Add(one.MissingOutput)
	if !one.Within {
		m.Beyond = append(m.Beyond, one)
	}
}

// differenceFields are the columns of what is missing by day.
var differenceFields = []field[*difference]{
	{"provider", false, func(d *difference) string { return d.Provider }},
	{"day", false, func(d *difference) string { return d.Day }},
	{"model", false, func(d *difference) string { return d.Model }},
	{"billed_input_tokens", true, func(d *difference) string { return d.BilledInput.String() }},
	{"logged_input_tokens", true, func(d *difference) string { return d.LoggedInput.String() }},
	{"missing_input_tokens", true, func(d *difference) string { return d.MissingInput.String() }},
	{"billed_output_tokens", true, func(d *difference) string { return d.BilledOutput.String() }},
	{"logged_output_tokens", true, func(d *difference) string { return d.LoggedOutput.String() }},
	{"missing_output_tokens", true, func(d *difference) string { return d.MissingOutput.String() }},
	{"within_tolerance", false, func(d *difference) string { return strconv.FormatBool(d.Within) }},
}

func missingCSV(v *view) {
	asked := readMarginAsked(v.r.URL.Query(), v.app.config.Now().In(v.zone()))
	found, _, err := v.differences(asked.Month)
	if err != nil {
		v.failed(err)
		return
	}
	v.attach("text/csv; charset=utf-8", "creditmill-not-in-logs-"+asked.Month+".csv")
	saveCSV(v, differenceFields, found)
}
