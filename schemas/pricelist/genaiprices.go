package pricelist

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// genaiUnit is what a price key of genai-prices counts: so many decimal places to the left for a single one.
type genaiUnit struct {
	unit   string
	places int32
	hours  bool
}

// genaiUnits are the price keys that a catalog has a unit for.
var genaiUnits = map[string]genaiUnit{
	"input_mtok":            {schemas.UnitInput, 6, false},
	"cache_read_mtok":       {schemas.UnitCachedInput, 6, false},
	"cache_write_mtok":      {schemas.UnitCacheWrite, 6, false},
	"cache_write_1h_mtok":   {schemas.UnitCacheWrite1h, 6, false},
	"output_mtok":           {schemas.UnitOutput, 6, false},
	"output_reasoning_mtok": {schemas.UnitReasoning, 6, false},
	"input_audio_mtok":      {schemas.UnitInputAudio, 6, false},
	"cache_audio_read_mtok": {schemas.UnitCachedInputAudio, 6, false},
	"output_audio_mtok":     {schemas.UnitOutputAudio, 6, false},
	"input_image_mtok":      {schemas.UnitInputImage, 6, false},
	"output_image_mtok":     {schemas.UnitOutputImage, 6, false},
	"input_video_mtok":      {schemas.UnitInputVideo, 6, false},

	"requests_kcount":                 {schemas.UnitRequests, 3, false},
	"web_searches_kcount":             {"searches", 3, false},
	"social_searches_kcount":          {"social_searches", 3, false},
	"storage_searches_kcount":         {"storage_searches", 3, false},
	"rerank_searches_kcount":          {"rerank_searches", 3, false},
	"code_executions_kcount":          {"code_executions", 3, false},
	"input_document_kpages":           {"pages", 3, false},
	"input_annotated_document_kpages": {"annotated_pages", 3, false},
	"input_text_messages_kcount":      {"text_messages", 3, false},
	"input_mchars":                    {"characters", 6, false},
	"input_gpixels":                   {"pixels", 9, false},
	"audio_hours":                     {"seconds", 2, true},
	"input_audio_hours":               {"input_seconds", 2, true},
	"output_audio_hours":              {"output_seconds", 2, true},
}

// genaiCountedIn are the keys of tokens that a catalog has no unit for, and what counts them instead.
var genaiCountedIn = map[string]string{
	"cache_write_5m_mtok":      schemas.UnitCacheWrite,
	"cache_image_read_mtok":    schemas.UnitCachedInput,
	"cache_image_write_mtok":   schemas.UnitCacheWrite,
	"cache_text_read_mtok":     schemas.UnitCachedInput,
	"cache_text_write_mtok":    schemas.UnitCacheWrite,
	"cache_video_read_mtok":    schemas.UnitCachedInput,
	"cache_video_write_mtok":   schemas.UnitCacheWrite,
	"cache_audio_write_mtok":   schemas.UnitCacheWrite,
	"input_text_mtok":          schemas.UnitInput,
	"input_tool_mtok":          schemas.UnitInput,
	"output_text_mtok":         schemas.UnitOutput,
	"output_video_mtok":        schemas.UnitOutput,
	"output_citation_mtok":     schemas.UnitOutput,
	"input_text_tool_mtok":     schemas.UnitInput,
	"input_audio_tool_mtok":    schemas.UnitInputAudio,
	"input_image_tool_mtok":    schemas.UnitInputImage,
	"input_video_tool_mtok":    schemas.UnitInputVideo,
	"cache_text_write_1h_mtok": schemas.UnitCacheWrite1h,
}

type genaiProvider struct {
	ID         string      `json:"id"`
	ModelMatch *genaiMatch `json:"model_match"`
	Models     []object    `json:"models"`
}

