package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/schemas/pricelist"
)

// importedUsage are samples of everything that genai-prices can charge for: a short request and a long one, by day and
// by night.
var importedUsage = []struct {
	at     string
	tokens int64 // of each unit
}{
	{"2026-11-28T12:00:00Z", 1_000},
	{"2026-11-28T02:00:00Z", 60_000},
	{"2026-11-28T20:00:00Z", 27_200},
}

// TestImportedPrices compares what an imported catalog charges with what the list's own program does, for each model of
// the real list.
func TestImportedPrices(t *testing.T) {
	list, costs := genaiPrices(t)
	entries, err := pricelist.Read(pricelist.GenaiPrices, list)
	if err != nil {
		t.Fatal(err)
	}
	terms := pricelist.Terms{
		Markup: decimal.RequireFromString("0.2"), Credit: decimal.RequireFromString("0.05"),
		Effective: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Bare: true,
	}
	book := pricelist.NewBook(entries, terms, false)
	left := map[string]bool{}
	for _, note := range book.Notes {
		left[note.Entry] = left[note.Entry] || note.Left
	}
	catalog := importedCatalog(t, book)
	compared := 0
	for _, entry := range entries {
		feature, ok := importedFeature(book, entry)
		if left[entry.ID()] {
			continue
		}
		if !ok {
			t.Errorf("%s: it is neither imported nor told", entry.ID())
			continue
		}
		compared++
		for i, dollars := range costs[entry.Provider+" "+entry.Model] {
			want := decimal.RequireFromString(dollars.String()).Mul(decimal.NewFromInt(24)) // × 1.2 ÷ 0.05
			got := creditsOf(t, catalog, importedEvent(t, i, feature.Models[0]))
			// The list's program counts in floating point.
			if off := got.Sub(want).Abs(); off.GreaterThan(want.Shift(-12)) {
				t.Errorf("%s, sample %d: %s credits by the catalog, %s by the list", entry.ID(), i, got, want)
			}
		}
	}
	t.Logf("%d of %d models compared", compared, len(entries))
	if compared < 1300 {
		t.Errorf("%d of %d models compared", compared, len(entries))
	}
}

// genaiPrices are the real list and what its own program charges for the samples, by provider and model.
func genaiPrices(t *testing.T) (list []byte, costs map[string][]json.Number) {
	t.Helper()
	type sample struct {
		At    string                 `json:"at"`
		Usage map[string]json.Number `json:"usage"`
	}
	samples := make([]sample, len(importedUsage))
	for i, usage := range importedUsage {
		samples[i] = sample{usage.at, map[string]json.Number{}}
		for key, quantity := range genaiUsage(importedUnits(i)) {
			samples[i].Usage[key] = json.Number(quantity.String())
		}
	}
	input, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..")
	command := exec.CommandContext(t.Context(), "node", filepath.Join(root, "testdata", "prices", "genai-prices.mjs"),
		filepath.Join(root, "node_modules", "@pydantic", "genai-prices", "dist", "index.js"))
	command.Stdin = bytes.NewReader(input)
	var told bytes.Buffer
	command.Stderr = &told
	output, err := command.Output()
	if err != nil {
		t.Fatalf("run genai-prices: %v\n%s\ninstall it with: make engine", err, told.String())
	}
	var answer struct {
		Providers json.RawMessage          `json:"providers"`
		Costs     map[string][]json.Number `json:"costs"`
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Providers, answer.Costs
}

// importedUnits are the units of a sample: so many tokens of each kind, and something of everything else.
func importedUnits(sample int) map[string]decimal.Decimal {
	units := map[string]decimal.Decimal{
		"seconds": decimal.NewFromInt(30), "searches": decimal.NewFromInt(2), "storage_searches": decimal.NewFromInt(3),
		"pages": decimal.NewFromInt(5), "annotated_pages": decimal.NewFromInt(7), "text_messages": decimal.NewFromInt(4),
	}
	for i, unit := range schemas.TokenUnits {
		units[unit] = decimal.NewFromInt(importedUsage[sample].tokens + int64(i))
	}
	return units
}

// genaiUsage is the same as genai-prices counts it: each number includes its parts.
func genaiUsage(units map[string]decimal.Decimal) map[string]decimal.Decimal {
	sum := func(names ...string) (total decimal.Decimal) {
		for _, name := range names {
			total = total.Add(units[name])
		}
		return total
	}
	usage := map[string]decimal.Decimal{
		"input_tokens": sum("input", "cached_input", "cache_write", "cache_write_1h", "input_audio", "cached_input_audio",
			"input_image", "input_video"),
		"cache_read_tokens":       sum("cached_input", "cached_input_audio"),
		"cache_audio_read_tokens": sum("cached_input_audio"),
		"cache_write_tokens":      sum("cache_write", "cache_write_1h"),
		"cache_write_1h_tokens":   sum("cache_write_1h"),
		"input_audio_tokens":      sum("input_audio", "cached_input_audio"),
		"input_image_tokens":      sum("input_image"),
		"input_video_tokens":      sum("input_video"),
		"output_tokens":           sum("output", "reasoning", "output_audio", "output_image"),
		"output_reasoning_tokens": sum("reasoning"),
		"output_audio_tokens":     sum("output_audio"),
		"output_image_tokens":     sum("output_image"),

		"audio_seconds": sum("seconds"), "input_audio_seconds": sum("seconds"),
		"web_searches": sum("searches"), "storage_searches": sum("storage_searches"),
		"input_document_pages": sum("pages", "annotated_pages"), "input_annotated_document_pages": sum("annotated_pages"),
		"input_text_messages": sum("text_messages"),
	}
	for _, part := range []string{
		"cache_image_read_tokens", "cache_video_read_tokens", "cache_audio_write_tokens", "cache_audio_write_1h_tokens",
		"cache_image_write_tokens", "cache_image_write_1h_tokens", "cache_video_write_tokens",
		"cache_video_write_1h_tokens", "output_audio_reasoning_tokens", "output_image_reasoning_tokens",
	} {
		usage[part] = decimal.Zero
	}
	return usage
}

func importedEvent(t *testing.T, sample int, model string) schemas.Event {
	t.Helper()
	at, err := time.Parse(time.RFC3339, importedUsage[sample].at)
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Event{
		EventID: "e", CustomerID: "c", OccurredAt: at, Model: model, Units: schemas.AmountsOf(importedUnits(sample)),
	}
}

// creditsOf is what a catalog charges.
func creditsOf(t *testing.T, catalog *schemas.Catalog, event schemas.Event) decimal.Decimal {
	t.Helper()
	price, err := pricebook.New(catalog).PriceEvent(event, "ai-credits")
	if err != nil {
		t.Fatal(err)
	}
	return price.Credits
}

// importedCatalog is a catalog that has what was imported and nothing else.
func importedCatalog(t *testing.T, book pricelist.Book) *schemas.Catalog {
	t.Helper()
	text := "currency: usd\n" + string(book.YAML("ai-credits", "")) +
		"products: [{id: free, default: true, credits: {system: ai-credits, included: 0, every: month}}]\n"
	catalog, problems := schemas.ParseCatalog("imported.yaml", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return catalog
}

func importedFeature(book pricelist.Book, entry *pricelist.Entry) (pricelist.Feature, bool) {
	i := slices.IndexFunc(book.Features, func(feature pricelist.Feature) bool { return feature.ID == entry.ID() })
	if i < 0 {
		return pricelist.Feature{}, false
	}
	return book.Features[i], true
}
