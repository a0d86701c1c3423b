package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// customer is a row of `customers`.
type customer struct {
	CustomerID         string     `json:"customer_id"`
	Product            string     `json:"product"`
	AddOns             []string   `json:"add_ons"`
	Since              *time.Time `json:"since"`
	StripeCustomer     string     `json:"stripe_customer"`
	StripeSubscription string     `json:"stripe_subscription"`
	LastEvent          *time.Time `json:"last_event"`
}

// customersPage lists those that a search finds.
type customersPage struct {
	Q             string
	Customers     []customer
	Found, All    int
	Before, After string
}

func showCustomers(v *view) {
	var all []customer
	if !v.read("/v1/customers", &all) {
		return
	}
	f, _ := readFilter(v.r.URL.Query()) // amounts are not asked for here
	found := slices.DeleteFunc(slices.Clone(all), func(c customer) bool {
		text := strings.ToLower(strings.Join([]string{c.CustomerID, c.Product, c.StripeCustomer, c.StripeSubscription}, "\n"))
		return slices.ContainsFunc(strings.Fields(strings.ToLower(f.Q)), func(word string) bool {
			return !strings.Contains(text, word)
		})
	})
	p := customersPage{Q: f.Q, Found: len(found), All: len(all)}
	first, last := min(f.Page*pageRows, len(found)), min((f.Page+1)*pageRows, len(found))
	p.Customers = found[first:last]
	if first > 0 {
		p.Before = f.link("/customers", "page", itoa(f.Page))
	}
	if last < len(found) {
		p.After = f.link("/customers", "page", itoa(f.Page+2))
	}
	v.titled("Customers", p)
}

// period is a row of /v1/customers/{id}/periods.
type period struct {
	CreditSystem  string     `json:"credit_system"`
	Product       string     `json:"product"`
	PeriodStart   time.Time  `json:"period_start"`
	PeriodEnd     *time.Time `json:"period_end"`
	Granted       *string    `json:"granted"`
	Used          string     `json:"used"`
	Remaining     *string    `json:"remaining"`
	Overage       string     `json:"overage"`
	Billable      string     `json:"billable"`
	UnratedEvents uint64     `json:"unrated_events"`
	Days          string     `json:"-"`
}

// balance is a row of /v1/customers/{id}/balances.
type balance struct {
	Product      string           `json:"product"`
	CreditSystem string           `json:"credit_system"`
	PeriodStart  time.Time        `json:"period_start"`
	PeriodEnd    *time.Time       `json:"period_end"`
	Granted      *decimal.Decimal `json:"granted"`
	Used         decimal.Decimal  `json:"used"`
	Remaining    *decimal.Decimal `json:"remaining"`
	Overage      decimal.Decimal  `json:"overage"`
	Name         string           `json:"-"`
}

// frozen is a row of /v1/customers/{id}/charges.
type frozen struct {
	ChargeID      string     `json:"charge_id"`
	Product       string     `json:"product"`
	CreditSystem  string     `json:"credit_system"`
	Kind          string     `json:"kind"`
	PeriodStart   time.Time  `json:"period_start"`
	PeriodEnd     time.Time  `json:"period_end"`
	Currency      string     `json:"currency"`
	AmountMinor   int64      `json:"amount_minor"`
	State         string     `json:"state"`
	StripeID      string     `json:"stripe_id"`
	PostedAt      *time.Time `json:"posted_at"`
	InvoiceID     string     `json:"invoice_id"`
	InvoiceStatus string     `json:"invoice_status"`
	Days          string     `json:"-"`
}

// grant is a row of `grants`.
type grant struct {
	GrantID      string     `json:"grant_id"`
	CreditSystem string     `json:"credit_system"`
	Credits      string     `json:"credits"`
	StartsAt     time.Time  `json:"starts_at"`
	ExpiresAt    *time.Time `json:"expires_at"`
	Reason       string     `json:"reason"`
	Every        string     `json:"every"`
	RevokedAt    *time.Time `json:"revoked_at"`
}

// customerPage is all of one customer.
type customerPage struct {
	ID       string
	Customer customer
	Known    bool
	Balances []balance
	Burns    []*months
	Usage    *months
	Planned  []*charge
	Frozen   []frozen
	Grants   []grant
	Periods  []period
}

func showCustomer(v *view) {
	id := v.r.PathValue("id")
	path := "/v1/customers/" + segment(id)
	p := &customerPage{ID: id}
	_, err := v.ask(http.MethodGet, path, nil, &p.Customer)
	p.Known = err == nil
	if !v.read(path+"/periods", &p.Periods) || !v.read(path+"/charges", &p.Frozen) || !v.read(path+"/grants", &p.Grants) ||
		!v.read(path+"/balances", &p.Balances) {
		return
	}
	if !p.Known && len(p.Periods)+len(p.Frozen)+len(p.Grants) == 0 {
		v.app.fail(v.w, v.r, v.session, http.StatusNotFound, "No usage, subscription or grant has this customer.")
		return
	}
	zone := v.zone()
	for i := range p.Periods {
		p.Periods[i].Days = openDays(p.Periods[i].PeriodStart, p.Periods[i].PeriodEnd, zone)
	}
	for i := range p.Frozen {
		p.Frozen[i].Days = days(p.Frozen[i].PeriodStart, p.Frozen[i].PeriodEnd, zone)
	}
	planned, err := v.plan("", false)
	if err != nil {
		v.failed(err)
		return
	}
	for i := range planned.Charges {
		if c := &planned.Charges[i]; c.CustomerID == id && c.Status != "posted" {
			p.Planned = append(p.Planned, c)
		}
	}
	v.burns(p, zone)
	v.titled(id, p)
}

// openDays writes a period that may never end.
func openDays(start time.Time, end *time.Time, zone *time.Location) string {
	if end == nil {
		return "from " + start.In(zone).Format(time.DateOnly)
	}
	return days(start, *end, zone)
}

// burns draws what was left and what was used of each credit system in the last three months.
func (v *view) burns(p *customerPage, zone *time.Location) {
	now := v.app.config.Now()
	from, to := span(now.In(zone), 3)
	var rows []daily
	if _, err := v.ask(http.MethodGet, address("/v1/usage", "from", from.Format(time.DateOnly),
		"to", to.Format(time.DateOnly), "customer", p.ID), nil, &rows); err != nil {
		return
	}
	names := v.systems()
	bySystem, order := map[string][]period{}, []string{}
	for _, one := range p.Periods {
		if bySystem[one.CreditSystem] == nil {
			order = append(order, one.CreditSystem)
		}
		bySystem[one.CreditSystem] = append(bySystem[one.CreditSystem], one)
	}
	for i := range p.Balances {
		p.Balances[i].Name = cmp.Or(names[p.Balances[i].CreditSystem], p.Balances[i].CreditSystem)
	}
	for _, system := range order {
		own := slices.DeleteFunc(slices.Clone(rows), func(row daily) bool { return row.CreditSystem != system })
		title := cmp.Or(names[system], system) + " left"
		if chart := burnDown(title, bySystem[system], own, from, to, now, zone); chart != nil {
			p.Burns = append(p.Burns, chart)
		}
	}
	if len(rows) > 0 {
		p.Usage = stacked("Credits used by day", rows, from, to)
	}
}

// systems are the names of credit systems by id.
func (v *view) systems() map[string]string {
	names := map[string]string{}
	if catalog, err := v.app.config.Catalog(); err == nil {
		for _, system := range catalog.CreditSystems {
			names[system.ID] = system.Name
		}
	}
	return names
}
