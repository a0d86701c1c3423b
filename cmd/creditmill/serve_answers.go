package main

import (
	"net/http"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/invoice/explain"
	"github.com/creditmill/creditmill/invoice/export"
	"github.com/creditmill/creditmill/invoice/post"
)

// answers are values of what commands print with --json, by the endpoint that answers it.
var answers = map[string]any{
	"POST /v1/entitled":                   entitledResult{},
	"POST /v1/loads":                      ingest.Result{},
	"GET /v1/loads":                       []loadRow{},
	"GET /v1/loads/{id}":                  loadRow{},
	"GET /v1/loads/{id}/rejects":          []rejectRow{},
	http.MethodDelete + " /v1/loads/{id}": loadRow{},
	"GET /v1/customers":                   []customerResult{},
	"GET /v1/customers/{id}":              customerResult{},
	"GET /v1/customers/{id}/balances":     []balanceResult{},
	"GET /v1/customers/{id}/grants":       []grantResult{},
	"POST /v1/customers/{id}/attach":      changeResult{},
	"POST /v1/customers/{id}/cancel":      changeResult{},
	"POST /v1/customers/{id}/grants":      grantResult{},
	"GET /v1/status":                      statusResult{},
	"POST /v1/catalog/proposal":           checkResult{},
	"GET /v1/invoices/preview":            previewResult{},
	"GET /v1/charges/{id}/explain":        explain.Explanation{},
	"GET /v1/reconcile":                   reconcileResult{},
	"GET /v1/margin":                      export.Margin{},
	"GET /v1/reconcile-usage":             []usageDifference{},
	"POST /v1/plans/{sha}/approve":        approveResult{},
	"POST /v1/plans/{sha}/post":           []post.Report{},
	"POST /v1/charges/{id}/release":       releaseResult{},
	"POST /v1/charges/{id}/hold":          decisionResult{},
}
