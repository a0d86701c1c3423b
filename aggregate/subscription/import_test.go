package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func (s *store) importFile(catalogText, text string) (ImportResult, error) {
	s.t.Helper()
	return ImportCustomers(context.Background(), s.Warehouse,
		Import{File: "customers", Body: strings.NewReader(text), Catalog: mustCatalog(s.t, catalogText)}, time.Now())
}

func TestImport(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	_, err := s.importFile(ladder, "\xef\xbb\xbf"+
		"customer_id, product,starts_at,ends_at,anchor,stripe_customer,stripe_subscription\n"+
		"a,small,2026-10-01,2026-11-01,2026-09-15T12:00:00+02:00,cus_a,sub_a\n"+
		"a,big,2026-11-01,,,,\n"+
		"b,,,,,cus_b,\n"+
		"\"c, the third\",huge,2026-10-05T10:00:00Z,,,,\n")
	s.must(err)
	result, err := s.importFile(ladder,
		`{"customer_id":"a","product":"small","starts_at":"2026-10-01","ends_at":"2026-10-20"}

{"customer_id":"b","product":"small","starts_at":"2026-10-02","anchor":null}`)
	s.must(err)
	if result != (ImportResult{Rows: 2, Customers: 2, Subscriptions: 2}) {
		t.Errorf("result %+v", result)
	}
	held, err := All(ctx, s.Warehouse)
	s.must(err)
	want := "small 09-30T22:00/10-19T22:00, big 10-31T23:00/, small 10-01T22:00/, huge 10-05T10:00/"
	if got := timetable(held); got != want {
		t.Errorf("subscriptions %s, want %s", got, want)
	}
	if held[0].StripeSubscription != "sub_a" {
		t.Errorf("the Stripe subscription was lost: %+v", held[0])
	}
	ids, err := StripeCustomers(ctx, s.Warehouse)
	s.must(err)
	if len(ids) != 2 || ids["a"] != "cus_a" || ids["b"] != "cus_b" {
		t.Errorf("Stripe ids %v", ids)
	}
	s.uses("a", "2026-10-10T00:00:00Z")
	s.uses("d", "2026-10-11T00:00:00Z")
	listed, err := Customers(ctx, s.Warehouse, mustCatalog(t, ladder), instant("2026-10-25T00:00:00Z"))
	s.must(err)
	var lines []string
	for _, c := range listed {
		lines = append(lines, c.CustomerID+" "+c.Product+" "+c.Since.Format(time.DateOnly)+" "+c.StripeCustomer+" "+
			c.LastEvent.Format(time.DateOnly))
	}
	if got := strings.Join(lines, "\n"); got != `a free 2026-10-19 cus_a 2026-10-10
b small 2026-10-01 cus_b 0001-01-01
c, the third huge 2026-10-05  0001-01-01
d free 0001-01-01  2026-10-11` {
		t.Errorf("customers\n%s", got)
	}
}

