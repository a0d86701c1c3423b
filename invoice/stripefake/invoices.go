package stripefake

import (
	"fmt"
	"net/http"
)

// Invoice is Stripe's invoice.
type Invoice struct {
	ID               string  `json:"id"`
	Object           string  `json:"object"`
	Created          int64   `json:"created"`
	Livemode         bool    `json:"livemode"`
	Customer         string  `json:"customer"`
	Subscription     *string `json:"subscription"`
	Status           string  `json:"status"`
	Currency         string  `json:"currency"`
	AutoAdvance      bool    `json:"auto_advance"`
	BillingReason    string  `json:"billing_reason"`
	CollectionMethod string  `json:"collection_method"`
	DueDate          *int64  `json:"due_date"`
	Description      *string `json:"description"`
	PeriodStart      int64   `json:"period_start"`
	PeriodEnd        int64   `json:"period_end"`
	Subtotal         int64   `json:"subtotal"`
	Total            int64   `json:"total"`
	AmountDue        int64   `json:"amount_due"`
	AmountPaid       int64   `json:"amount_paid"`
	AmountRemaining  int64   `json:"amount_remaining"`
	// PrePaymentCredits and PostPaymentCredits are what credit notes took off while it was open, and since it is paid.
	PrePaymentCredits  int64             `json:"pre_payment_credit_notes_amount"`
	PostPaymentCredits int64             `json:"post_payment_credit_notes_amount"`
	Paid               bool              `json:"paid"`
	Lines              page              `json:"lines"`
	Metadata           map[string]string `json:"metadata"`
	AutomaticTax       AutomaticTax      `json:"automatic_tax"`
	LineItems          []*LineItem       `json:"fake_lines"`
}

// AutomaticTax tells whether Stripe computes the tax on an invoice.
type AutomaticTax struct {
	Enabled bool `json:"enabled"`
}

// LineItem is a line of an invoice.
type LineItem struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Type         string            `json:"type"`
	Amount       int64             `json:"amount"`
	Currency     string            `json:"currency"`
	Description  *string           `json:"description"`
	Discountable bool              `json:"discountable"`
	InvoiceItem  *string           `json:"invoice_item,omitempty"`
	Livemode     bool              `json:"livemode"`
	Period       Period            `json:"period"`
	Quantity     int64             `json:"quantity"`
	Subscription *string           `json:"subscription"`
	Metadata     map[string]string `json:"metadata"`
	Created      int64             `json:"fake_created"`
}

func (i *Invoice) identity() (string, int64) { return i.ID, i.Created }

func (l *LineItem) identity() (string, int64) { return l.ID, l.Created }

// maxPendingPerInvoice: with more pending items the rest slide to the next invoice.
const maxPendingPerInvoice = 250

func (s *Server) serveInvoices(in incoming, id, verb string) answer {
	invoice := find(s.state.Invoices, id)
	operation := route(in, id, verb)
	if invoice == nil && operation != "create" && operation != "list" {
		return missingObject("invoice", id, "id")
	}
	switch operation {
	case "create":
		return s.createInvoice(in)
	case "list":
		if refusal := allow(in, "customer status subscription collection_method due_date"+listParams); refusal != nil {
			return *refusal
		}
		customer, status := in.params.get("customer"), in.params.get("status")
		subscription := in.params.get("subscription")
		return list(in, "invoice", s.state.Invoices, func(i *Invoice) bool {
			return (customer == "" || customer == i.Customer) && (status == "" || status == i.Status) &&
				(subscription == "" || subscription == text(i.Subscription))
		})
	case "get":
		return ok(invoice)
	case "GET lines":
		if refusal := allow(in, listParams); refusal != nil {
			return *refusal
		}
		return list(in, "line_item", reversed(invoice.LineItems), func(*LineItem) bool { return true })
	case "POST finalize":
		return s.finalizeInvoice(in, invoice)
	case "POST void":
		if invoice.Status != "open" && invoice.Status != "uncollectible" {
			return fail(http.StatusBadRequest, "", "You can only void an open invoice.", "")
		}
		invoice.Status = "void"
		return ok(invoice)
	case "delete":
		return s.deleteInvoice(invoice)
	}
	return s.noRoute(in)
}

