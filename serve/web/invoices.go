package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// pageRows are the charges on a page.
const pageRows = 100

// invoicesPage is what the invoices show.
type invoicesPage struct {
	Filter                    filter
	Problem                   string
	Plan                      *plan
	AsOf                      string
	Statuses                  []*sum
	Found                     sum
	All                       int
	ByHold, ByProduct         []*sum
	Products, Periods         []string
	Codes                     []holdCode
	StatusNames               []string
	Charges                   []*charge
	Columns                   []column
	First, Last               int
	Before, After, Whole      string
	CSV, XLSX, Clear, Refresh string
	Approve, Post             bool
	Ready                     sum
	Usage                     *months
}

// column is a heading by which the list can be sorted.
type column struct {
	Title, Link, Sorted string
	Number              bool
}

func showInvoices(v *view) {
	f, wrong := readFilter(v.r.URL.Query())
	planned, err := v.plan(f.AsOf, v.r.URL.Query().Get("fresh") == "1")
	if err != nil {
		v.failed(err)
		return
	}
	picked := f.pick(planned.Charges)
	p := &invoicesPage{
		Filter: f, Plan: planned, AsOf: planned.AsOf.In(planned.Zone).Format("2 January 2006, 15:04 MST"),
		All: len(planned.Charges), StatusNames: statuses, Columns: f.columns(),
		CSV: f.link("/invoices.csv"), XLSX: f.link("/invoices.xlsx"), Clear: address("/invoices", "as_of", f.AsOf),
		Refresh: f.link("/invoices", "as_of", "", "fresh", "1"),
		Approve: v.may("POST", "/v1/plans/{sha}/approve"), Post: v.may("POST", "/v1/plans/{sha}/post"),
	}
	if wrong != nil {
		p.Problem = sentence(wrong.Error())
	}
	p.sums(planned, picked)
	p.cut(picked)
	if !f.Narrow() && f.Page == 0 && v.r.Header.Get(partHeader) == "" {
		p.Usage = v.usage("", 2)
	}
	v.titled("Invoices", p)
}

// partHeader is sent by the script of the page, which shows the list alone.
const partHeader = "Creditmill-Part"

// sums adds up what was picked, and names what can be picked.
func (p *invoicesPage) sums(planned *plan, picked []*charge) {
	for i := range planned.Charges {
		c := &planned.Charges[i]
		if c.Status == "ready" {
			p.Ready.add(c)
		}
		p.Products, p.Periods = append(p.Products, c.Product), append(p.Periods, c.Period)
		p.Codes = append(p.Codes, c.HoldCodes...)
	}
	for _, list := range []*[]string{&p.Products, &p.Periods} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	slices.Sort(p.Codes)
	p.Codes = slices.Compact(p.Codes)
	slices.Reverse(p.Periods)
	for _, name := range statuses {
		one := &sum{Name: name, Link: p.Filter.link("/invoices", "status", name)}
		for _, c := range picked {
			if c.Status == name {
				one.add(c)
			}
		}
		p.Statuses = append(p.Statuses, one)
	}
	for _, c := range picked {
		p.Found.add(c)
	}
	p.ByHold = heldSums(picked, func(code string) string { return p.Filter.link("/invoices", "hold", code) })
	p.ByProduct = sumsBy(picked, func(c *charge) []string { return []string{c.Product} })
	for _, one := range p.ByHold {
		one.Active = p.Filter.Hold == one.Name
	}
	for _, one := range p.ByProduct {
		one.Active, one.Link = p.Filter.Product == one.Name, p.Filter.link("/invoices", "product", one.Name)
	}
}

// cut keeps the charges of one page, or all of them where a printer asks.
func (p *invoicesPage) cut(picked []*charge) {
	page := p.Filter.Page
	first, last := min(page*pageRows, len(picked)), min((page+1)*pageRows, len(picked))
	if p.Filter.All {
		first, last = 0, len(picked)
	}
	p.Charges, p.First, p.Last = picked[first:last], first+1, last
	if first > 0 {
		p.Before = p.Filter.link("/invoices", "page", itoa(page))
	}
	if last < len(picked) {
		p.After, p.Whole = p.Filter.link("/invoices", "page", itoa(page+2)), p.Filter.link("/invoices", "all", "1")
	}
}

