package schemas

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestCatalogProblems reads each catalog that has a mistake or a warning and compares all problems with its golden
// file.
func TestCatalogProblems(t *testing.T) {
	files := glob(t, "../testdata/catalogs/bad/*.yaml")
	files = append(files, "../testdata/catalogs/warnings.yaml")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			catalog, problems := ParseCatalog("catalog.yaml", read(t, file))
			if len(problems) == 0 {
				t.Error("no problem found")
			}
			if broken := problems.Err() != nil; broken != (catalog == nil) {
				t.Errorf("catalog is nil: %t, problems: %v", catalog == nil, problems)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", problems.Error()+"\n")
		})
	}
}

func TestSeedCatalog(t *testing.T) {
	text := read(t, "../testdata/catalogs/seed.yaml")
	catalog, problems := ParseCatalog("seed.yaml", text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if catalog.Currency.Code != "usd" || catalog.Timezone != time.UTC || len(catalog.SHA256) != 64 {
		t.Errorf("catalog = %+v", catalog)
	}
	if from := catalog.BillingFrom; from == nil || !from.Equal(instant(t, "2026-10-01T00:00:00Z")) {
		t.Errorf("billing_from = %v", from)
	}
	if catalog.DefaultProduct().ID != "free" {
		t.Errorf("default product = %+v", catalog.DefaultProduct())
	}
	system, _ := catalog.CreditSystem("ai-credits")
	if _, ok := system.CostsAt(instant(t, "2025-12-31T23:59:59.999999999Z")); ok {
		t.Error("costs before the first version")
	}
	costs, ok := system.CostsAt(instant(t, "2026-01-01T00:00:00Z"))
	if !ok {
		t.Fatal("no costs at the very instant of the first version")
	}
	for feature, want := range map[string][]string{
		"small-model-tokens": {"0.1", "0.1", "0.1", "0.1", "0.1"},
		"large-model-tokens": {"5", "0.5", "6.25", "5", "5"},
	} {
		for i, unit := range ColumnUnits() {
			if cost, ok := costs.ByFeature[feature].Of(unit); !ok || cost.String() != want[i] {
				t.Errorf("%s, %s: %v, want %s", feature, unit, cost, want[i])
			}
		}
	}
	pro, _ := catalog.Product("pro")
	terms := pro.At(instant(t, "1999-01-01T00:00:00Z"))
	want := ProductVersion{
		Price: &Price{Amount: decimal.New(100, 0), Every: IntervalMonth, StripePrice: "price_pro"},
		Credits: &Credits{
			System: "ai-credits", Included: decimal.New(10000, 0), Every: IntervalMonth,
			Overage: &Overage{PerCredit: decimal.New(1, -2), BillingUnits: 1},
		},
	}
	if diff := cmp.Diff(want, terms); diff != "" {
		t.Errorf("pro (-want +got):\n%s", diff)
	}
}

func TestVersionedCatalog(t *testing.T) {
	catalog, problems := ParseCatalog("versions.yaml", read(t, "../testdata/catalogs/versions.yaml"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	system, _ := catalog.CreditSystem("credits")
	for at, want := range map[string]string{
		"2025-12-31T22:59:59Z":           "",
		"2025-12-31T23:00:00Z":           "0.001 0 0 0.004 0.004",
		"2026-07-01T11:59:59.999999999Z": "0.001 0 0 0.004 0.004",
		"2026-07-01T12:00:00Z": "0.000000000000000001 0.000000000000000001 0.000000000000000001 " +
			"0.000000000000000001 0.000000000000000001",
	} {
		version, _ := system.CostsAt(instant(t, at))
		if got := columnCosts(version.ByFeature["chat-tokens"]); got != want {
			t.Errorf("costs at %s: %v, want %s", at, got, want)
		}
	}
	pro, _ := catalog.Product("pro")
	if terms := pro.At(instant(t, "2025-12-31T22:59:59Z")); terms.Price != nil || terms.Credits != nil {
		t.Errorf("terms before the first version: %+v", terms)
	}
	if terms := pro.At(instant(t, "2026-06-30T21:59:59Z")); terms.Price.StripePrice != "price_old" ||
		terms.Credits.Included.String() != "1000" || terms.Credits.Every != IntervalMonth {
		t.Errorf("old terms: %+v", terms)
	}
	terms := pro.At(instant(t, "2026-06-30T22:00:00Z"))
	if terms.Price.StripePrice != "price_new" || terms.Price.Amount.String() != "12.5" ||
		terms.Credits.Every != IntervalWeek || terms.Credits.Rollover.Periods != 2 ||
		terms.Credits.Overage.Limit.String() != "5000" || terms.Credits.Overage.BillingUnits != 100 {
		t.Errorf("new terms: %+v %+v", terms.Price, terms.Credits)
	}
	if house, _ := catalog.Product("house"); !house.At(time.Time{}).Credits.Unlimited {
		t.Error("house is not unlimited")
	}
}

func TestFeatureOf(t *testing.T) {
	catalog, problems := ParseCatalog("catalog.yaml", []byte(`
currency: usd
features:
  - {id: mini, models: [gpt-4o-mini]}
  - {id: gpt, models: ["gpt-*"]}
  - {id: sonnet, models: ["claude-*-sonnet", "azure/*"]}
  - {id: five, models: [5]}
products:
  - {id: free, default: true, price: }
`))
	if catalog != nil || len(problems.Errors()) == 0 {
		t.Error("a price without a value is let through")
	}
	catalog, problems = ParseCatalog("catalog.yaml", []byte(`
currency: usd
features:
  - {id: mini, models: [gpt-4o-mini]}
  - {id: gpt, models: ["gpt-*"]}
  - {id: sonnet, models: ["claude-*-sonnet", "azure/*"]}
  - {id: five, models: [5]}
products:
  - {id: free, default: true}
`))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]string{
		"gpt-4o-mini": "mini", "gpt-4o": "gpt", "gpt-": "gpt", "GPT-4o": "", "gpt": "",
		"claude-3-5-sonnet": "sonnet", "claude--sonnet": "sonnet", "claude-sonnet": "", "claude-3-sonnet-x": "",
		"azure/": "sonnet", "5": "five", "": "", "*": "",
	} {
		feature, ok := catalog.FeatureOf(model)
		if feature.ID != want || ok != (want != "") {
			t.Errorf("FeatureOf(%q) = %q, %t; want %q", model, feature.ID, ok, want)
		}
	}
}

func TestCatalogOutsideYAML(t *testing.T) {
	for name, data := range map[string]string{
		"not UTF-8":           "currency: \xff",
		"a circle of aliases": "currency: &a *a\nfeatures: [&b {id: *b, models: [*b]}]\n",
		"a merge of itself":   "x: &x\n  <<: *x\n",
		"too large":           strings.Repeat("# a comment\n", 400_000),
		"deep":                strings.Repeat("[", 5000),
	} {
		if catalog, problems := ParseCatalog("catalog.yaml", []byte(data)); catalog != nil || problems.Err() == nil {
			t.Errorf("%s: let through", name)
		}
	}
}

func FuzzParseCatalog(f *testing.F) {
	for _, file := range append(glob(f, "../testdata/catalogs/bad/*.yaml"), glob(f, "../testdata/catalogs/*.yaml")...) {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		catalog, problems := ParseCatalog("catalog.yaml", data)
		if (catalog == nil) != (problems.Err() != nil) {
			t.Fatalf("catalog %v with problems %v", catalog, problems)
		}
		if catalog == nil {
			return
		}
		if !catalog.DefaultProduct().Default {
			t.Fatal("no default product")
		}
		for _, feature := range catalog.Features {
			for _, model := range feature.Models {
				if found, ok := catalog.FeatureOf(model); ok && found.ID != feature.ID && !isPattern(model) {
					t.Fatalf("model %q of %q selects %q", model, feature.ID, found.ID)
				}
			}
		}
	})
}

// golden compares got with a golden file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files at %s: %v", pattern, err)
	}
	return files
}

