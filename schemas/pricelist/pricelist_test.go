package pricelist_test

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

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/schemas/pricelist"
)

var update = flag.Bool("update", false, "write what is found to the files that hold what is wanted")

// imported reads a sample and turns what the patterns take into a book, with 20 % markup and credits of a cent.
func imported(t *testing.T, format string, patterns ...string) pricelist.Book {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", format+".json"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := pricelist.Read(format, data)
	if err != nil {
		t.Fatal(err)
	}
	selected, unused := pricelist.Select(entries, patterns)
	if len(unused) > 0 {
		t.Fatalf("unused patterns: %q", unused)
	}
	return pricelist.NewBook(selected, terms("0.2", "0.01"), len(patterns) > 0)
}

func terms(markup, credit string) pricelist.Terms {
	return pricelist.Terms{
		Markup: decimal.RequireFromString(markup), Credit: decimal.RequireFromString(credit),
		Effective: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Bare: true,
	}
}

// TestImported compares the catalog and the notes that become of each sample with its golden file.
func TestImported(t *testing.T) {
	for _, format := range pricelist.Formats() {
		t.Run(format, func(t *testing.T) {
			book := imported(t, format)
			var notes strings.Builder
			for _, note := range book.Notes {
				notes.WriteString(note.String() + "\n")
			}
			golden := filepath.Join("testdata", format+".golden")
			got := string(book.YAML("ai-credits", "From a sample.\n")) + "---\n" + notes.String()
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	for format, want := range map[string][4]int{
		pricelist.GenaiPrices: {9, 2, 2, 0}, pricelist.LiteLLM: {12, 2, 1, 0}, pricelist.ModelsDev: {4, 2, 1, 1},
	} {
		book := imported(t, format)
		if got := [4]int{book.Whole, book.InPart, book.LeftOut, book.Free}; got != want {
			t.Errorf("%s: whole, in part, left out, free: %v, want %v", format, got, want)
		}
	}
}

// TestNames shows who has a name that several providers use.
func TestNames(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		want     map[string][]string
	}{
		{"the list's own provider", nil, map[string][]string{
			"openai/gpt-large":            {"gpt-large"},
			"azure/gpt-large":             {"azure/gpt-large"},
			"openrouter/openai/gpt-large": {"openai/gpt-large", "openrouter/openai/gpt-large"},
		}},
		{"the first pattern", []string{"azure/*", "openai/gpt*"}, map[string][]string{
			"azure/gpt-large": {"gpt-large", "azure/gpt-large"}, "openai/gpt-large": {"openai/gpt-large"},
		}},
		{"a model of any provider", []string{"gpt-large"}, map[string][]string{
			"azure/gpt-large": {"gpt-large", "azure/gpt-large"}, "openai/gpt-large": {"openai/gpt-large"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := map[string][]string{}
			for _, feature := range imported(t, pricelist.ModelsDev, test.patterns...).Features {
				if strings.HasSuffix(feature.ID, "gpt-large") {
					got[feature.ID] = feature.Models
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReciprocal(t *testing.T) {
	for text, want := range map[string]string{"0.01": "100", "0.002": "500", "8": "0.125", "0.03": "", "0": "", "-1": ""} {
		got, exact := pricelist.Reciprocal(decimal.RequireFromString(text))
		if exact != (want != "") || exact && got.String() != want {
			t.Errorf("1 ÷ %s is %s, exact %v; want %q", text, got, exact, want)
		}
	}
}

// TestPlaces leaves out what the catalog does not keep: 18 decimal places of a token, 9 of anything else.
func TestPlaces(t *testing.T) {
	list := `[{"id": "p", "models": [{"id": "m", "match": {"equals": "m"},
		"prices": {"input_mtok": 0.12345678901234, "cache_read_mtok": 0.123456789012345, "output_mtok": 1,
			"requests_kcount": 0.00000123, "web_searches_kcount": 0.000001234}}]}]`
	entries, err := pricelist.Read(pricelist.GenaiPrices, []byte(list))
	if err != nil {
		t.Fatal(err)
	}
	book := pricelist.NewBook(entries, terms("0", "0.01"), false)
	var left []string
	for _, note := range book.Notes {
		left = append(left, note.Key)
	}
	if !slices.Equal(left, []string{"cached_input", "searches"}) || book.InPart != 1 {
		t.Errorf("left out: %q", left)
	}
	costs := book.Versions[0].ByFeature["p/m"].Prices
	input, requests := costs["input"].String(), costs["requests"].String()
	if input != "0.000012345678901234" || requests != "0.000000123" || len(costs) != 5 {
		t.Errorf("costs: %v", costs)
	}
}

func TestReadErrors(t *testing.T) {
	for format, texts := range map[string][]string{
		pricelist.GenaiPrices: {
			`{}`, `{"a": 1}`, `[{"models": [{"id": "m"}]}]`, `[{"models": [{"match": {"equals": "m"}}]}]`,
		},
		pricelist.LiteLLM:   {`[]`, `{"m": 1}`, ``, `{"m": {}`},
		pricelist.ModelsDev: {`[]`, `{"p": {"models": {"m": 1}}}`, `{"p": {"models": {"m": {"cost": 3}}}}`},
	} {
		for _, text := range texts {
			_, err := pricelist.Read(format, []byte(text))
			if err == nil || !strings.HasPrefix(err.Error(), "read "+format) {
				t.Errorf("%s %s: error %v", format, text, err)
			}
		}
	}
}

const catalogText = `currency: usd
timezone: Europe/Berlin
features:
  - {id: large, models: [gpt-large]}
  - {id: mixed, models: [free-model, claude-large]}
  - {id: gpt-mini, models: [else]}
credit_systems:
  - id: ai-credits
    costs:
      - effective: 2026-01-01
        per_token:
          large: {input: 0.0003, cached_input: 0.00003, cache_write: 0.0003, output: 0.0018, inherit: true}
          mixed: 1
          gpt-mini: 1
products: [{id: free, default: true, credits: {system: ai-credits, included: 0, every: month}}]
`

func TestAgainst(t *testing.T) {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(catalogText))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, format string
		patterns     []string
		features     []string
		costs        []string
		note         string
	}{
		{
			"the same", pricelist.ModelsDev,
			[]string{"openrouter/openai/gpt-large"},
			[]string{"openrouter/openai/gpt-large"},
			[]string{"openrouter/openai/gpt-large"},
			"",
		},
		{"a model that the catalog has", pricelist.ModelsDev, []string{"azure/*"}, nil, []string{"large"}, ""},
		{"models that differ", pricelist.ModelsDev, []string{"free-model", "claude-large"}, nil, nil, "give each its own"},
		{
			"nothing to compare", pricelist.LiteLLM,
			[]string{"whisper-1"},
			[]string{"openai/whisper-1"},
			[]string{"openai/whisper-1"},
			"",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			book := imported(t, test.format, test.patterns...)
			book.Against(catalog, "ai-credits")
			var features, costs []string
			for _, feature := range book.Features {
				features = append(features, feature.ID)
			}
			for _, version := range book.Versions {
				for id := range version.ByFeature {
					costs = append(costs, id)
				}
			}
			if !slices.Equal(features, test.features) || !slices.Equal(costs, test.costs) {
				t.Errorf("features %q, costs %q", features, costs)
			}
			told := slices.ContainsFunc(book.Notes, func(n pricelist.Note) bool {
				return test.note != "" && strings.Contains(n.Reason, test.note)
			})
			if told != (test.note != "") {
				t.Errorf("notes %v", book.Notes)
			}
		})
	}
}

// TestAgainstItself finds no difference to a catalog that was imported from the same list.
func TestAgainstItself(t *testing.T) {
	book := imported(t, pricelist.ModelsDev, "azure/*", "openrouter/*")
	text := "currency: usd\n" + string(book.YAML("s", "")) +
		"products: [{id: free, default: true, credits: {system: s, included: 0, every: month}}]\n"
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	again := imported(t, pricelist.ModelsDev, "azure/*", "openrouter/*")
	again.Against(catalog, "s")
	if len(again.Features)+len(again.Versions) > 0 {
		t.Errorf("it differs: %s", again.YAML("s", ""))
	}
}
