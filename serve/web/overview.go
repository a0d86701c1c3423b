package web

import (
	"net/http"
	"time"

	"github.com/creditmill/creditmill/invoice/reconcile"
)

// status is the JSON of `status`.
type status struct {
	Loads           uint64 `json:"loads"`
	LoadsUnfinished uint64 `json:"loads_unfinished"`
	LoadsSinceRun   uint64 `json:"loads_since_aggregate"`
	Events          uint64 `json:"events"`
	Rejects         uint64 `json:"rejects"`
	UnratedRows     uint64 `json:"unrated_rows"`
	LastLoad        *struct {
		LoadID        string    `json:"load_id"`
		File          string    `json:"file"`
		CommittedAt   time.Time `json:"committed_at"`
		NewestEventAt time.Time `json:"newest_event_at"`
	} `json:"last_load"`
	LastAggregate *struct {
		AsOf       time.Time `json:"as_of"`
		FinishedAt time.Time `json:"finished_at"`
	} `json:"last_aggregate"`
	Charges struct {
		Open, Rejected, Posted uint64
	} `json:"charges"`
	RestoredAt *time.Time `json:"restored_at"`
	Damage     []struct {
		Reason string `json:"reason"`
	} `json:"damage"`
	Inbox []struct {
		Path   string `json:"path"`
		Reason string `json:"reason"`
	} `json:"inbox_never_loaded"`
}

type overviewPage struct {
	Status   status
	Billing  bool
	Plan     *plan
	PlanNote string
	Statuses []*sum
	ByHold   []*sum
	Usage    *months
}

func showOverview(v *view) {
	p := &overviewPage{Billing: v.may(http.MethodGet, "/v1/invoices/preview")}
	if !v.read("/v1/status", &p.Status) {
		return
	}
	if p.Billing {
		p.Usage = v.usage("", 3)
		planned, err := v.plan("", false)
		if err != nil {
			p.PlanNote = sentence(err.Error())
		} else {
			p.plan(planned)
		}
	}
	v.titled("Overview", p)
}

// plan adds the preview up.
func (p *overviewPage) plan(planned *plan) {
	p.Plan = planned
	all := filter{}.pick(planned.Charges)
	for _, name := range statuses {
		one := &sum{Name: name, Link: filter{Status: name}.link("/invoices")}
		for _, c := range all {
			if c.Status == name {
				one.add(c)
			}
		}
		p.Statuses = append(p.Statuses, one)
	}
	p.ByHold = heldSums(all, func(code string) string { return filter{Hold: code}.link("/invoices") })
}

// reconciled is the JSON of `invoice reconcile`.
type reconciled struct {
	Matched    int                          `json:"matched"`
	Open       int                          `json:"open"`
	Missing    int                          `json:"missing"`
	Extra      int                          `json:"extra"`
	Duplicate  int                          `json:"duplicate"`
	Drift      int                          `json:"drift"`
	Held       int                          `json:"held"`
	Stuck      int                          `json:"stuck"`
	OnVoid     int                          `json:"on_void"`
	StaleDraft int                          `json:"stale_draft"`
	Totals     map[string]reconcile.Balance `json:"totals"`
	Findings   []reconcile.Finding          `json:"findings"`
}

type reconcilePage struct {
	reconciled
	Classes []reconcileClass
	Shown   int
}

// reconcileClass says what a class of findings means.
type reconcileClass struct {
	Name  string
	Count int
	About string
	Bad   bool
}

func showReconcile(v *view) {
	p := &reconcilePage{}
	if !v.read("/v1/reconcile", &p.reconciled) {
		return
	}
	p.Classes = []reconcileClass{
		{"Matched", p.Matched, "one item at Stripe with the charge's figures", false},
		{"Open", p.Open, "the next post goes on with it", false},
		{"Held", p.Held, "not posted until the reason is gone", false},
		{"Missing", p.Missing, "posted, and deleted at Stripe", true},
		{"Extra", p.Extra, "at Stripe, and unknown here", true},
		{"Duplicate", p.Duplicate, "several items for one charge", true},
		{"Amount drift", p.Drift, "the item has other figures than the charge", true},
		{"Stuck pending", p.Stuck, "on no invoice for more than a cycle", true},
		{"On void", p.OnVoid, "its invoice is void or uncollectible", true},
		{"Stale draft", p.StaleDraft, "nobody finalized its invoice", true},
	}
	p.Shown = min(len(p.Findings), mostFindings)
	p.Findings = p.Findings[:p.Shown]
	v.titled("Reconcile", p)
}

// mostFindings are listed on a page.
const mostFindings = 1000

// decision is a row of /v1/audit.
type decision struct {
	DecidedAt   time.Time `json:"decided_at"`
	DecidedBy   string    `json:"decided_by"`
	Action      string    `json:"action"`
	Subject     string    `json:"subject"`
	CustomerID  string    `json:"customer_id"`
	AmountMinor *int64    `json:"amount_minor"`
	About       string    `json:"about"`
	Reason      string    `json:"reason"`
	Link        string    `json:"-"`
}

type auditPage struct {
	Decisions []decision
	Currency  string
}

func showAudit(v *view) {
	p := auditPage{}
	if !v.read("/v1/audit", &p.Decisions) {
		return
	}
	if catalog, err := v.app.config.Catalog(); err == nil {
		p.Currency = catalog.Currency.Code
	}
	for i := range p.Decisions {
		switch one := &p.Decisions[i]; {
		case len(one.Subject) > 3 && one.Subject[:3] == "oc_":
			one.Link = "/charges/" + segment(one.Subject)
		case len(one.Subject) > 3 && one.Subject[:3] == "ld_":
			one.Link = "/loads/" + segment(one.Subject)
		}
	}
	v.titled("Audit", p)
}
