package stripe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// shaped puts fields that newer accounts answer elsewhere to where stripe-go reads them. An answer that needs nothing,
// is cut, or is no JSON stays byte for byte as it came.
func shaped(response *http.Response, err error) (*http.Response, error) {
	if err != nil || response.StatusCode != http.StatusOK || response.Body == nil {
		return response, err
	}
	body := response.Body
	text, readErr := io.ReadAll(body)
	if readErr != nil {
		response.Body = readBody{io.MultiReader(bytes.NewReader(text), failing{readErr}), body}
		return response, nil
	}
	if moved, changed := reshape(text); changed {
		text, response.ContentLength = moved, int64(len(moved))
	}
	response.Body = readBody{bytes.NewReader(text), body}
	return response, nil
}

// readBody is a body that was read, and is still to be closed.
type readBody struct {
	io.Reader
	io.Closer
}

// failing is a reader that fails as another did.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func reshape(text []byte) (moved []byte, changed bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if decoder.Decode(&object) != nil || decoder.More() || !move(object) {
		return text, false
	}
	moved, err := json.Marshal(object)
	return moved, err == nil
}

// move works through an object and the lists in it, and says whether it changed something.
func move(object map[string]any) bool {
	changed := false
	for _, of := range []any{object["lines"], object["items"], object} {
		list, _ := of.(map[string]any)
		data, _ := list["data"].([]any)
		for _, entry := range data {
			if inner, ok := entry.(map[string]any); ok {
				changed = move(inner) || changed
			}
		}
	}
	switch object["object"] {
	case "subscription":
		return movePeriod(object) || changed
	case "invoice", "invoiceitem", "line_item":
		return moveParent(object) || changed
	}
	return changed
}

// movePeriod gives a subscription the period of its items, of which the one that ends first holds
// (docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end).
func movePeriod(subscription map[string]any) bool {
	if subscription["current_period_end"] != nil {
		return false
	}
	list, _ := subscription["items"].(map[string]any)
	items, _ := list["data"].([]any)
	soonest := int64(0)
	for _, entry := range items {
		item, _ := entry.(map[string]any)
		number, _ := item["current_period_end"].(json.Number)
		if end, err := number.Int64(); err == nil && end > 0 && (soonest == 0 || end < soonest) {
			soonest = end
			subscription["current_period_end"] = item["current_period_end"]
			subscription["current_period_start"] = item["current_period_start"]
		}
	}
	return soonest > 0
}

// moveParent gives an invoice, an item or a line what only its parent names
// (docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects).
func moveParent(object map[string]any) bool {
	parent, _ := object["parent"].(map[string]any)
	changed := false
	for _, details := range []string{"subscription_details", "subscription_item_details", "invoice_item_details"} {
		from, _ := parent[details].(map[string]any)
		for _, field := range []string{"subscription", "invoice_item"} {
			if object[field] == nil && from[field] != nil {
				object[field], changed = from[field], true
			}
		}
	}
	kinds := map[any]string{"subscription_item_details": "subscription", "invoice_item_details": "invoiceitem"}
	if kind, known := kinds[parent["type"]]; known && object["type"] == nil {
		object["type"], changed = kind, true
	}
	return changed
}

// wholeSubscription refuses one whose period stands nowhere.
func wholeSubscription(subscription *stripe.Subscription) error {
	field := "current_period_start"
	switch {
	case subscription.CurrentPeriodEnd == 0:
		field = "current_period_end"
	case subscription.CurrentPeriodStart != 0:
		return nil
	}
	return fmt.Errorf("read subscription %s: neither it nor its items have %s: %w", subscription.ID, field, ErrIncomplete)
}

// wholeInvoice refuses one that ends a period of a subscription and does not name it.
func wholeInvoice(invoice *stripe.Invoice) error {
	if EndsPeriod(invoice) && (invoice.Subscription == nil || invoice.Subscription.ID == "") {
		return fmt.Errorf("read invoice %s: neither it nor its parent has subscription: %w", invoice.ID, ErrIncomplete)
	}
	return nil
}

// eachWhole returns a list, or the error of the first object that is not whole.
func eachWhole[T any](all []T, err error, whole func(T) error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	for _, object := range all {
		if err := whole(object); err != nil {
			return nil, err
		}
	}
	return all, nil
}