func (s *Server) createInvoice(in incoming) answer {
	customer, refusedCustomer := s.customerOf(in)
	metadata, refusedMetadata := in.params.metadata("metadata")
	days, refusedDays := in.params.integer("days_until_due")
	refusal := firstRefusal(
		allow(in, "customer subscription currency collection_method days_until_due auto_advance description metadata"+
			" pending_invoice_items_behavior automatic_tax"),
		refusedCustomer, refusedMetadata, refusedDays)
	if refusal != nil {
		return *refusal
	}
	method := in.params.get("collection_method")
	switch {
	case method != "" && method != "charge_automatically" && method != "send_invoice":
		return invalidParam("collection_method", "Invalid collection_method.")
	case method == "send_invoice" && days == 0:
		return missingParam("days_until_due")
	case method != "send_invoice" && in.params.has("days_until_due"):
		return invalidParam("days_until_due", "Only for collection_method send_invoice.")
	case len(in.params.get("description")) > 1500:
		return invalidParam("description", "The description is too long.")
	case s.invoicesToday(in.params.get("subscription")) >= maxInvoicesADay:
		return fail(http.StatusBadRequest, "", "The subscription has reached its limit of 20 invoices a day.", "subscription")
	}
	if method == "" {
		method = "charge_automatically"
	}
	invoice := s.addInvoice(customer.ID, in.params.get("subscription"), in.params.get("currency"), "manual")
	invoice.CollectionMethod, invoice.Metadata = method, metadata
	invoice.AutoAdvance = in.params.get("auto_advance") == "true"
	invoice.Description = optional(in.params.get("description"))
	invoice.AutomaticTax.Enabled = in.params.get("automatic_tax[enabled]") == "true"
	if method == "send_invoice" {
		due := s.unix() + days*24*3600
		invoice.DueDate = &due
	}
	if in.params.get("pending_invoice_items_behavior") == "include" {
		s.sweep(invoice)
	}
	return ok(invoice)
}

// maxInvoicesADay is how many invoices of one subscription can be made in a day.
const maxInvoicesADay = 20

func (s *Server) invoicesToday(subscription string) int {
	count := 0
	for _, invoice := range s.state.Invoices {
		if subscription != "" && text(invoice.Subscription) == subscription && invoice.Created > s.unix()-daySeconds {
			count++
		}
	}
	return count
}

func (s *Server) addInvoice(customer, subscription, currency, reason string) *Invoice {
	if currency == "" {
		currency = "usd"
	}
	invoice := &Invoice{
		ID: s.id("in"), Object: "invoice", Created: s.unix(), Customer: customer, Subscription: optional(subscription),
		Status: "draft", Currency: currency, BillingReason: reason, CollectionMethod: "charge_automatically",
		PeriodStart: s.unix(), PeriodEnd: s.unix(), Metadata: map[string]string{},
	}
	s.state.Invoices = append(s.state.Invoices, invoice)
	invoice.total()
	return invoice
}

// periodInvoice is the invoice of a subscription's new period: its price, and what is pending for it.
func (s *Server) periodInvoice(x *Subscription, price *Price, reason string) *Invoice {
	invoice := s.addInvoice(x.Customer, x.ID, x.Currency, reason)
	invoice.AutoAdvance = x.PauseCollection == nil
	amount := price.UnitAmount
	if x.Status == "trialing" {
		amount = 0
	}
	described := fmt.Sprintf("1 × %s (at $%d.%02d / %s)", price.ID, price.UnitAmount/100, price.UnitAmount%100,
		price.Recurring.Interval)
	invoice.LineItems = append(invoice.LineItems, &LineItem{
		ID: s.id("il"), Object: "line_item", Type: "subscription", Amount: amount, Currency: price.Currency,
		Description:  &described,
		Discountable: true, Period: Period{Start: x.CurrentPeriodStart, End: x.CurrentPeriodEnd}, Quantity: 1,
		Subscription: &x.ID, Metadata: x.Metadata, Created: s.unix(),
	})
	s.sweep(invoice)
	x.LatestInvoice = &invoice.ID
	return invoice
}

