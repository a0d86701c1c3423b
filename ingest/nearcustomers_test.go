package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestNearCustomers: ids that a reader takes for one are warned of once a load, also against those of earlier loads and
// of imported customers; others are not.
func TestNearCustomers(t *testing.T) {
	const text = "customers whose ids look alike are billed as different ones: "
	tests := []struct {
		name  string
		loads [][]string // customers by load
		want  []string   // the warning of each load
	}{
		{"none", [][]string{{"acme", "acme2", "ac-me"}, {"acme", "beta"}}, []string{"", ""}},
		{"letter case", [][]string{{"acme", "Acme", "ACME", "acme"}}, []string{`"ACME" and "Acme" and "acme"`}},
		{"letters beyond ASCII", [][]string{{"Müller", "MÜLLER"}}, []string{`"MÜLLER" and "Müller"`}},
		{
			"blanks inside",
			[][]string{{"a corp", "a  corp", "acorp", "b\u00a0b", "b b"}},
			[]string{`"a  corp" and "a corp" and "acorp"; "b b" and "b` + "\u00a0" + `b"`},
		},
		{"width", [][]string{{"ＡＣＭＥ", "acme"}}, []string{`"acme" and "ＡＣＭＥ"`}},
		{"normal form", [][]string{{"e\u0301", "\u00e9"}}, []string{"\"e\u0301\" and \"\u00e9\""}},
		{
			"dashes",
			[][]string{{"a-b", "a_b", "a\u2013b", "a\u2212b"}},
			[]string{"\"a-b\" and \"a_b\" and \"a\u2013b\" and \"a\u2212b\""},
		},
		{
			"an earlier load",
			[][]string{{"acme"}, {"beta"}, {"Acme"}, {"Acme"}},
			[]string{"", "", `"Acme" and "acme"`, ""},
		},
		{"both again", [][]string{{"acme", "Acme"}, {"acme", "Acme"}}, []string{`"Acme" and "acme"`, `"Acme" and "acme"`}},
		{"an imported customer", [][]string{{"IMPORTED"}}, []string{`"IMPORTED" and "imported"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := warehousetest.New(t)
			importCustomer(t, w, "imported")
			n := 0
			for i, customers := range test.loads {
				var lines []string
				for _, customer := range customers {
					n++
					lines = append(lines, usageLine(fmt.Sprint("e", n), customer, 1))
				}
				got := strings.Join(mustLoad(t, w, write(t, fmt.Sprint(i, ".jsonl"), lines...))[0].Warnings, "\n")
				want := test.want[i]
				if want != "" {
					want = text + want
				}
				if got != want {
					t.Errorf("load %d: %s\nwant %s", i+1, got, want)
				}
			}
		})
	}
}

func importCustomer(t *testing.T, w *warehouse.Warehouse, id string) {
	t.Helper()
	err := w.Conn().Exec(t.Context(), "INSERT INTO customers (customer_id, revision) VALUES ('"+id+"', 1)")
	if err != nil {
		t.Fatal(err)
	}
}

// TestManyNearCustomers: ten are named, the others counted.
func TestManyNearCustomers(t *testing.T) {
	w := warehousetest.New(t)
	var lines []string
	for i := range 25 {
		lines = append(lines, usageLine(fmt.Sprint("a", i), fmt.Sprint("cus", i), 1),
			usageLine(fmt.Sprint("b", i), fmt.Sprint("Cus", i), 1))
	}
	warnings := mustLoad(t, w, write(t, "a.jsonl", lines...))[0].Warnings
	if len(warnings) != 1 || strings.Count(warnings[0], " and ") != 11 ||
		!strings.HasSuffix(warnings[0], "; and 15 more") {
		t.Errorf("%q", warnings)
	}
}
