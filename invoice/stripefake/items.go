package stripefake

import (
	"net/http"
	"strconv"
)

// InvoiceItem is Stripe's invoice item. Invoice is null while it is pending.
type InvoiceItem struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Date         int64             `json:"date"`
	Livemode     bool              `json:"livemode"`
	Customer     string            `json:"customer"`
	Currency     string            `json:"currency"`
	Amount       int64             `json:"amount"`
	UnitAmount   int64             `json:"unit_amount"`
	Quantity     int64             `json:"quantity"`
	Description  *string           `json:"description"`
	Discountable bool              `json:"discountable"`
	Invoice      *string           `json:"invoice"`
	Subscription *string           `json:"subscription"`
	Period       Period            `json:"period"`
	Proration    bool              `json:"proration"`
	Metadata     map[string]string `json:"metadata"`
	TaxCode      string            `json:"fake_tax_code,omitempty"`
	TaxBehavior  string            `json:"fake_tax_behavior,omitempty"`
}

// Period is a span in seconds since 1970.
type Period struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

func (i *InvoiceItem) identity() (string, int64) { return i.ID, i.Date }

func (s *Server) serveItems(in incoming, id, verb string) answer {
	item := find(s.state.Items, id)
	operation := route(in, id, verb)
	if item == nil && operation != "create" && operation != "list" {
		return missingObject("invoiceitem", id, "id")
	}
	switch operation {
	case "create":
		return s.createItem(in)
	case "get":
		return ok(item)
	case "delete":
		return s.deleteItem(item)
	case "list":
		if refusal := allow(in, "customer invoice pending"+listParams); refusal != nil {
			return *refusal
		}
		customer, invoice, pending := in.params.get("customer"), in.params.get("invoice"), in.params.get("pending")
		return list(in, "invoiceitem", s.state.Items, func(i *InvoiceItem) bool {
			return (customer == "" || customer == i.Customer) && (invoice == "" || invoice == text(i.Invoice)) &&
				(pending == "" || pending == strconv.FormatBool(i.Invoice == nil))
		})
	}
	return s.noRoute(in)
}

const maxAmount = 99_999_999

func (s *Server) createItem(in incoming) answer {
	customer, refusedCustomer := s.customerOf(in)
	metadata, refusedMetadata := in.params.metadata("metadata")
	amount, refusedAmount := in.params.integer("amount")
	start, refusedStart := in.params.integer("period[start]")
	end, refusedEnd := in.params.integer("period[end]")
	refusal := firstRefusal(
		allow(in, "customer amount currency description discountable invoice subscription period metadata"+
			" tax_code tax_behavior tax_rates"),
		refusedCustomer, refusedMetadata, refusedAmount, refusedStart, refusedEnd)
	if refusal != nil {
		return *refusal
	}
	currency := in.params.get("currency")
	switch {
	case currency == "":
		return missingParam("currency")
	case !in.params.has("amount"):
		return missingParam("amount")
	case amount > maxAmount || amount < -maxAmount:
		return fail(http.StatusBadRequest, "amount_too_large", "Amount must be no more than 99999999.", "amount")
	case len(in.params.get("description")) > 5000:
		return invalidParam("description", "The description is too long.")
	case in.params.has("period[start]") != in.params.has("period[end]") || end < start:
		return invalidParam("period", "The period's end must not lie before its start.")
	}
	item := &InvoiceItem{
		Object: "invoiceitem", Date: s.unix(), Customer: customer.ID, Currency: currency, Amount: amount,
		UnitAmount: amount, Quantity: 1, Description: optional(in.params.get("description")),
		Discountable: in.params.get("discountable") != "false" && amount > 0,
		Invoice:      optional(in.params.get("invoice")), Subscription: optional(in.params.get("subscription")),
		Period: Period{Start: start, End: end}, Metadata: metadata,
		TaxCode: in.params.get("tax_code"), TaxBehavior: in.params.get("tax_behavior"),
	}
	if !in.params.has("period[start]") {
		item.Period = Period{Start: s.unix(), End: s.unix()}
	}
	if refusal := s.checkTargets(item); refusal != nil {
		return *refusal
	}
	item.ID = s.id("ii")
	s.state.Items = append(s.state.Items, item)
	if invoice := find(s.state.Invoices, text(item.Invoice)); invoice != nil {
		s.attach(invoice, item)
	}
	return ok(item)
}

// checkTargets looks at the invoice and the subscription an item is meant for.
func (s *Server) checkTargets(item *InvoiceItem) *answer {
	refuse := func(out answer) *answer { return &out }
	if id := text(item.Subscription); id != "" {
		subscription := find(s.state.Subscriptions, id)
		switch {
		case subscription == nil || subscription.Customer != item.Customer:
			return refuse(missingObject("subscription", id, "subscription"))
		case subscription.Status == "canceled":
			return refuse(invalidParam("subscription", "The subscription "+id+" is canceled."))
		}
	}
	if id := text(item.Invoice); id != "" {
		invoice := find(s.state.Invoices, id)
		switch {
		case invoice == nil || invoice.Customer != item.Customer:
			return refuse(missingObject("invoice", id, "invoice"))
		case invoice.Status != "draft":
			return refuse(fail(http.StatusBadRequest, "invoice_not_editable", "Invoice "+id+" is not a draft.", "invoice"))
		case invoice.AutomaticTax.Enabled && (item.Amount < 0 || item.TaxBehavior == "" || item.TaxBehavior == "unspecified"):
			// docs.stripe.com/api/invoices/create, automatic_tax.enabled: neither is compatible.
			return refuse(invalidParam("tax_behavior", "The item cannot be on an invoice with automatic tax."))
		case invoice.Currency != item.Currency:
			return refuse(invalidParam("currency", "The invoice is in "+invoice.Currency+"."))
		}
	}
	return nil
}

func (s *Server) deleteItem(item *InvoiceItem) answer {
	if invoice := find(s.state.Invoices, text(item.Invoice)); invoice != nil {
		if invoice.Status != "draft" {
			return fail(http.StatusBadRequest, "invoice_not_editable", "The item is on a finalized invoice.", "")
		}
		for i, line := range invoice.LineItems {
			if text(line.InvoiceItem) == item.ID {
				invoice.LineItems = append(invoice.LineItems[:i:i], invoice.LineItems[i+1:]...)
				break
			}
		}
		invoice.total()
	}
	for i, x := range s.state.Items {
		if x == item {
			s.state.Items = append(s.state.Items[:i:i], s.state.Items[i+1:]...)
			break
		}
	}
	return ok(deletedObject{ID: item.ID, Object: "invoiceitem", Deleted: true})
}
