package web

import (
	"net/http"

	"github.com/creditmill/creditmill/serve"
)

// page is an address of the app: who may open it follows from the endpoint of the API that it stands on.
type page struct {
	Method, Path string
	// Title is in the menu; empty for what is not.
	Title string
	// On is the endpoint whose roles may open it.
	On     [2]string
	upload bool
	show   func(*view)
}

// open tells whether a role may open it.
func (p page) open(role string) bool { return serve.May(role, p.On[0], p.On[1]) }

var (
	onPreview = [2]string{"GET", "/v1/invoices/preview"}
	onMargin  = [2]string{"GET", "/v1/margin"}
	onLoads   = [2]string{"GET", "/v1/loads"}
	onApprove = [2]string{"POST", "/v1/plans/{sha}/approve"}
	onRelease = [2]string{"POST", "/v1/charges/{id}/release"}
)

// pages are all of them, those of the menu in its order.
func pages() []page {
	customer := [2]string{"GET", "/v1/customers/{id}"}
	return []page{
		{Method: "GET", Path: "/{$}", Title: "Overview", On: [2]string{"GET", "/v1/status"}, show: showOverview},
		{Method: "GET", Path: "/invoices", Title: "Invoices", On: onPreview, show: showInvoices},
		{Method: "GET", Path: "/margin", Title: "Margin", On: onMargin, show: showMargin},
		{Method: "GET", Path: "/customers", Title: "Customers", On: [2]string{"GET", "/v1/customers"}, show: showCustomers},
		{Method: "GET", Path: "/loads", Title: "Loads", On: onLoads, show: showLoads},
		{Method: "GET", Path: "/prices", Title: "Prices", On: [2]string{"POST", "/v1/catalog/proposal"}, show: showPrices},
		{Method: "GET", Path: "/reconcile", Title: "Reconcile", On: [2]string{"GET", "/v1/reconcile"}, show: showReconcile},
		{Method: "GET", Path: "/audit", Title: "Audit", On: [2]string{"GET", "/v1/audit"}, show: showAudit},

		{Method: "GET", Path: "/invoices.csv", On: onPreview, show: invoicesCSV},
		{Method: "GET", Path: "/invoices.xlsx", On: onPreview, show: invoicesXLSX},
		{Method: "GET", Path: "/margin.csv", On: onMargin, show: marginCSV},
		{Method: "GET", Path: "/margin.xlsx", On: onMargin, show: marginXLSX},
		{Method: "GET", Path: "/margin-missing.csv", On: onMargin, show: missingCSV},
		{Method: "GET", Path: "/customers/{id}", On: customer, show: showCustomer},
		{Method: "GET", Path: "/charges/{id}", On: [2]string{"GET", "/v1/charges/{id}/explain"}, show: showCharge},
		{Method: "GET", Path: "/loads/{id}", On: [2]string{"GET", "/v1/loads/{id}/rejects"}, show: showLoad},

		{Method: "POST", Path: "/plans/{sha}/approve", On: onApprove, show: approvePlan},
		{Method: "POST", Path: "/plans/{sha}/post", On: [2]string{"POST", "/v1/plans/{sha}/post"}, show: postPlan},
		{Method: "POST", Path: "/charges/{id}/release", On: onRelease, show: releaseCharge},
		{Method: "POST", Path: "/charges/{id}/hold", On: [2]string{"POST", "/v1/charges/{id}/hold"}, show: holdCharge},
		{Method: "POST", Path: "/charges/{id}/approve", On: onApprove, show: approveCharge},
		{Method: "POST", Path: "/loads", On: [2]string{"POST", "/v1/loads"}, upload: true, show: uploadLoad},
		{Method: "POST", Path: "/loads/{id}/withdraw", On: [2]string{"DELETE", "/v1/loads/{id}"}, show: withdrawLoad},
		{Method: "POST", Path: "/prices", On: [2]string{"POST", "/v1/catalog/proposal"}, show: showPrices},
	}
}

// menu are the pages of the menu that a role may open.
func menu(role string) []page {
	var shown []page
	for _, page := range pages() {
		if page.Title != "" && page.open(role) {
			shown = append(shown, page)
		}
	}
	return shown
}

// home is the first page that a role may open; empty where it may open none.
func home(role string) string {
	if shown := menu(role); len(shown) > 0 {
		return shown[0].Link()
	}
	return ""
}

// Link is its address.
func (p page) Link() string {
	if p.Path == "/{$}" {
		return "/"
	}
	return p.Path
}

// titled answers a page's name for its heading.
func (v *view) titled(title string, content any) { v.answer(http.StatusOK, title, content) }