func TestImportMistakes(t *testing.T) {
	s := newStore(t)
	_, err := s.importFile(ladder, "customer_id,product,starts_at\nstored,small,2026-10-01\n")
	s.must(err)
	tests := []struct{ name, text, want string }{
		{"unknown column", "customer_id,plan\n", `customers:1: column "plan" is unknown`},
		{"repeated column", "customer_id,customer_id\n", "repeated"},
		{"no id", "customer_id,product\n,\n", "customers:2: customer_id"},
		{"unknown product", "customer_id,product,starts_at\na,medium,2026-10-01\n", `customers:2: unknown product "medium"`},
		{"default product", "customer_id,product,starts_at\na,free,2026-10-01\n", "leave it empty"},
		{"no start", "customer_id,product\na,small\n", "customers:2: starts_at: needed"},
		{"no product", "customer_id,starts_at\na,2026-10-01\n", "customers:2: product: needed"},
		{"bad time", "customer_id,product,starts_at\na,small,01.10.2026\n", "customers:2: starts_at"},
		{
			"empty span", "customer_id,product,starts_at,ends_at\na,small,2026-10-01,2026-10-01\n",
			"ends_at: want a time after",
		},
		{
			"overlap of rows", "customer_id,product,starts_at\na,small,2026-10-01\nb,,\na,big,2026-11-01\n",
			"customers:4: big of customer a overlaps row 2",
		},
		{
			"overlap with what is stored", "customer_id,product,starts_at\nstored,big,2026-11-01\n",
			"customers:2: big of customer stored overlaps the stored small from 2026-09-30T22:00:00Z",
		},
		{
			"twice the same", "customer_id,product,starts_at\na,small,2026-10-01\na,small,2026-10-01\n",
			"customers:3: same customer, product and starts_at as row 2",
		},
		{
			"two Stripe ids", "customer_id,stripe_customer\na,cus_1\na,cus_2\n",
			"customers:3: stripe_customer cus_2: row 2 has cus_1",
		},
		{"ragged row", "customer_id,product\na\n", "wrong number of fields"},
		{"unknown field", `{"customer_id":"a","plan":"x"}`, `customers:1: field "plan" is unknown`},
		{"not a string", `{"customer_id":5}`, "customers:1: want an object of strings"},
		{"all mistakes at once", "customer_id,product\n,\na,medium\n", "customers:3:"},
	}
	for _, test := range tests {
		_, err := s.importFile(ladder, test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
		if mistake := (*ImportError)(nil); test.name != "ragged row" && !errors.As(err, &mistake) {
			t.Errorf("%s: %v is no ImportError", test.name, err)
		}
	}
	held, err := All(context.Background(), s.Warehouse)
	s.must(err)
	if len(held) != 1 {
		t.Errorf("a refused file was stored: %s", timetable(held))
	}
}

// TestImportManySubscriptions: those of one customer are laid over each other and compared in about linear time.
func TestImportManySubscriptions(t *testing.T) {
	const count = 20_000
	rows := make([]importRow, 0, count)
	at := instant("2026-01-01T00:00:00Z")
	for i := range count {
		s := Subscription{CustomerID: "a", Product: fmt.Sprint("p", i%7), StartsAt: at.Add(time.Duration(i) * time.Hour)}
		s.EndsAt = s.StartsAt.Add(time.Hour)
		rows = append(rows, importRow{Subscription: s, number: i + 2})
	}
	file := Import{File: "f", Catalog: mustCatalog(t, ladder)}
	started := time.Now()
	revisions, _, err := file.merge(rows, nil)
	if err != nil || len(revisions) != count {
		t.Fatalf("%d revisions, %v", len(revisions), err)
	}
	rows[count-1].EndsAt, rows[7].EndsAt = time.Time{}, time.Time{}
	_, _, err = file.merge(rows, nil)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxImportMistakes+1 || lines[0] != "f:10: p1 of customer a overlaps row 9; give ends_at" ||
		lines[maxImportMistakes] != fmt.Sprintf("and %d more", count-9-maxImportMistakes+1) {
		t.Errorf("%d lines, %s … %s", len(lines), lines[0], lines[len(lines)-1])
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestImportBounds(t *testing.T) {
	s := newStore(t)
	tests := []struct{ name, text, want string }{
		{"bytes", strings.Repeat("#", maxImportBytes+1), "read customers: it has more than 67108864 bytes: split it"},
		{"rows", "customer_id\n" + strings.Repeat("a\n", maxImportRows+1), "it has more than 500000 rows: split it"},
		{"rows of JSON", strings.Repeat("{\"customer_id\":\"a\"}\n", maxImportRows+1), "it has more than 500000 rows"},
		{
			"a field", "customer_id,stripe_customer\na," + strings.Repeat("x", maxImportField+1) + "\n",
			"customers:2: stripe_customer: has 1025 bytes",
		},
		{"mistakes", "customer_id\n" + strings.Repeat("\" \"\n", 200), "and 100 more"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := s.importFile(ladder, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%.300v, want %s", err, test.want)
			}
		})
	}
}