// columns are the headings of the list.
func (f filter) columns() []column {
	list := []column{
		{Title: "Customer", Link: "customer"},
		{Title: "Allowance", Number: true},
		{Title: "Used", Link: "used", Number: true},
		{Title: "Overage", Link: "overage", Number: true},
		{Title: "Price", Number: true},
		{Title: "Exact", Number: true},
		{Title: "Amount", Link: "amount", Number: true},
		{Title: "Change", Link: "change", Number: true},
	}
	// Figures are sorted from the largest first.
	return sortable(list, f.Sort, f.Down, func(c column) bool { return c.Number }, func(pairs ...string) string {
		return f.link("/invoices", pairs...)
	})
}

// sortable has the headings link to the list sorted by them: those that are largestFirst from the largest, the one that
// it is sorted by the other way round.
func sortable(
	list []column, by string, down bool, largestFirst func(column) bool, link func(pairs ...string) string,
) []column {
	for i, each := range list {
		if each.Link == "" {
			continue
		}
		isBy, direction := by == each.Link, ""
		if isBy {
			list[i].Sorted = "ascending"
			if down {
				list[i].Sorted = "descending"
			}
		}
		if isBy && !down || !isBy && largestFirst(each) {
			direction = "desc"
		}
		list[i].Link = link("sort", each.Link, "dir", direction)
	}
	return list
}

// decided is the body of a decision: why, as of when what it is about was shown, and what was shown of a charge.
func (v *view) decided() map[string]string {
	body := map[string]string{}
	for _, name := range []string{"reason", "as_of", "amount_minor", "stripe_customer"} {
		if value := strings.TrimSpace(v.r.PostFormValue(name)); value != "" {
			body[name] = value
		}
	}
	return body
}

func approvePlan(v *view) { v.approve(v.r.PathValue("sha")) }

func approveCharge(v *view) { v.approve(v.r.PathValue("id")) }

func (v *view) approve(what string) {
	v.act(http.MethodPost, "/v1/plans/"+segment(what)+"/approve", v.decided(), v.r.PostFormValue("back"),
		func(answer serve.Answer) notice {
			var did struct{ Approved, Left []string }
			if err := json.Unmarshal(answer.Body, &did); err != nil {
				return notice{Text: "Whether it is approved cannot be read.", Bad: true}
			}
			switch {
			case len(did.Approved) > 0:
				return notice{Text: plural(len(did.Approved), "charge") + " approved by " + v.session.token.Name + "."}
			case len(did.Left) > 0: // which is told by itself
				return notice{Bad: true}
			}
			return notice{Text: "Nothing was approved: it is held, or was approved before.", Bad: true}
		})
}

func releaseCharge(v *view) { v.decide("release", "Released") }

func holdCharge(v *view) { v.decide("hold", "Held") }

func (v *view) decide(action, done string) {
	v.act(http.MethodPost, "/v1/charges/"+segment(v.r.PathValue("id"))+"/"+action, v.decided(),
		v.r.PostFormValue("back"), func(serve.Answer) notice {
			return notice{Text: done + " by " + v.session.token.Name + "."}
		})
}

// postPlan posts a plan.
func postPlan(v *view) {
	body := v.decided()
	if body["reason"] == "" || v.r.PostFormValue("sure") != "yes" {
		v.session.tell(notice{Text: "Nothing was posted: say why, and tick that the charges may go to Stripe.", Bad: true})
		http.Redirect(v.w, v.r, local(v.r.PostFormValue("back")), http.StatusSeeOther)
		return
	}
	v.act(http.MethodPost, "/v1/plans/"+segment(v.r.PathValue("sha"))+"/post", body, v.r.PostFormValue("back"),
		func(answer serve.Answer) notice {
			posted := strings.Count(string(answer.Body), `"status":"posted"`)
			return notice{Text: plural(posted, "charge") + " posted to Stripe by " + v.session.token.Name + "."}
		})
}

// usage draws the credits of some whole months; nil where they cannot be read.
func (v *view) usage(customer string, count int) *months {
	from, to := span(v.app.config.Now().In(v.zone()), count)
	var rows []daily
	_, err := v.ask(http.MethodGet, address("/v1/usage", "from", from.Format(time.DateOnly),
		"to", to.Format(time.DateOnly), "customer", customer), nil, &rows)
	if err != nil || len(rows) == 0 {
		return nil
	}
	return stacked("Credits used by day", rows, from, to)
}