// columnCosts are the costs of the units that have columns, as far as they have any.
func columnCosts(costs UnitCosts) string {
	var list []string
	for _, unit := range ColumnUnits() {
		if cost, ok := costs.Of(unit); ok {
			list = append(list, cost.String())
		}
	}
	return strings.Join(list, " ")
}

// TestUntaxed: a product that sells overage and says nothing of tax is warned of where another does.
func TestUntaxed(t *testing.T) {
	const text = `
currency: usd
timezone: UTC
features: [{id: f, models: [m]}]
credit_systems: [{id: c, costs: [{effective: 2026-01-01, per_token: {f: 1}}]}]
products:
  - {id: free, default: true, credits: {system: c, included: 5, every: month}}
  - {id: pro, price: {amount: "10.00", every: month},
     credits: {system: c, included: 5, every: month, overage: {per_credit: "0.01"}}}
  - {id: max, TAX price: {amount: "20.00", every: month},
     credits: {system: c, included: 5, every: month, overage: {per_credit: "0.01"}}}
`
	for tax, want := range map[string]int{"": 0, "tax: {behavior: exclusive},": 1} {
		catalog, problems := ParseCatalog("catalog.yaml", []byte(strings.ReplaceAll(text, "TAX", tax)))
		if catalog == nil || len(problems) != want {
			t.Fatalf("with %q: %v", tax, problems)
		}
		if want == 1 && (!problems[0].Warning || problems[0].Line != 8 || !slices.Equal(catalog.Untaxed(), []string{"pro"})) {
			t.Fatalf("%+v, %v", problems, catalog.Untaxed())
		}
	}
}
