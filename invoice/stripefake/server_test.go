package stripefake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shop is a fake behind a real connection, with one customer and one price.
type shop struct {
	t      *testing.T
	server *Server
	url    string
}

func newShop(t *testing.T, config Config) *shop {
	t.Helper()
	server, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	server.AddCustomer("cus_1")
	server.AddPrice("price_1", "usd", 10000)
	return &shop{t: t, server: server, url: listener.URL}
}

// answerOf is what a client sees of an answer.
type answerOf struct {
	status   int
	replayed bool
	body     map[string]any
}

func (s *shop) ask(method, path, key string, form ...string) answerOf {
	s.t.Helper()
	out, err := s.try(method, path, key, form...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *shop) try(method, path, key string, form ...string) (answerOf, error) {
	values := url.Values{}
	for _, pair := range form {
		name, value, _ := strings.Cut(pair, "=")
		values.Set(name, value)
	}
	target, body := s.url+path, io.Reader(strings.NewReader(values.Encode()))
	if method == http.MethodGet {
		target, body = target+"?"+values.Encode(), http.NoBody
	}
	request, err := http.NewRequest(method, target, body)
	if err != nil {
		return answerOf{}, err
	}
	request.Header.Set("Authorization", "Bearer sk_test_1")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return answerOf{}, err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	out := answerOf{status: response.StatusCode, replayed: response.Header.Get("Idempotent-Replayed") == "true"}
	return out, json.NewDecoder(response.Body).Decode(&out.body)
}

func (s *shop) item(key, amount string) answerOf {
	s.t.Helper()
	return s.ask("POST", "/v1/invoiceitems", key, "customer=cus_1", "currency=usd", "amount="+amount)
}

// TestIdempotency is Stripe's: one execution per key, replays, failures kept, keys forgotten after 24 hours.
func TestIdempotency(t *testing.T) {
	s := newShop(t, Config{})
	first, again := s.item("k1", "5"), s.item("k1", "5")
	if first.replayed || !again.replayed || first.body["id"] != again.body["id"] {
		t.Fatalf("%+v, %+v", first, again)
	}
	if other := s.item("k1", "6"); other.status != 400 || !strings.Contains(fmt.Sprint(other.body), "idempotency_error") {
		t.Fatalf("%+v", other)
	}
	if refused := s.item("k2", "abc"); refused.status != 400 {
		t.Fatalf("%+v", refused)
	}
	if mended := s.item("k2", "7"); mended.status != 200 || mended.replayed {
		t.Fatalf("a refusal was kept: %+v", mended)
	}
	s.server.Inject(Fault{Kind: Error500, Method: "POST"}, Fault{Kind: RateLimit, Method: "POST"})
	if failed := s.item("k3", "8"); failed.status != 500 || failed.replayed {
		t.Fatalf("%+v", failed)
	}
	if limited := s.item("k3", "8"); limited.status != 429 || limited.replayed {
		t.Fatalf("%+v", limited)
	}
	if kept := s.item("k3", "8"); kept.status != 500 || !kept.replayed {
		t.Fatalf("%+v", kept)
	}
	s.server.Advance(24 * time.Hour)
	if anew := s.item("k3", "8"); anew.status != 200 || anew.replayed {
		t.Fatalf("%+v", anew)
	}
	if items := len(s.server.Items()); items != 3 {
		t.Fatalf("%d items", items)
	}
}

// TestDelayed: the client gives up, the key is in use, and then the request takes effect.
func TestDelayed(t *testing.T) {
	s := newShop(t, Config{})
	s.server.Inject(Fault{Kind: Delayed, DelayS: 60})
	if _, err := s.try("POST", "/v1/invoiceitems", "k", "customer=cus_1", "currency=usd", "amount=5"); err == nil {
		t.Fatal("an answer came")
	}
	if busy := s.item("k", "5"); busy.status != 409 {
		t.Fatalf("%+v", busy)
	}
	s.server.Advance(time.Minute)
	if replay := s.item("k", "5"); replay.status != 200 || !replay.replayed || len(s.server.Items()) != 1 {
		t.Fatalf("%+v", replay)
	}
}

// TestRefusals: what Stripe refuses with 4xx.
func TestRefusals(t *testing.T) {
	s := newShop(t, Config{})
	tests := []struct {
		name, path, form, want string
	}{
		{"unknown parameter", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=1&colour=red", "parameter_unknown"},
		{"unknown customer", "/v1/invoiceitems", "customer=cus_0&currency=usd&amount=1", "resource_missing"},
		{"too large", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=100000000", "amount_too_large"},
		{"bad enum", "/v1/checkout/sessions", "mode=nonsense&success_url=x&line_items[0][price]=price_1", "Invalid mode"},
		{
			"long trial", "/v1/checkout/sessions", "mode=subscription&success_url=x&line_items[0][price]=price_1" +
				"&subscription_data[trial_period_days]=731", "1 to 730 days",
		},
		{"no customer", "/v1/invoices", "currency=usd", "parameter_missing"},
	}
	for _, test := range tests {
		out := s.ask("POST", test.path, "", strings.Split(test.form, "&")...)
		if out.status != 400 || !strings.Contains(fmt.Sprint(out.body), test.want) {
			t.Errorf("%s: %+v", test.name, out)
		}
	}
}

// TestPages walks a list as Stripe pages it: newest first, has_more, cursors, created.
func TestPages(t *testing.T) {
	s := newShop(t, Config{})
	for n := range 25 {
		s.item("", fmt.Sprint(n+1))
		s.server.Advance(time.Second)
	}
	var amounts []string
	after := []string{"customer=cus_1"}
	for {
		page := s.ask("GET", "/v1/invoiceitems", "", after...)
		data := page.body["data"].([]any)
		for _, object := range data {
			amounts = append(amounts, fmt.Sprint(object.(map[string]any)["amount"]))
		}
		if page.body["has_more"] == false {
			break
		}
		after = []string{"customer=cus_1", "starting_after=" + data[len(data)-1].(map[string]any)["id"].(string)}
	}
	if len(amounts) != 25 || amounts[0] != "25" || amounts[24] != "1" {
		t.Fatalf("%v", amounts)
	}
	since := s.server.Now().Add(-5 * time.Second).Unix()
	late := s.ask("GET", "/v1/invoiceitems", "", fmt.Sprintf("created[gte]=%d", since))
	if found := len(late.body["data"].([]any)); found != 5 {
		t.Fatalf("%d items since", found)
	}
}

// TestRenewal: a pending item is on the renewal's invoice, with the price, and is charged once.
func TestRenewal(t *testing.T) {
	s := newShop(t, Config{})
	subscription := s.server.AddSubscription("cus_1", "price_1", s.server.Now())
	s.ask("POST", "/v1/invoiceitems", "", "customer=cus_1", "currency=usd", "amount=500", "subscription="+subscription)
	s.server.Advance(31 * 24 * time.Hour)
	s.server.Advance(time.Hour)
	s.server.Advance(31 * 24 * time.Hour)
	var totals []int64
	for _, invoice := range s.server.Invoices() {
		totals = append(totals, invoice.Total)
	}
	if fmt.Sprint(totals) != "[10000 10500 10000]" {
		t.Fatalf("%v", totals)
	}
	if paid := s.server.Invoices()[1]; paid.Status != "paid" {
		t.Fatalf("%+v", paid)
	}
}

// TestState: a fake that is started again knows everything, keys included.
func TestState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	first := newShop(t, Config{StateFile: file})
	made := first.item("k", "5")
	subscription := first.server.AddSubscription("cus_1", "price_1", first.server.Now())
	first.server.Advance(time.Hour)
	second := newShop(t, Config{StateFile: file})
	if replay := second.item("k", "5"); !replay.replayed || replay.body["id"] != made.body["id"] {
		t.Fatalf("%+v", replay)
	}
	if known := second.ask("GET", "/v1/subscriptions/"+subscription, ""); known.body["status"] != "active" {
		t.Fatalf("%+v", known)
	}
	if !second.server.Now().Equal(first.server.Now()) {
		t.Fatal("the clock went back")
	}
}

// TestLimits: what is more than the limit in a second is refused before anything is done, and the next second is free.
func TestLimits(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fake, err := New(Config{Now: func() time.Time { return at }, ReadsPerSecond: 2})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() int {
		request := httptest.NewRequest(http.MethodGet, "/v1/account", http.NoBody)
		request.Header.Set("Authorization", "Bearer sk_test_1")
		answer := httptest.NewRecorder()
		fake.ServeHTTP(answer, request)
		return answer.Code
	}
	for i, want := range []int{200, 200, 429, 429} {
		if got := ask(); got != want {
			t.Fatalf("request %d: %d, want %d", i, got, want)
		}
	}
	at = at.Add(time.Second)
	if got := ask(); got != http.StatusOK {
		t.Fatal(got)
	}
}

// TestSessions: Checkout sessions are listed by status and expired, by request or by time; what has ended is not
// expired again and has no link.
func TestSessions(t *testing.T) {
	s := newShop(t, Config{})
	ids := []string{}
	for range 4 {
		expires := s.server.Now().Add(70 * time.Minute).Unix()
		made := s.ask("POST", "/v1/checkout/sessions", "", "mode=subscription", "success_url=x", "customer=cus_1",
			"line_items[0][price]=price_1", fmt.Sprintf("expires_at=%d", expires))
		ids = append(ids, made.body["id"].(string))
		s.server.Advance(20 * time.Minute)
	}
	if _, err := s.server.Complete(ids[1]); err != nil {
		t.Fatal(err)
	}
	path := "/v1/checkout/sessions/"
	if out := s.ask("POST", path+ids[2]+"/expire", ""); out.body["status"] != "expired" || out.body["url"] != nil {
		t.Fatalf("%+v", out)
	}
	for id, status := range map[string]string{ids[0]: "expired", ids[1]: "complete", ids[2]: "expired"} {
		out := s.ask("POST", path+id+"/expire", "")
		want := "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `" +
			status + "`."
		failure, _ := out.body["error"].(map[string]any)
		if out.status != 400 || failure["message"] != want || failure["type"] != "invalid_request_error" {
			t.Errorf("%+v, want %s", out, want)
		}
		if out := s.ask("GET", path+id, ""); out.body["status"] != status || out.body["url"] != nil {
			t.Errorf("%+v", out)
		}
	}
	for status, want := range map[string][]string{
		"open": {ids[3]}, "complete": {ids[1]}, "expired": {ids[2], ids[0]}, "": {ids[3], ids[2], ids[1], ids[0]},
	} {
		form := []string{"customer=cus_1"}
		if status != "" {
			form = append(form, "status="+status)
		}
		listed := []string{}
		for _, object := range s.ask("GET", strings.TrimSuffix(path, "/"), "", form...).body["data"].([]any) {
			listed = append(listed, object.(map[string]any)["id"].(string))
		}
		if fmt.Sprint(listed) != fmt.Sprint(want) {
			t.Errorf("%q: %v, want %v", status, listed, want)
		}
	}
	for _, refused := range []answerOf{
		s.ask("GET", strings.TrimSuffix(path, "/"), "", "status=paid"), s.ask("POST", path+ids[3]+"/expire", "", "now=true"),
	} {
		if refused.status != 400 {
			t.Errorf("%+v", refused)
		}
	}
	if out := s.ask("POST", path+"cs_0/expire", ""); out.status != 404 {
		t.Errorf("%+v", out)
	}
}
