package schemas

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckBounds(t *testing.T) {
	var stairs strings.Builder
	for i := range 70 {
		fmt.Fprintf(&stairs, "%sa:\n", strings.Repeat(" ", i))
	}
	tests := []struct{ name, text, want string }{
		{"flow lists", strings.Repeat("[", 200_000), "f.yaml:1:64"},
		{"flow mappings", strings.Repeat("{a: ", 1000), "f.yaml:1:253"},
		{"brackets in comments close nothing", strings.Repeat("[ #]\n", 1000), "f.yaml:64:1"},
		{"lists in one line", strings.Repeat("- ", 1000), "f.yaml:1:129"},
		{"steps of indentation", stairs.String(), "f.yaml:65:65"},
		{"too large", strings.Repeat("#", maxFileBytes+1), "f.yaml"},
		{"too many entries", strings.Repeat("a: b\n", 200_000), "f.yaml:166667:4"},
		{"as deep as allowed", strings.Repeat("[", 63) + strings.Repeat("]", 63), ""},
		{"many beside each other", strings.Repeat("- [a, {b: c}]\n", 1000), ""},
		{"brackets in texts", "a: \"" + strings.Repeat("[", 1000) + "\"\nb: '" + strings.Repeat("{", 1000) + "'\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problem := CheckBounds("f.yaml", []byte(test.text))
			if (problem == nil) != (test.want == "") {
				t.Fatalf("problem %v, want one at %q", problem, test.want)
			}
			if problem != nil && !strings.HasPrefix(problem.Error(), test.want+":") {
				t.Errorf("problem %v, want it at %s", problem, test.want)
			}
		})
	}
}

// TestManyOverlaps: each override and pattern is told once, however many it overlaps, so thousands of them take no
// square of time.
func TestManyOverlaps(t *testing.T) {
	const count = 3000
	var book strings.Builder
	book.WriteString("currency: usd\nfeatures:\n  - {id: f, models: [" + strings.Repeat("same, ", count) + "m]}\n" +
		"credit_systems:\n  - id: c\n    costs:\n      - {effective: 2026-01-01, per_token: {f: 1}}\n" +
		"products:\n  - {id: free, default: true, credits: {system: c, included: 500, every: month}}\noverrides:\n")
	for i := range count {
		fmt.Fprintf(&book, "  - {customer: acme, effective: 2026-01-01, product: free, included: %d}\n", i)
	}
	_, problems := ParseCatalog("catalog.yaml", []byte(book.String()))
	if want := 2 * (count - 1); len(problems) != want {
		t.Fatalf("%d problems, want %d", len(problems), want)
	}
}

// TestOverlapsAmongMany: an override that goes on for long overlaps later ones, though others begin and end between.
func TestOverlapsAmongMany(t *testing.T) {
	const head = "currency: usd\nfeatures: [{id: f, models: [m]}]\ncredit_systems:\n  - id: c\n    costs:\n" +
		"      - {effective: 2026-01-01, per_token: {f: 1}}\nproducts:\n" +
		"  - {id: free, default: true, credits: {system: c, included: 500, every: month}}\noverrides:\n"
	_, problems := ParseCatalog("catalog.yaml", []byte(head+
		"  - {customer: a, effective: 2026-05-01, until: 2026-06-01, product: free, included: 1}\n"+
		"  - {customer: a, effective: 2026-01-01, until: 2026-12-01, product: free, included: 2}\n"+
		"  - {customer: a, effective: 2026-02-01, until: 2026-03-01, product: free, included: 3}\n"+
		"  - {customer: a, effective: 2026-12-01, product: free, included: 4}\n"+
		"  - {customer: b, effective: 2026-02-01, product: free, included: 5}\n"))
	want := []string{"11:76: second override of included", "12:76: second override of included"}
	if len(problems) != len(want) {
		t.Fatalf("%v", problems)
	}
	for i := range want {
		if !strings.Contains(problems[i:i+1].Error(), want[i]) {
			t.Errorf("%v, want %s", problems[i], want[i])
		}
	}
}

// TestAliases: aliases that lead through many others, or stand for very many values, are mistakes that are told.
func TestAliases(t *testing.T) {
	chain := func(hops int) string {
		var text strings.Builder
		text.WriteString("a0: &a0 {id: free, default: true}\n")
		for i := range hops {
			fmt.Fprintf(&text, "a%d: &a%d {<<: *a%d}\n", i+1, i+1, i)
		}
		return text.String() + fmt.Sprintf("products:\n  - <<: *a%d\n", hops)
	}
	laughs := func(link string) string {
		var text strings.Builder
		text.WriteString("a0: &a0 {x: 1}\n")
		for i := range 31 {
			fmt.Fprintf(&text, link, i+1, i+1, i, i)
		}
		return text.String() + "products:\n  - <<: *a31\n"
	}
	tests := []struct{ name, text, want string }{
		{"a chain", chain(40), "`<<` leads back to itself, or through more than 32 mappings"},
		{"a cycle", "products:\n  - &a {<<: *a}\n", "`<<` leads back to itself"},
		{"lists of lists", laughs("a%d: &a%d [*a%d, *a%d]\n"), "aliases stand for more than 500000 values"},
		{"merged mappings", laughs("a%d: &a%d {<<: [*a%d, *a%d]}\n"), "aliases stand for more than 500000 values"},
		{
			"one large value", "a: &a [" + strings.Repeat("1, ", 10_000) + "1]\nb: [" + strings.Repeat("*a, ", 100) + "*a]\n",
			"aliases stand for more than 500000 values",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := ParseCatalog("catalog.yaml", []byte(test.text))
			if problems.Err() == nil || !strings.Contains(problems.Error(), test.want) {
				t.Errorf("%v, want %q", problems, test.want)
			}
		})
	}
}