// sweep takes pending items of the invoice's customer, subscription and currency, oldest first.
func (s *Server) sweep(invoice *Invoice) {
	taken := 0
	for _, item := range s.state.Items {
		fits := item.Invoice == nil && item.Customer == invoice.Customer && item.Currency == invoice.Currency &&
			(item.Subscription == nil || text(item.Subscription) == text(invoice.Subscription))
		if fits && taken < maxPendingPerInvoice {
			s.attach(invoice, item)
			taken++
		}
	}
	invoice.total()
}

func (s *Server) attach(invoice *Invoice, item *InvoiceItem) {
	item.Invoice = &invoice.ID
	invoice.LineItems = append(invoice.LineItems, &LineItem{
		ID: s.id("il"), Object: "line_item", Type: "invoiceitem", Amount: item.Amount, Currency: item.Currency,
		Description: item.Description, Discountable: item.Discountable, InvoiceItem: &item.ID, Period: item.Period,
		Quantity: 1, Subscription: item.Subscription, Metadata: item.Metadata, Created: s.unix(),
	})
	invoice.total()
}

// total adds the lines up. The invoice itself shows the first ten of them, as Stripe does.
func (i *Invoice) total() {
	i.Subtotal = 0
	for _, line := range i.LineItems {
		i.Subtotal += line.Amount
	}
	i.Total, i.AmountDue = i.Subtotal, max(0, i.Subtotal)
	i.remain()
	shown := i.LineItems[:min(10, len(i.LineItems))]
	if shown == nil {
		shown = []*LineItem{}
	}
	i.Lines = page{
		Object: "list", URL: "/v1/invoices/" + i.ID + "/lines", HasMore: len(i.LineItems) > len(shown), Data: shown,
	}
}

func (s *Server) finalizeInvoice(in incoming, invoice *Invoice) answer {
	if refusal := allow(in, "auto_advance"); refusal != nil {
		return *refusal
	}
	if invoice.Status != "draft" {
		return fail(http.StatusBadRequest, "invoice_not_editable", "This invoice is already finalized.", "")
	}
	if customer := find(s.state.Customers, invoice.Customer); invoice.Total+customer.Balance > maxAmount {
		return fail(http.StatusBadRequest, "amount_too_large", "The invoice's amount due is above 99999999.", "")
	}
	invoice.AutoAdvance = in.params.get("auto_advance") != "false"
	s.finalize(invoice)
	return ok(invoice)
}

// leastCharged is the least that Stripe charges in dollars (docs.stripe.com/currencies#minimum-and-maximum-charge-
// amounts).
const leastCharged = 50

// finalize opens the invoice; one that is charged automatically is paid at once. What the customer owes by its balance
// is due with it. Where that comes to less than the least that Stripe charges, nothing is due, and it is carried into
// the balance for the next invoice (docs.stripe.com/api/invoices/object, amount_due).
func (s *Server) finalize(invoice *Invoice) {
	invoice.Status = "open"
	customer := find(s.state.Customers, invoice.Customer)
	due := invoice.Total + customer.Balance
	customer.Balance, invoice.AmountDue = 0, due
	if due < leastCharged {
		customer.Balance, invoice.AmountDue = due, 0
	}
	if invoice.CollectionMethod == "charge_automatically" || invoice.AmountDue == 0 {
		invoice.Status, invoice.Paid, invoice.AmountPaid = "paid", true, invoice.AmountDue
	}
	invoice.remain()
}

func (s *Server) deleteInvoice(invoice *Invoice) answer {
	if invoice.Status != "draft" || invoice.BillingReason != "manual" {
		return fail(http.StatusBadRequest, "", "You can only delete one-off draft invoices.", "")
	}
	for i, x := range s.state.Invoices {
		if x == invoice {
			s.state.Invoices = append(s.state.Invoices[:i:i], s.state.Invoices[i+1:]...)
			break
		}
	}
	kept := s.state.Items[:0:0]
	for _, item := range s.state.Items {
		if text(item.Invoice) != invoice.ID {
			kept = append(kept, item)
		}
	}
	s.state.Items = kept
	return ok(deletedObject{ID: invoice.ID, Object: "invoice", Deleted: true})
}

func reversed[T any](objects []T) []T {
	out := make([]T, 0, len(objects))
	for i := len(objects) - 1; i >= 0; i-- {
		out = append(out, objects[i])
	}
	return out
}
