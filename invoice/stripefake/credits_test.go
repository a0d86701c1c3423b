package stripefake

import (
	"net/http"
	"testing"
)

// TestCreditNotes: a credit note takes off an open invoice what is due, which is then paid where nothing is left, and
// credits the customer's balance for a paid one; never more than is left of the invoice, and once for a key.
func TestCreditNotes(t *testing.T) {
	s := newShop(t, Config{})
	bill := func(amount string, more ...string) string {
		made := s.ask("POST", "/v1/invoices", "", append([]string{"customer=cus_1", "currency=usd"}, more...)...)
		id := made.body["id"].(string)
		s.ask("POST", "/v1/invoiceitems", "", "customer=cus_1", "currency=usd", "amount="+amount, "invoice="+id)
		return id
	}
	note := func(want int, key, invoice string, form ...string) answerOf {
		t.Helper()
		out := s.ask("POST", "/v1/credit_notes", key, append([]string{"invoice=" + invoice}, form...)...)
		if out.status != want {
			t.Fatalf("%v: %d %v", form, out.status, out.body)
		}
		return out
	}
	mailed := bill("5000", "collection_method=send_invoice", "days_until_due=30")
	note(http.StatusBadRequest, "", mailed, "amount=100") // a draft
	s.ask("POST", "/v1/invoices/"+mailed+"/finalize", "")
	note(http.StatusBadRequest, "", mailed, "amount=100", "credit_amount=100")
	first := note(http.StatusOK, "key", mailed, "amount=1000", "metadata[charge_id]=oc_1")
	if again := note(http.StatusOK, "key", mailed, "amount=1000", "metadata[charge_id]=oc_1"); !again.replayed ||
		again.body["id"] != first.body["id"] || again.body["type"] != "pre_payment" {
		t.Fatalf("%v", again.body)
	}
	if open := s.ask("GET", "/v1/invoices/"+mailed, "").body; open["status"] != "open" ||
		open["amount_remaining"] != 4000.0 || open["pre_payment_credit_notes_amount"] != 1000.0 || open["total"] != 5000.0 {
		t.Fatalf("%v", open)
	}
	note(http.StatusBadRequest, "", mailed, "amount=4001")
	second := note(http.StatusOK, "", mailed, "amount=1500").body["id"].(string)
	s.ask("POST", "/v1/credit_notes/"+second+"/void", "")
	note(http.StatusOK, "", mailed, "amount=4000")
	if open := s.ask("GET", "/v1/invoices/"+mailed, "").body; open["status"] != "paid" || open["amount_paid"] != 0.0 {
		t.Fatalf("%v", open)
	}

	charged := bill("2000")
	s.ask("POST", "/v1/invoices/"+charged+"/finalize", "")
	note(http.StatusBadRequest, "", charged, "amount=500") // of a paid invoice it must be credited somewhere
	note(http.StatusBadRequest, "", charged, "amount=2001", "credit_amount=2001")
	paid := note(http.StatusOK, "", charged, "amount=500", "credit_amount=500").body
	if paid["type"] != "post_payment" || paid["status"] != "issued" || s.server.Owes("cus_1") != -500 {
		t.Fatalf("%v, the balance is %d", paid, s.server.Owes("cus_1"))
	}
	note(http.StatusBadRequest, "", charged, "amount=1501", "credit_amount=1501")
	s.server.Void(charged)
	note(http.StatusBadRequest, "", charged, "amount=100", "credit_amount=100")
	for query, want := range map[string]int{"invoice=" + mailed: 3, "invoice=" + charged: 1, "customer=cus_1": 4} {
		if notes := s.ask("GET", "/v1/credit_notes", "", query).body["data"].([]any); len(notes) != want {
			t.Errorf("%s: %d notes", query, len(notes))
		}
	}
}
