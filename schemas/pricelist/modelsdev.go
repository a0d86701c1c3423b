package pricelist

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// modelsDevUnits are the prices of models.dev, all per million tokens.
var modelsDevUnits = map[string]string{
	"input": schemas.UnitInput, "output": schemas.UnitOutput, "reasoning": schemas.UnitReasoning,
	"cache_read": schemas.UnitCachedInput, "cache_write": schemas.UnitCacheWrite,
	"input_audio": schemas.UnitInputAudio, "output_audio": schemas.UnitOutputAudio,
}

// readModelsDev reads the api.json of models.dev: providers by id, each with its models by id.
func readModelsDev(data []byte) ([]*Entry, error) {
	var providers object
	if err := json.Unmarshal(data, &providers); err != nil {
		return nil, err
	}
	var entries []*Entry
	for _, provider := range providers {
		var shape struct {
			Models object `json:"models"`
		}
		if err := json.Unmarshal(provider.value, &shape); err != nil {
			return nil, err
		}
		for _, model := range shape.Models {
			entry, err := readModelsDevModel(provider.key, model)
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

func readModelsDevModel(provider string, model field) (*Entry, error) {
	var fields object
	if err := json.Unmarshal(model.value, &fields); err != nil {
		return nil, err
	}
	entry := &Entry{Provider: provider, Model: model.key, Names: []string{model.key}, Mode: "chat"}
	entry.Own = fields.text("canonical_model_id") == provider+"/"+model.key
	for _, field := range fields {
		if field.key != "cost" && looksLikePrice(field.key) {
			entry.leave(field.key, "it is not known")
		}
	}
	if isNull(fields.get("cost")) {
		return entry, nil
	}
	var cost object
	if err := json.Unmarshal(fields.get("cost"), &cost); err != nil {
		return nil, err
	}
	version := Version{}
	version.Prices = entry.modelsDevPrices("", cost, &version)
	entry.modelsDevModes(fields.get("experimental"), &version)
	entry.modelsDevTiers(cost, &version)
	entry.Versions = []Version{version}
	return entry, nil
}

// modelsDevPrices reads the prices of an object; other holds the keys that are read elsewhere.
func (e *Entry) modelsDevPrices(at string, cost object, version *Version) Prices {
	prices := Prices{}
	for _, field := range cost {
		unit, known := modelsDevUnits[field.key]
		price, err := number(field.value)
		switch {
		case slices.Contains([]string{"tiers", "tier", "context_over_200k"}, field.key), isNull(field.value):
		case !known:
			e.leave(at+field.key, "it is not known")
		case err != nil:
			e.leave(at+field.key, "%v%s", err, insteadOf(unit))
			version.miss(unit)
		default:
			prices[unit] = price.Shift(-6)
		}
	}
	return prices
}

// modelsDevTiers reads the prices of long requests. `tiers` is what `context_over_200k` was before.
func (e *Entry) modelsDevTiers(cost object, version *Version) {
	var tiers []object
	if text := cost.get("tiers"); !isNull(text) {
		if err := json.Unmarshal(text, &tiers); err != nil {
			e.leave("tiers", "it is not a list of tiers")
		}
	}
	var long []When
	for _, tier := range tiers {
		var selects struct {
			Type string      `json:"type"`
			Size json.Number `json:"size"`
		}
		err := json.Unmarshal(tier.get("tier"), &selects)
		size, notWhole := strconv.ParseInt(selects.Size.String(), 10, 64)
		if err != nil || notWhole != nil || selects.Type != "context" || size <= 0 {
			e.leave("tiers", "a tier by %s is not known", clipped(tier.get("tier")))
			continue
		}
		long = append(long, When{ContextOver: size, Prices: e.modelsDevPrices("tiers.", tier, version)})
	}
	if text := cost.get("context_over_200k"); len(tiers) == 0 && !isNull(text) {
		var over object
		if err := json.Unmarshal(text, &over); err != nil {
			e.leave("context_over_200k", "it has no prices")
			return
		}
		long = append(long, When{ContextOver: 200_000, Prices: e.modelsDevPrices("context_over_200k.", over, version)})
	}
	slices.SortStableFunc(long, func(a, b When) int { return int(b.ContextOver - a.ContextOver) })
	version.When = append(version.When, long...)
}

// modelsDevModes reads the prices of modes that a request asks for, such as a faster one. What the request says is what
// the log of its answer says, too.
func (e *Entry) modelsDevModes(experimental json.RawMessage, version *Version) {
	if isNull(experimental) {
		return
	}
	var shape struct {
		Modes object `json:"modes"`
	}
	if err := json.Unmarshal(experimental, &shape); err != nil {
		return // true, where a model itself is an experiment
	}
	for _, mode := range shape.Modes {
		var is struct {
			Cost     object `json:"cost"`
			Provider struct {
				Body struct {
					Speed       string `json:"speed"`
					ServiceTier string `json:"service_tier"`
				} `json:"body"`
			} `json:"provider"`
		}
		key := "experimental.modes." + mode.key
		if err := json.Unmarshal(mode.value, &is); err != nil {
			e.leave(key, "its shape is not known")
			continue
		}
		dimension := [2]string{"tier", is.Provider.Body.ServiceTier}
		if speed := is.Provider.Body.Speed; speed != "" {
			dimension = [2]string{"speed", speed}
		}
		switch {
		case len(is.Cost) == 0:
		case dimension[1] == "":
			e.leave(key, "nothing tells its requests from others")
		default:
			when := When{Dimensions: [][2]string{dimension}, Prices: e.modelsDevPrices(key+".", is.Cost, version)}
			e.addWhen(key, version, when)
		}
	}
}

// addWhen adds prices of a condition, once.
func (e *Entry) addWhen(key string, version *Version, when When) {
	for _, other := range version.When {
		if !slices.Equal(other.Dimensions, when.Dimensions) || other.ContextOver != when.ContextOver {
			continue
		}
		if !samePrices(other.Prices, when.Prices) {
			e.leave(key, "other prices have the same condition, %s", conditionText(when.Dimensions))
		}
		return
	}
	version.When = append(version.When, when)
}

func samePrices(a, b Prices) bool {
	if len(a) != len(b) {
		return false
	}
	for unit, price := range a {
		if other, ok := b[unit]; !ok || !other.Equal(price) {
			return false
		}
	}
	return true
}

func conditionText(dimensions [][2]string) string {
	parts := make([]string, len(dimensions))
	for i, dimension := range dimensions {
		parts[i] = dimension[0] + ": " + dimension[1]
	}
	return strings.Join(parts, ", ")
}
