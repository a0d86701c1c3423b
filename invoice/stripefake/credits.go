package stripefake

import "net/http"

// CreditNote is Stripe's credit note: what an open or paid invoice comes to less.
type CreditNote struct {
	ID              string            `json:"id"`
	Object          string            `json:"object"`
	Created         int64             `json:"created"`
	Livemode        bool              `json:"livemode"`
	Customer        string            `json:"customer"`
	Invoice         string            `json:"invoice"`
	Currency        string            `json:"currency"`
	Amount          int64             `json:"amount"`
	Subtotal        int64             `json:"subtotal"`
	Total           int64             `json:"total"`
	OutOfBandAmount *int64            `json:"out_of_band_amount"`
	Memo            *string           `json:"memo"`
	Reason          *string           `json:"reason"`
	Status          string            `json:"status"`
	Type            string            `json:"type"`
	Metadata        map[string]string `json:"metadata"`
}

func (n *CreditNote) identity() (string, int64) { return n.ID, n.Created }

// CreditNotes returns copies of all credit notes, oldest first.
func (s *Server) CreditNotes() []CreditNote {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return copies(s.state.CreditNotes)
}

// Owes is what a customer owes by its balance, in minor units; negative for a credit.
func (s *Server) Owes(customer string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s.state.Customers, customer).Balance
}

func (s *Server) serveCreditNotes(in incoming, id, verb string) answer {
	note := find(s.state.CreditNotes, id)
	operation := route(in, id, verb)
	if note == nil && operation != "create" && operation != "list" {
		return missingObject("credit_note", id, "id")
	}
	switch operation {
	case "create":
		return s.createCreditNote(in)
	case "get":
		return ok(note)
	case "list":
		if refusal := allow(in, "customer invoice"+listParams); refusal != nil {
			return *refusal
		}
		customer, invoice := in.params.get("customer"), in.params.get("invoice")
		return list(in, "credit_note", s.state.CreditNotes, func(n *CreditNote) bool {
			return (customer == "" || customer == n.Customer) && (invoice == "" || invoice == n.Invoice)
		})
	case "POST void":
		return s.voidCreditNote(note)
	}
	return s.noRoute(in)
}

// createCreditNote writes one over an amount (docs.stripe.com/api/credit_notes/create): an open invoice is due less by
// it, and paid where nothing is left; of a paid one, refunds and what is credited to the customer's balance or outside
// of Stripe must come to it. It is for an open or paid invoice, and for no more than is left of that
// (docs.stripe.com/invoicing/integration/programmatic-credit-notes).
func (s *Server) createCreditNote(in incoming) answer {
	metadata, refusedMetadata := in.params.metadata("metadata")
	amount, refusedAmount := in.params.integer("amount")
	credit, refusedCredit := in.params.integer("credit_amount")
	outside, refusedOutside := in.params.integer("out_of_band_amount")
	refusal := firstRefusal(allow(in, "invoice amount credit_amount out_of_band_amount memo reason metadata"),
		refusedMetadata, refusedAmount, refusedCredit, refusedOutside)
	if refusal != nil {
		return *refusal
	}
	invoice := find(s.state.Invoices, in.params.get("invoice"))
	switch {
	case invoice == nil:
		return missingObject("invoice", in.params.get("invoice"), "invoice")
	case amount <= 0:
		return invalidParam("amount", "The credit note's amount must be positive.")
	case invoice.Status != "open" && invoice.Status != "paid":
		return invalidParam("invoice", "Credit notes are for open or paid invoices; it is "+invoice.Status+".")
	case amount > invoice.creditable():
		return invalidParam("amount", "The amount is more than is left of the invoice.")
	case invoice.Status == "paid" && credit+outside != amount:
		return invalidParam("amount", "The sum of refunds and credits must be the credit note's amount.")
	case invoice.Status == "open" && credit+outside != 0:
		return invalidParam("credit_amount", "Nothing of an open invoice is paid that could be credited.")
	}
	note := &CreditNote{
		ID: s.id("cn"), Object: "credit_note", Created: s.unix(), Customer: invoice.Customer, Invoice: invoice.ID,
		Currency: invoice.Currency, Amount: amount, Subtotal: amount, Total: amount, Status: "issued",
		Memo: optional(in.params.get("memo")), Reason: optional(in.params.get("reason")), Metadata: metadata,
		Type: "pre_payment",
	}
	if invoice.Status == "paid" {
		note.Type = "post_payment"
		invoice.PostPaymentCredits += amount
		find(s.state.Customers, invoice.Customer).Balance -= credit
	} else {
		invoice.PrePaymentCredits += amount
		invoice.AmountDue -= amount
		if invoice.AmountDue == 0 {
			invoice.Status, invoice.Paid = "paid", true
		}
	}
	if outside != 0 {
		note.OutOfBandAmount = &outside
	}
	s.state.CreditNotes = append(s.state.CreditNotes, note)
	invoice.remain()
	return ok(note)
}

// creditable is how much of an invoice no credit note has credited yet.
func (i *Invoice) creditable() int64 {
	if i.Status == "paid" {
		return i.AmountPaid - i.PostPaymentCredits
	}
	return i.AmountDue
}

// remain computes what is left to pay.
func (i *Invoice) remain() { i.AmountRemaining = i.AmountDue - i.AmountPaid }

// voidCreditNote takes one back whose invoice is open (docs.stripe.com/api/credit_notes/void).
func (s *Server) voidCreditNote(note *CreditNote) answer {
	invoice := find(s.state.Invoices, note.Invoice)
	if note.Status != "issued" || invoice.Status != "open" {
		return fail(http.StatusBadRequest, "", "You can only void a credit note of an open invoice.", "")
	}
	note.Status = "void"
	invoice.PrePaymentCredits -= note.Amount
	invoice.AmountDue += note.Amount
	invoice.remain()
	return ok(note)
}
