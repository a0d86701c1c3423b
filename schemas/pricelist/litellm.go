package pricelist

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// readLiteLLM reads model_prices_and_context_window.json: an object of models, whose names tell the provider in some.
func readLiteLLM(data []byte) ([]*Entry, error) {
	var models object
	if err := json.Unmarshal(data, &models); err != nil {
		return nil, err
	}
	var entries []*Entry
	for _, model := range models {
		if model.key == "sample_spec" {
			continue
		}
		var fields object
		if err := json.Unmarshal(model.value, &fields); err != nil {
			return nil, fmt.Errorf("model %q: %w", model.key, err)
		}
		entry := &Entry{Provider: fields.text("litellm_provider"), Model: model.key, Mode: fields.text("mode"), Own: true}
		if entry.Provider == "" {
			entry.Provider = "unknown"
		}
		entry.Names = append([]string{model.key}, fields.texts("aliases")...)
		entry.Versions = []Version{entry.litellmVersion(fields)}
		entries = append(entries, entry)
	}
	return entries, nil
}

// texts is a list of texts, empty if a key has none.
func (o object) texts(key string) []string {
	var texts []string
	if json.Unmarshal(o.get(key), &texts) != nil {
		return nil
	}
	return texts
}

func (e *Entry) litellmVersion(fields object) Version {
	version := Version{Prices: Prices{}}
	for _, field := range fields {
		reason, leftOut := litellmLeftOut[field.key]
		key, known := parseLiteLLMKey(field.key)
		switch {
		case isNull(field.value) || litellmElsewhere[field.key]:
		case leftOut:
			if price, err := number(field.value); err != nil || !price.IsZero() {
				e.leave(field.key, "%s", reason)
			}
		case known:
			e.litellmPrice(field, key, &version)
		case looksLikePrice(field.key):
			e.leave(field.key, "it is not known")
		}
	}
	e.litellmTiers(fields.get("tiered_pricing"), &version)
	e.litellmSearches(fields.get("search_context_cost_per_query"), &version)
	e.oneOfTwo(&version)
	sortWhen(version.When)
	e.litellmTimes(fields, &version)
	return version
}

// litellmPrice adds the price of one key.
func (e *Entry) litellmPrice(field field, key litellmKey, version *Version) {
	unit := key.unit
	if slices.Contains([]string{"image_generation", "image_edit"}, e.Mode) && !schemas.IsTokens(unit) {
		unit = strings.TrimPrefix(unit, "input_") // older entries price the images that are made so
	}
	price, err := number(field.value)
	if err != nil {
		e.leave(field.key, "%v%s", err, insteadOf(unit))
		version.miss(unit)
		return
	}
	price = price.Shift(-key.places)
	prices := version.Prices
	if when := key.conditions(); len(when.Dimensions) > 0 || when.ContextOver > 0 {
		prices = version.whenOf(when)
	}
	other, twice := prices[unit]
	switch {
	case !twice || other.IsZero(): // where two keys price the same, the one that is not free counts
		prices[unit] = price
	case !price.IsZero() && !price.Equal(other):
		e.leave(field.key, "another price of %s, %s dollars, stands beside it", unit, other)
	}
}

// whenOf are the prices of a condition, which is added where it is new.
func (v *Version) whenOf(when When) Prices {
	for _, other := range v.When {
		if slices.Equal(other.Dimensions, when.Dimensions) && other.ContextOver == when.ContextOver {
			return other.Prices
		}
	}
	v.When = append(v.When, when)
	return when.Prices
}

// sortWhen puts conditions in the order in which LiteLLM reads them: the price of a tier for long prompts, then that of
// batches, then that of long prompts whatever the tier, then the tier's.
func sortWhen(whens []When) {
	rank := func(when When) int {
		switch {
		case len(when.Dimensions) > 0 && when.ContextOver > 0:
			return 0
		case len(when.Dimensions) > 0 && when.Dimensions[0] == [2]string{"tier", "batch"}:
			return 1
		case when.ContextOver > 0:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(whens, func(a, b When) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.ContextOver, a.ContextOver))
	})
}

