package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

const (
	// hostileID is a customer whose name tries to be markup.
	hostileID = "<img src=x onerror=alert(1)>&amp;\"'"
	// turningID tries to turn the direction of what follows, and to hide.
	turningID = "turn\u202etxt.exe\u200b"
)

// sceneProxy is the header by which a proxy names who is signed in.
const sceneProxy = "X-Scene-User"

// serveScene serves a month end: charges that are ready, held for several reasons and decided about, rejected rows, a
// grant, and a customer with a hostile name.
func serveScene(t *testing.T) *served {
	t.Helper()
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	s.stop()
	s.write("creditmill.yaml", strings.ReplaceAll(s.read("creditmill.yaml"), "approval: required", "approval: required, "+
		"max_charge: \"600.00\"")+"serve: {user_header: "+sceneProxy+"}\n")
	var rows []string
	use := func(customer, model string, day, tokens int) {
		id, _ := json.Marshal(customer) // a string can always be written
		rows = append(rows, fmt.Sprintf(`{"event_id":"e%d","occurred_at":%q,"customer_id":%s,"model":%q,"input_tokens":%d}`,
			len(rows), time.Date(2026, 10, day, 10, 0, 0, 0, time.UTC).Format(time.RFC3339), id, model, tokens))
	}
	for day := 1; day <= 35; day++ {
		use("acme", "small-model", day, 1500*(1+day%5))
		use("acme", "medium-model", day, 300*(1+day%7))
		use("acme", "large-model", day, 40*(1+day%3))
		use("beta", "medium-model", day, 320)
		use("gamma", "large-model", day, 600*(1+day%4))
		use(hostileID, "medium-model", day, 400)
	}
	use(turningID, "medium-model", 9, 400)
	use("delta", "unknown-model", 9, 100)
	use("delta", "large-model", 9, 3000)
	rows = append(rows, `{"event_id":"r1","occurred_at":"yesterday","customer_id":"<b>bold</b>"}`, "no json \u202e at all")
	s.write("october.jsonl", strings.Join(rows, "\n")+"\n")
	for _, customer := range []string{"acme", "beta", "gamma", "delta", hostileID} {
		s.creditmill("attach", "--at", "2026-10-01", "--", customer, "pro")
	}
	s.fake.AddCustomer("cus_acme")
	s.fake.AddCustomer("cus_gamma")
	imported := "customer_id,product,starts_at,stripe_customer,stripe_subscription\n"
	for _, customer := range []string{"acme", "gamma"} {
		started := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
		imported += customer + ",pro,2026-10-01," + "cus_" + customer + "," +
			s.fake.AddSubscription("cus_"+customer, "price_pro", started) + "\n"
	}
	s.write("customers.csv", imported)
	s.creditmill("customers", "import", s.directory+"/customers.csv")
	s.write("bill.csv", sceneBill)
	s.creditmill("costs", "load", s.directory+"/bill.csv", "--source", "csv")
	s.creditmill("grant", "acme", "250", "--at", "2026-10-10", "--reason", "an outage <sorry>")
	s.start()
	s.want(http.StatusOK, serve.RoleUploader, "POST", "/v1/loads?name="+url.QueryEscape("october <b>.jsonl"),
		s.read("october.jsonl"), nil)
	s.stop()
	s.creditmill("aggregate")
	s.start()
	return s
}

// sceneBill is what a provider bills of October: more than it brings of the large model, in euros for another, and more
// tokens of the small one on a day than the logs have.
const sceneBill = `provider,day,model,currency,amount,input_tokens,output_tokens
openai,2026-10-31,large-model,usd,900.00,,
openai,2026-10-31,medium-model,usd,120.50,,
openai,2026-10-31,"=never <b>logged",usd,7.25,,
openai,2026-10-31,small-model,eur,3.00,,
openai,2026-10-02,small-model,,,5000,10
openai,2026-10-03,small-model,,,6000,0
`

// charges are the ids of the preview's charges by customer.
func (s *served) charges() map[string]string {
	s.Helper()
	var preview struct {
		Charges []struct {
			ID       string `json:"charge_id"`
			Customer string `json:"customer_id"`
		} `json:"charges"`
	}
	s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/invoices/preview", "", &preview)
	ids := map[string]string{}
	for _, charge := range preview.Charges {
		ids[charge.Customer] = charge.ID
	}
	return ids
}
