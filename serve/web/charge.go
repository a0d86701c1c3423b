package web

import (
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

// explanation is the JSON of `explain --rows`.
type explanation struct {
	charge
	Frozen     bool            `json:"frozen"`
	State      string          `json:"state"`
	StripeID   string          `json:"stripe_id"`
	PlanSHA    string          `json:"plan_sha"`
	CatalogSHA string          `json:"catalog_sha"`
	AsOf       time.Time       `json:"as_of"`
	Timezone   string          `json:"timezone"`
	Limit      decimal.Decimal `json:"limit"`
	Before     []struct {
		ChargeID    string `json:"charge_id"`
		AmountMinor int64  `json:"amount_minor"`
		Currency    string `json:"currency"`
	} `json:"before"`
	Parts []struct {
		ChargeID    string `json:"charge_id"`
		AmountMinor int64  `json:"amount_minor"`
	} `json:"parts"`
	TotalMinor int64 `json:"total_minor"`
	Unrated    []struct {
		Model, Feature string
		Events         uint64
		Tokens         decimal.Decimal
	} `json:"unrated"`
	Loads []struct {
		LoadID string          `json:"load_id"`
		File   string          `json:"file"`
		SHA256 string          `json:"sha256"`
		Source string          `json:"source"`
		Status string          `json:"status"`
		Events uint64          `json:"events"`
		Tokens decimal.Decimal `json:"tokens"`
	} `json:"loads"`
}

// explainedDay is what a feature used on a day.
type explainedDay struct {
	Day     string          `json:"day"`
	Events  uint64          `json:"events"`
	Tokens  decimal.Decimal `json:"tokens"`
	Credits decimal.Decimal `json:"credits"`
	Priced  []struct {
		PriceFrom time.Time        `json:"price_from"`
		Entry     string           `json:"entry"`
		Pool      string           `json:"pool"`
		Tokens    *decimal.Decimal `json:"tokens"`
		PerToken  *decimal.Decimal `json:"per_token"`
		Quantity  *decimal.Decimal `json:"quantity"`
		PerUnit   *decimal.Decimal `json:"per_unit"`
		Credits   decimal.Decimal  `json:"credits"`
	} `json:"priced"`
	Loads []struct {
		LoadID string      `json:"load_id"`
		Model  string      `json:"model"`
		Events uint64      `json:"events"`
		Rows   [][2]uint64 `json:"rows"`
	} `json:"loads"`
}

// chargePage walks a charge down to files and rows.
type chargePage struct {
	*explanation
	Files                  map[string]string
	Period                 string
	Release, Hold, Approve bool
	Back                   string
	// OwnMinor is the amount of the charge itself; the explanation of a part is about the whole.
	OwnMinor int64
}

func showCharge(v *view) {
	id := v.r.PathValue("id")
	asOf := v.r.URL.Query().Get("as_of")
	p := &chargePage{explanation: &explanation{}, Files: map[string]string{}}
	if !v.read(address("/v1/charges/"+segment(id)+"/explain", "rows", "true", "as_of", asOf), p.explanation) {
		return
	}
	for _, load := range p.Loads {
		p.Files[load.LoadID] = load.File
	}
	p.Period = days(p.PeriodStart, p.PeriodEnd, v.zone())
	open := !p.Frozen || p.State == "open"
	p.Release = open && p.Status == "held" && p.Person() && v.may(http.MethodPost, "/v1/charges/{id}/release")
	p.Hold = open && v.may(http.MethodPost, "/v1/charges/{id}/hold")
	p.Approve = open && p.Status == "ready" && v.may(http.MethodPost, "/v1/plans/{sha}/approve")
	p.OwnMinor = p.AmountMinor
	for _, part := range p.Parts {
		if part.ChargeID == id {
			p.OwnMinor = part.AmountMinor
		}
	}
	p.Back = address("/charges/"+segment(id), "as_of", asOf)
	v.titled("Why "+id, p)
}