// litellmTiers reads prices by the size of the prompt: all tokens of a request have those of the range it is in.
func (e *Entry) litellmTiers(text json.RawMessage, version *Version) {
	if isNull(text) {
		return
	}
	var tiers []object
	if err := json.Unmarshal(text, &tiers); err != nil {
		e.leave("tiered_pricing", "it is not a list of ranges")
		return
	}
	for i, tier := range tiers {
		var limits []json.RawMessage
		if json.Unmarshal(tier.get("range"), &limits) != nil || len(limits) != 2 {
			e.leave("tiered_pricing", "a tier by %s is not known", clipped(tier.get("range")))
			continue
		}
		from, err := number(limits[0])
		if err != nil || !from.IsInteger() {
			e.leave("tiered_pricing", "its range begins at %s", clipped(limits[0]))
			continue
		}
		prices := version.Prices
		if !from.IsZero() {
			prices = version.whenOf(When{ContextOver: from.IntPart(), Prices: Prices{}})
		}
		for _, field := range tier {
			key, known := parseLiteLLMKey(field.key)
			price, err := number(field.value)
			switch {
			case field.key == "range" || isNull(field.value):
			case !known || key.tier != "" || key.above > 0:
				e.leave(fmt.Sprintf("tiered_pricing[%d].%s", i, field.key), "it is not known")
			case err != nil:
				e.leave(fmt.Sprintf("tiered_pricing[%d].%s", i, field.key), "%v", err)
				version.miss(key.unit)
			default:
				prices[key.unit] = price.Shift(-key.places)
			}
		}
	}
}

// litellmSearches reads the prices of web searches by how much of what is found is read. The medium one is what
// requests have that do not say.
func (e *Entry) litellmSearches(text json.RawMessage, version *Version) {
	if isNull(text) {
		return
	}
	const key, prefix = "search_context_cost_per_query", "search_context_size_"
	var sizes object
	if json.Unmarshal(text, &sizes) != nil {
		sizes = object{{prefix + "medium", text}}
	}
	prices := Prices{}
	for _, size := range sizes {
		price, err := number(size.value)
		name, known := strings.CutPrefix(size.key, prefix)
		if err != nil || !known {
			e.leave(key+"."+size.key, "it is not a price of a search")
			continue
		}
		prices[name] = price
	}
	for _, size := range []string{"medium", "low", "high"} {
		price, ok := prices[size]
		if base, has := version.Prices["searches"]; ok && !has {
			version.Prices["searches"] = price
		} else if ok && !base.Equal(price) {
			version.whenOf(When{Dimensions: [][2]string{{"search_context", size}}, Prices: Prices{}})["searches"] = price
		}
	}
}

// litellmTimes reads what multiplies all prices of tokens.
func (e *Entry) litellmTimes(fields object, version *Version) {
	add := func(key string, value json.RawMessage, dimension, name string) {
		if isNull(value) {
			return
		}
		times, err := number(value)
		if err != nil {
			e.leave(key, "%v", err)
			return
		}
		if !times.IsZero() && !times.Equal(decimal.New(1, 0)) {
			version.When = append(version.When, When{Dimensions: [][2]string{{dimension, name}}, Times: times})
		}
	}
	for _, geo := range []string{"eu", "us"} {
		key := "regional_processing_uplift_multiplier_" + geo
		add(key, fields.get(key), "geo", geo)
	}
	add("regional_endpoint_uplift_multiplier", fields.get("regional_endpoint_uplift_multiplier"), "endpoint", "regional")
	var specific object
	if text := fields.get("provider_specific_entry"); !isNull(text) && json.Unmarshal(text, &specific) != nil {
		e.leave("provider_specific_entry", "its shape is not known")
	}
	for _, field := range specific {
		key := "provider_specific_entry." + field.key
		switch {
		case field.key == "fast":
			add(key, field.value, "speed", field.key)
		case len(field.key) == 2:
			add(key, field.value, "geo", field.key)
		default:
			e.leave(key, "it is not known")
		}
	}
}

// sameCharge are units of which the list prices the same usage twice: the second is what is charged where there are no
// tokens.
var sameCharge = [][2]string{
	{schemas.UnitInputImage, "input_images"},
	{schemas.UnitOutputImage, "images"},
	{schemas.UnitInput, "characters"},
	{schemas.UnitOutput, "output_characters"},
	{schemas.UnitInputAudio, "input_audio_seconds"},
	{schemas.UnitOutputAudio, "output_audio_seconds"},
	{schemas.UnitInputVideo, "input_video_seconds"},
}

// oneOfTwo keeps the price of tokens where the list prices something else for the same usage.
func (e *Entry) oneOfTwo(version *Version) {
	for _, pair := range sameCharge {
		tokens, other := version.Prices[pair[0]], version.Prices[pair[1]]
		if _, has := version.Prices[pair[1]]; !has || !tokens.IsPositive() && !other.IsZero() {
			continue
		}
		delete(version.Prices, pair[1])
		for i := range version.When {
			delete(version.When[i].Prices, pair[1])
		}
		if other.IsPositive() {
			e.tell("", "priced by %s alone; the list has a price of %s for the same", pair[0], pair[1])
		}
	}
	version.When = slices.DeleteFunc(version.When, func(when When) bool { return len(when.Prices) == 0 })
}