// readGenaiPrices reads the data of genai-prices: a list of providers, or since version 3 an object that has it.
func readGenaiPrices(data []byte) ([]*Entry, error) {
	var providers []genaiProvider
	if err := json.Unmarshal(data, &providers); err != nil {
		var shape struct {
			Providers []genaiProvider `json:"providers"`
		}
		if json.Unmarshal(data, &shape) != nil || len(shape.Providers) == 0 {
			return nil, fmt.Errorf("want a list of providers: %w", err)
		}
		providers = shape.Providers
	}
	var entries []*Entry
	for _, provider := range providers {
		var earlier []genaiMatch
		for _, model := range provider.Models {
			entry, match, err := readGenaiModel(provider, model)
			if err != nil {
				return nil, fmt.Errorf("model %q of %s: %w", model.text("id"), provider.ID, err)
			}
			entry.nameByMatch(match, earlier)
			earlier = append(earlier, match)
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

func readGenaiModel(provider genaiProvider, model object) (*Entry, genaiMatch, error) {
	var match genaiMatch
	entry := &Entry{Provider: provider.ID, Model: model.text("id")}
	if entry.Model == "" {
		return entry, match, errors.New("it has no id")
	}
	if err := json.Unmarshal(model.get("match"), &match); err != nil {
		return entry, match, fmt.Errorf("its match: %w", err)
	}
	entry.Own = provider.ModelMatch != nil && provider.ModelMatch.matches(entry.Model)
	for _, field := range model {
		switch {
		case field.key == "prices" || field.key == "price_comments" || field.key == "price_discrepancies":
		case looksLikePrice(field.key):
			entry.leave(field.key, "it is not known")
		}
	}
	return entry, match, entry.genaiVersions(model.get("prices"))
}

// genaiPeriod is a set of prices with the condition under which it holds. The last one whose condition is met counts.
type genaiPeriod struct {
	Constraint *struct {
		StartDate string `json:"start_date"`
		StartTime string `json:"start_time"`
		EndTime   string `json:"end_time"`
	} `json:"constraint"`
	Prices object `json:"prices"`
	from   time.Time
}

// genaiVersions reads prices: an object, or a list of which the last one that applies counts.
func (e *Entry) genaiVersions(text json.RawMessage) error {
	var prices object
	if json.Unmarshal(text, &prices) == nil {
		e.Versions = []Version{e.genaiPrices(prices)}
		return nil
	}
	var periods []genaiPeriod
	if err := json.Unmarshal(text, &periods); err != nil {
		return fmt.Errorf("its prices: %w", err)
	}
	from := []time.Time{{}}
	for i, period := range periods {
		if period.Constraint == nil || period.Constraint.StartDate == "" {
			continue
		}
		start, err := time.Parse(time.DateOnly, period.Constraint.StartDate)
		if err != nil {
			return fmt.Errorf("its prices: %w", err)
		}
		periods[i].from = start
		from = append(from, start)
	}
	slices.SortFunc(from, time.Time.Compare)
	for _, start := range slices.CompactFunc(from, time.Time.Equal) {
		version, err := e.genaiVersion(periods, start)
		if err != nil {
			return err
		}
		e.Versions = append(e.Versions, version)
	}
	return nil
}

// genaiVersion is what holds from a time on. The last period counts first, as the list reads them.
func (e *Entry) genaiVersion(periods []genaiPeriod, start time.Time) (Version, error) {
	var hours []When
	for _, period := range slices.Backward(periods) {
		constraint := period.Constraint
		switch {
		case constraint != nil && constraint.StartTime != "":
			between, err := utcTimes(constraint.StartTime, constraint.EndTime)
			if err != nil {
				return Version{}, err
			}
			then := e.genaiPrices(period.Prices)
			then.complete() // all prices are these, and none is the base's
			if len(then.When) > 0 {
				e.leave("prices", "prices by the length of the request that hold for hours of the day only")
			}
			hours = append(hours, When{Between: between, Prices: then.Prices})
		case constraint == nil || constraint.StartDate == "" || !period.from.After(start):
			version := e.genaiPrices(period.Prices)
			version.From = start
			version.When = append(hours, version.When...)
			return version, nil
		}
	}
	return Version{From: start, When: hours, Prices: Prices{}}, nil
}

// utcTimes are the two times of day of a constraint, such as 16:30:00Z, as the catalog writes them.
func utcTimes(from, to string) (between [2]string, err error) {
	for i, text := range []string{from, to} {
		at, err := time.Parse("15:04:05Z07:00", text)
		if err != nil {
			return between, fmt.Errorf("a time of its prices: %w", err)
		}
		if at.Second() != 0 {
			return between, fmt.Errorf("a time of its prices, %s: want whole minutes", text)
		}
		between[i] = at.UTC().Format("15:04")
	}
	return between, nil
}

// genaiPrices reads one set of prices.
func (e *Entry) genaiPrices(fields object) Version {
	version := Version{Prices: Prices{}}
	tiers := map[int64]Prices{}
	for _, field := range fields {
		known, ok := genaiUnits[field.key]
		if isNull(field.value) {
			continue
		}
		if !ok {
			e.genaiUnknown(field.key)
			continue
		}
		base, above, err := genaiPrice(field.value)
		if err == nil {
			base, err = known.single(base)
		}
		if err != nil {
			e.leave(field.key, "%v%s", err, insteadOf(known.unit))
			version.miss(known.unit)
			continue
		}
		version.Prices[known.unit] = base
		for start, price := range above {
			if tiers[start] == nil {
				tiers[start] = Prices{}
			}
			if tiers[start][known.unit], err = known.single(price); err != nil {
				e.leave(field.key, "%v", err)
				delete(tiers[start], known.unit)
			}
		}
	}
	e.secondsOnce(&version)
	if price, ok := version.Prices["pages"]; ok {
		if _, own := version.Prices["annotated_pages"]; !own {
			version.Prices["annotated_pages"] = price // they are among all pages in the list
		}
	}
	for start, prices := range tiers {
		version.When = append(version.When, When{ContextOver: start, Prices: prices})
	}
	slices.SortFunc(version.When, func(a, b When) int { return int(b.ContextOver - a.ContextOver) })
	return version
}

func (e *Entry) genaiUnknown(key string) {
	if unit, ok := genaiCountedIn[key]; ok {
		e.leave(key, "%s", noUnit+unit)
		return
	}
	e.leave(key, "it is not known")
}

// secondsOnce drops the duration of what is put in where it costs what all does: it is a part of it.
func (e *Entry) secondsOnce(version *Version) {
	all, ok := version.Prices["seconds"]
	for _, part := range []string{"input_seconds", "output_seconds"} {
		if price, has := version.Prices[part]; ok && has {
			delete(version.Prices, part)
			if !price.Equal(all) {
				e.leave("audio_hours", "it is not the price of %s, which are a part of all seconds", part)
			}
		}
	}
}

// genaiPrice reads a price, or a price by the number of all input tokens of the request, which holds for all tokens of
// its key when there are more than `start`.
func genaiPrice(text json.RawMessage) (base decimal.Decimal, above map[int64]decimal.Decimal, err error) {
	var tiered struct {
		Base  json.RawMessage `json:"base"`
		Tiers []struct {
			Start int64           `json:"start"`
			Price json.RawMessage `json:"price"`
		} `json:"tiers"`
	}
	if len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &tiered); err != nil || tiered.Base == nil {
			return base, nil, fmt.Errorf("%s is neither a price nor tiers", clipped(text))
		}
		text = tiered.Base
	}
	if base, err = number(text); err != nil {
		return base, nil, err
	}
	above = map[int64]decimal.Decimal{}
	for _, tier := range tiered.Tiers {
		if above[tier.Start], err = number(tier.Price); err != nil {
			return base, nil, err
		}
	}
	return base, above, nil
}

// single is the price of one.
func (u genaiUnit) single(price decimal.Decimal) (decimal.Decimal, error) {
	if !u.hours {
		return price.Shift(-u.places), nil
	}
	// 3600 = 100 × 4 × 9: only a ninth may have no end.
	precision := max(-price.Exponent(), 0) + 2
	quotient, rest := price.QuoRem(decimal.New(36, 0), precision)
	if !rest.IsZero() {
		return price, fmt.Errorf("%s an hour is no exact price of a second", price)
	}
	return quotient.Shift(-u.places), nil
}
