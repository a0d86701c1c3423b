package pricebook

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// TestPriceOf: a price holds from its own instant on, and a model without one says so.
func TestPriceOf(t *testing.T) {
	book, at := New(seed(t)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	price, ok := book.PriceOf("a", Used{Model: "large-model-2"}, "ai-credits", at)
	if !ok || price.FeatureID != "large-model-tokens" || !price.Effective.Equal(at) ||
		price.CreditSystem != "ai-credits" || !price.Costs.ByUnit[schemas.UnitInput].Equal(decimal.NewFromInt(5)) {
		t.Errorf("%+v %t", price, ok)
	}
	if _, ok := book.PriceOf("a", Used{Model: "large-model-2"}, "ai-credits", at.Add(-1)); ok {
		t.Error("priced before the first price list")
	}
	if _, ok := book.PriceOf("a", Used{Model: "mystery"}, "ai-credits", at); ok {
		t.Error("an unknown model is priced")
	}
	if changes := book.Changes("a"); len(changes) != 1 || !changes[0].Equal(at) {
		t.Errorf("%v", changes)
	}
}

// seed is the catalog of the product's own example.
func seed(t *testing.T) *schemas.Catalog {
	t.Helper()
	text, err := os.ReadFile("../../testdata/catalogs/seed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	catalog, problems := schemas.ParseCatalog("seed.yaml", text)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return catalog
}

// TestBooksNumberEpochsThrough: the book of a second catalog numbers its epochs after those of the first, and each is
// found by its number.
func TestBooksNumberEpochsThrough(t *testing.T) {
	today := parse(t, pricedByEvent)
	before := parse(t, strings.Replace(pricedByEvent, "large: 6", "large: 4", 1))
	books := Books{}.With(today).With(before).With(today)
	if len(books) != 2 || books.Of(nil) != books[0] || books.Of(before) != books[1] {
		t.Fatalf("%d books", len(books))
	}
	at := time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC)
	for i, want := range []int64{6, 4} {
		number := books[i].EpochAt("anyone", at)
		price, priced := books.PriceIn(number, Used{Model: "large-model"}, "first")
		if cost := price.Costs.ByUnit[schemas.UnitInput]; !priced || !cost.Equal(decimal.NewFromInt(want)) {
			t.Errorf("book %d, epoch %d: %s, want %d", i, number, cost, want)
		}
	}
	if first, second := books[0].EpochAt("anyone", at), books[1].EpochAt("anyone", at); first == second {
		t.Errorf("both books number the epoch %d", first)
	}
}

// TestLacks: a price that names some units alone lacks the others, which matters where they are used.
func TestLacks(t *testing.T) {
	books := Books{}.With(parse(t, pricedByEvent))
	lacking := map[string]bool{"large-model": true, "both-model": false, "free-model": false, "other": false}
	for model, want := range lacking {
		if got := books.Lacks(Used{Model: model}, []string{schemas.UnitReasoning}); got != want {
			t.Errorf("%s lacks reasoning: %t", model, got)
		}
	}
}

func parse(t *testing.T, text string) *schemas.Catalog {
	t.Helper()
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return catalog
}

// TestNeedsRows: sums say what usage comes to unless its price depends on a test that they lack, or lacks one of its
// units; usage without any price needs no rows.
func TestNeedsRows(t *testing.T) {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`currency: usd
timezone: UTC
features:
  - {id: plain, models: [plain]}
  - {id: tested, models: [tested]}
  - {id: partial, models: [partial]}
  - {id: unpriced, models: [unpriced]}
credit_systems:
  - id: ai
    costs:
      - effective: 2000-01-01
        per_token: {plain: 1, tested: {input: 1, when: [{context_over: 100, times: 3}]}, partial: {output: 1}}
products:
  - {id: free, default: true, credits: {system: ai, included: 50, every: month}}
`))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	books := Books{}.With(catalog)
	epoch := books[0].EpochAt("", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for _, test := range []struct {
		model, under, unit string
		want               bool
	}{
		{"plain", "", schemas.UnitInput, false},
		{"tested", "", schemas.UnitInput, true},
		{"tested", "#context>100=1", schemas.UnitInput, false},
		{"tested", "#context>50=1", schemas.UnitInput, true},
		{"partial", "", schemas.UnitInput, true},
		{"partial", "", schemas.UnitOutput, false},
		{"unpriced", "", schemas.UnitInput, false},
		{"unknown", "", schemas.UnitInput, false},
	} {
		used := Used{Model: test.model, Under: test.under}
		if got := books.NeedsRows(epoch, used, "ai", []string{test.unit}); got != test.want {
			t.Errorf("%s%s, %s: %t", test.model, test.under, test.unit, got)
		}
	}
}
