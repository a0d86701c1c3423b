package web

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	invoiceplan "github.com/creditmill/creditmill/invoice/plan"
)

// holdCode says why a charge is held.
type holdCode = invoiceplan.HoldCode

// charge is an entry of `invoice preview`, as far as pages show it.
type charge struct {
	ID             string           `json:"charge_id"`
	CustomerID     string           `json:"customer_id"`
	StripeCustomer string           `json:"stripe_customer"`
	Product        string           `json:"product"`
	CreditSystem   string           `json:"credit_system"`
	Kind           string           `json:"kind"`
	PeriodStart    time.Time        `json:"period_start"`
	PeriodEnd      time.Time        `json:"period_end"`
	Currency       string           `json:"currency"`
	Billable       decimal.Decimal  `json:"billable_credits"`
	Billed         decimal.Decimal  `json:"billed_credits"`
	AmountExact    decimal.Decimal  `json:"amount_exact"`
	AmountMinor    int64            `json:"amount_minor"`
	Residual       decimal.Decimal  `json:"residual"`
	Lines          []line           `json:"lines"`
	Status         string           `json:"status"`
	HoldReason     string           `json:"hold_reason"`
	HoldCodes      []holdCode       `json:"hold_codes"`
	Granted        *decimal.Decimal `json:"granted"`
	Overage        *decimal.Decimal `json:"overage"`
	Capped         *decimal.Decimal `json:"capped"`
	Used           decimal.Decimal  `json:"used"`
	PerCredit      *decimal.Decimal `json:"per_credit"`
	PreviousMinor  *int64           `json:"previous_minor"`
	ChangeMinor    *int64           `json:"change_minor"`
	ChangePercent  string           `json:"change_percent"`

	Tax struct {
		Behavior string `json:"behavior"`
		Code     string `json:"code"`
	} `json:"tax"`

	// Period and needle are for filters: the period's days, and what a search finds.
	Period string `json:"-"`
	needle string
}

// line is a feature's share of a charge.
type line struct {
	FeatureID   string          `json:"feature_id"`
	Tokens      decimal.Decimal `json:"tokens"`
	Credits     decimal.Decimal `json:"credits"`
	AmountMinor int64           `json:"amount_minor"`
	Days        []explainedDay  `json:"days"`
}

// plan is a preview: what would be charged as of a time.
type plan struct {
	SHA     string    `json:"plan_sha"`
	AsOf    time.Time `json:"as_of"`
	Charges []charge  `json:"charges"`
	Notes   []string  `json:"notes"`
	Zone    *time.Location
	madeAt  time.Time
	asked   string
	written uint64
}

// planKept is how long a preview is shown again before it is made anew. What a form does with it says its hash and its
// time, and is refused where it is no longer so. Whatever a request writes ends it at once.
const planKept = time.Minute

// plans keeps the last preview: a filter does not price all usage again. One is made at a time.
type plans struct {
	mu   sync.Mutex
	last *plan
}

// plan is the preview as of a time; empty for now. Fresh makes it anew. Nobody who may not ask for it gets the one that
// is kept: pages check roles before.
func (v *view) plan(asOf string, fresh bool) (*plan, error) {
	p := v.app.plans
	p.mu.Lock()
	defer p.mu.Unlock()
	now := v.app.config.Wall()
	if last := p.last; last != nil && !fresh && last.asked == asOf && last.written == v.app.api.Written() &&
		now.Sub(last.madeAt) < planKept {
		return last, nil
	}
	asked := asOf
	if asOf == "" {
		asked = v.app.config.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
	}
	made := &plan{madeAt: now, asked: asOf, written: v.app.api.Written()}
	_, err := v.ask(http.MethodGet, address("/v1/invoices/preview", "as_of", asked), nil, made)
	if err != nil {
		return nil, err
	}
	made.Zone = v.zone()
	for i := range made.Charges {
		one := &made.Charges[i]
		one.Period = days(one.PeriodStart, one.PeriodEnd, made.Zone)
		one.needle = strings.ToLower(strings.Join([]string{one.CustomerID, one.Product, one.StripeCustomer, one.ID}, "\n"))
	}
	p.last = made
	return made, nil
}

// zone is the accounting timezone.
func (v *view) zone() *time.Location {
	catalog, err := v.app.config.Catalog()
	if err != nil {
		return time.UTC // the page that needs the catalog says what is wrong with it
	}
	return catalog.Timezone
}

// days writes a period in a timezone: dates where it begins and ends at midnight, else minutes.
func days(start, end time.Time, zone *time.Location) string {
	start, end = start.In(zone), end.In(zone)
	layout := "2006-01-02 15:04"
	if start.Format("15:04:05.999") == "00:00:00" && end.Format("15:04:05.999") == "00:00:00" {
		layout = time.DateOnly
	}
	return start.Format(layout) + " to " + end.Format(layout)
}

// released is how a reason says by which command a person ends it; a page has a form for it.
var released = regexp.MustCompile("; release it with `creditmill invoice release [^`]*`")

// Reasons are why it is held, in words for who reads a page.
func (c *charge) Reasons() string { return released.ReplaceAllString(c.HoldReason, "") }

// Person tells whether a person can let the charge go.
func (c *charge) Person() bool { return slices.ContainsFunc(c.HoldCodes, holdCode.Releasable) }

// held are the codes as texts, for sums and filters.
func (c *charge) held() []string {
	texts := make([]string, 0, len(c.HoldCodes))
	for _, code := range c.HoldCodes {
		texts = append(texts, string(code))
	}
	return texts
}

// Label is what kind of charge it is, where it is no overage.
func (c *charge) Label() string {
	if c.Kind == "overage" {
		return ""
	}
	return c.Kind
}

// sum is a part of the charges: how many, and what they come to by currency.
type sum struct {
	Name   string
	Label  string
	Count  int
	Minor  map[string]int64
	Link   string
	Active bool
}

func (s *sum) add(c *charge) {
	if s.Minor == nil {
		s.Minor = map[string]int64{}
	}
	s.Count++
	s.Minor[c.Currency] += c.AmountMinor
}

// heldSums adds charges up by the codes of their holds, each with a link.
func heldSums(charges []*charge, link func(code string) string) []*sum {
	list := sumsBy(charges, (*charge).held)
	for _, one := range list {
		one.Label, one.Link = holdCode(one.Name).Label(), link(one.Name)
	}
	return list
}

// sumsBy adds charges up by what they have, the largest first.
func sumsBy(charges []*charge, of func(*charge) []string) []*sum {
	byName := map[string]*sum{}
	var list []*sum
	for _, c := range charges {
		for _, name := range of(c) {
			if byName[name] == nil {
				byName[name] = &sum{Name: name}
				list = append(list, byName[name])
			}
			byName[name].add(c)
		}
	}
	slices.SortFunc(list, func(a, b *sum) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Name, b.Name)) })
	return list
}
