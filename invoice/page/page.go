// Package page writes a plan as one HTML file that loads nothing: the preview that people look at (Page.Write).
//
// It knows a plan and how it looks. It never knows where the plan came from, and asks nobody.
package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string

	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageHTML)) })
)

// Page is a plan as one self-contained HTML file: it loads nothing and runs its own script only.
type Page struct {
	Plan plan.Plan
	// Days are the plan's charges in its order, as Runner.Days gives them. Nil: the page has no spend by day.
	Days iter.Seq2[plan.ChargeDays, error]
	// Timezone is the accounting calendar's.
	Timezone *time.Location
	// Systems are the names of credit systems by id; one that is missing is shown by its id.
	Systems map[string]string
}

// Write writes the page. The charges, of which there may be very many, are written as they come.
func (p Page) Write(w io.Writer) error {
	frame, err := p.frame()
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	before, after, found := bytes.Cut(frame, []byte(noCharges)) // no text of the data holds a bare quotation mark
	if !found {
		return fmt.Errorf("write page: %w: its data is not in it", plan.ErrInvariant)
	}
	_, err = w.Write(append(before, noCharges[:len(noCharges)-1]...))
	if err == nil {
		err = p.writeCharges(w)
	}
	if err == nil {
		_, err = w.Write(append([]byte{']'}, after...))
	}
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// noCharges is how the list of charges stands in the frame.
const noCharges = `"charges":[]`

// frame is the page without charges.
func (p Page) frame() ([]byte, error) {
	totals, currencies := p.totals()
	// encoding/json escapes <, > and &, so that no text of the data can end the script element.
	data, err := json.Marshal(pageData{Currencies: currencies, Systems: p.systems(), Charges: []pageCharge{}})
	if err != nil {
		return nil, err
	}
	asOf := p.Plan.AsOf.In(p.Timezone)
	shown := asOf.Format("2 January 2006 15:04 MST")
	if asOf.Equal(time.Date(asOf.Year(), asOf.Month(), asOf.Day(), 0, 0, 0, 0, p.Timezone)) {
		shown = asOf.Format("2 January 2006")
	}
	var page bytes.Buffer
	err = pageTemplate().Execute(&page, map[string]any{
		"AsOf": shown, "AsOfInstant": p.Plan.AsOf.UTC().Format(time.RFC3339), "Totals": totals, "SHA": p.Plan.SHA,
		"ShortSHA": p.Plan.SHA[:12], "Timezone": p.Timezone.String(),
		"Style": template.CSS(pageCSS), "StyleHash": sourceHash(pageCSS),
		"Script": template.JS(pageJS), "ScriptHash": sourceHash(pageJS),
		"Data": template.JS(data),
	})
	return page.Bytes(), err
}

// writeCharges writes the elements of the list of charges.
func (p Page) writeCharges(w io.Writer) error {
	context, charges := p.Plan.Context(), p.Days
	if charges == nil {
		charges = p.Plan.WithoutDays()
	}
	var failed error
	chunks := func(yield func([]plan.ChargeDays) bool) {
		chunk := make([]plan.ChargeDays, 0, plan.ChargesAtOnce)
		for charge, err := range charges {
			if err != nil {
				failed = err
				return
			}
			chunk = append(chunk, charge)
			if len(chunk) == plan.ChargesAtOnce {
				if !yield(chunk) {
					return
				}
				chunk = make([]plan.ChargeDays, 0, plan.ChargesAtOnce)
			}
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
	encode := func(charges []plan.ChargeDays) ([]byte, error) {
		shown := make([]pageCharge, len(charges))
		for i, charge := range charges {
			shown[i] = p.charge(context.Entry(charge.Charge), charge.Days)
		}
		return json.Marshal(shown)
	}
	first := true
	err := plan.SideBySide(chunks, encode, func(list []byte) error {
		list[0] = ',' // in the place of its bracket
		if first {
			list = list[1:]
		}
		first = false
		_, err := w.Write(list[:len(list)-1])
		return err
	})
	return errors.Join(err, failed)
}

// sourceHash names a style or script in the page's Content-Security-Policy, so that nothing else runs in it.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// pageTotals are the sums of one currency as the page writes them.
type pageTotals struct {
	Currency, Ready, Held, Posted      string
	ReadyCount, HeldCount, PostedCount string
	Change                             string
	ready, held, posted                int
	previousMinor, comparedMinor       int64
}

// pageCurrency is what the script needs to write an amount.
type pageCurrency struct {
	Symbol   string `json:"symbol"`
	Exponent int32  `json:"exponent"`
}

func (p Page) totals() ([]pageTotals, map[string]pageCurrency) {
	byCode := map[string]*pageTotals{}
	currencies := map[string]pageCurrency{}
	sums := p.Plan.Totals()
	context := p.Plan.Context()
	for _, charge := range p.Plan.Charges {
		sum := byCode[charge.Currency]
		if sum == nil {
			sum = &pageTotals{Currency: charge.Currency}
			byCode[charge.Currency] = sum
		}
		switch charge.Status {
		case plan.StatusReady:
			sum.ready++
			whole, compared := charge.Compared()
			if previous := context.PreviousMinor(charge); compared && previous > 0 {
				sum.previousMinor += previous
				sum.comparedMinor += whole - previous
			}
		case plan.StatusHeld:
			sum.held++
		case plan.StatusPosted:
			sum.posted++
		}
	}
	result := []pageTotals{}
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		currency := money.Displayed(code)
		currencies[code] = pageCurrency{Symbol: currency.Symbol, Exponent: currency.Exponent}
		sum := byCode[code]
		sum.Ready, sum.Held = currency.Format(sums[code].ReadyMinor), currency.Format(sums[code].HeldMinor)
		sum.Posted = currency.Format(sums[code].PostedMinor)
		sum.ReadyCount, sum.HeldCount, sum.PostedCount = count(sum.ready), count(sum.held), count(sum.posted)
		if text := plan.Percent(sum.comparedMinor, sum.previousMinor); text != "" {
			sum.Change = text
		}
		result = append(result, *sum)
	}
	return result, currencies
}

func count(charges int) string {
	if charges == 1 {
		return "1 charge"
	}
	return money.Currency{}.Format(int64(charges)) + " charges" // of no currency: digits and commas alone
}

// pageData is what the script reads.
type pageData struct {
	Currencies map[string]pageCurrency `json:"currencies"`
	Systems    map[string]string       `json:"systems"`
	Charges    []pageCharge            `json:"charges"`
}

// pageCharge is an entry for the script; figures are texts, since JavaScript's numbers are not exact.
type pageCharge struct {
	ID       string           `json:"id"`
	Customer string           `json:"customer"`
	Stripe   string           `json:"stripe,omitempty"`
	Product  string           `json:"product"`
	System   string           `json:"system"`
	Kind     string           `json:"kind"`
	Period   string           `json:"period"`
	Status   string           `json:"status"`
	Reason   string           `json:"reason,omitempty"`
	Currency string           `json:"currency"`
	Granted  *decimal.Decimal `json:"granted,omitempty"`
	Used     decimal.Decimal  `json:"used"`
	Overage  *decimal.Decimal `json:"overage,omitempty"`
	Capped   *decimal.Decimal `json:"capped,omitempty"`
	Price    *decimal.Decimal `json:"price,omitempty"`
	Tiers    []schemas.Tier   `json:"tiers,omitempty"`
	Mode     string           `json:"tiers_mode,omitempty"`
	Minimum  decimal.Decimal  `json:"minimum,omitzero"`
	Within   int64            `json:"within,string,omitempty"`
	Billable decimal.Decimal  `json:"billable"`
	Billed   decimal.Decimal  `json:"billed"`
	Exact    decimal.Decimal  `json:"exact"`
	Minor    int64            `json:"minor,string"`
	Tax      string           `json:"tax,omitempty"`
	PartOf   string           `json:"part_of,omitempty"`
	Residual decimal.Decimal  `json:"residual"`
	Change   *int64           `json:"change,string,omitempty"`
	Percent  string           `json:"percent,omitempty"`
	// Lines are feature, tokens, credits, minor units, and pairs of a unit that is no tokens and its quantity. Days are
	// pairs of a day and credits, Span the period's first and last day, in days since 1970.
	Lines [][5]any `json:"lines"`
	Days  [][2]any `json:"days,omitempty"`
	Span  [2]int64 `json:"span"`
}

// systems are the names of the credit systems that the charges are of.
func (p Page) systems() map[string]string {
	names := map[string]string{}
	for _, charge := range p.Plan.Charges {
		names[charge.CreditSystem] = cmp.Or(p.Systems[charge.CreditSystem], charge.CreditSystem)
	}
	return names
}

func (p Page) charge(entry plan.Entry, days []aggregate.DaySpend) pageCharge {
	charge := pageCharge{
		ID: entry.ID, Customer: entry.CustomerID, Stripe: entry.StripeCustomer, Product: entry.Product,
		System: entry.CreditSystem, Kind: entry.Kind, Period: p.period(entry.Charge), Status: entry.Status,
		Reason: entry.HoldReason, Currency: entry.Currency, Granted: entry.Granted, Used: entry.Used,
		Overage: entry.Overage, Capped: entry.Capped, Price: entry.PerCredit, Tiers: entry.Tiers,
		Mode: entry.TiersMode, Minimum: entry.Minimum, Within: entry.WithinMinor,
		Billable: entry.BillableCredits, Billed: entry.BilledCredits,
		Exact: entry.AmountExact, Minor: entry.AmountMinor, Tax: entry.TaxText(), PartOf: entry.PartOf,
		Residual: entry.Residual,
		Change:   entry.ChangeMinor, Percent: entry.ChangePercent, Lines: make([][5]any, 0, len(entry.Lines)),
		Span: [2]int64{p.day(entry.PeriodStart), p.day(entry.PeriodEnd.Add(-time.Nanosecond))},
	}
	for _, line := range entry.Lines {
		units := [][2]string{}
		for _, amount := range line.Units {
			units = append(units, [2]string{amount.Unit, amount.Quantity.String()})
		}
		charge.Lines = append(charge.Lines, [5]any{
			line.FeatureID, line.Tokens.String(), line.Credits.String(), strconv.FormatInt(line.AmountMinor, 10), units,
		})
	}
	for _, day := range days {
		charge.Days = append(charge.Days, [2]any{day.Day.Unix() / secondsPerDay, day.Credits})
	}
	return charge
}

const secondsPerDay = 86400

// day is the accounting day of an instant, in days since 1970.
func (p Page) day(t time.Time) int64 {
	year, month, day := t.In(p.Timezone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
}

// period writes a period in the accounting timezone: dates where it begins and ends at midnight, else minutes.
func (p Page) period(charge plan.Charge) string {
	start, end := charge.PeriodStart.In(p.Timezone), charge.PeriodEnd.In(p.Timezone)
	layout := "2006-01-02 15:04"
	if start.Format("15:04:05.999") == "00:00:00" && end.Format("15:04:05.999") == "00:00:00" {
		layout = time.DateOnly
	}
	return start.Format(layout) + " to " + end.Format(layout)
}
