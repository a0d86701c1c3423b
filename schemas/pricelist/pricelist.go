// Package pricelist reads public lists of what models cost and turns them into the costs of a catalog: genai-prices,
// LiteLLM's model_prices_and_context_window.json and the api.json of models.dev, each as a file.
//
// A list becomes entries in US dollars per unit, entries become a Book in credits, and the Book is written as YAML.
// Every figure is exact: what the catalog cannot hold to the last digit is left out. Whatever is left out has a Note,
// and so has any key of an entry that looks like a price and is not known.
package pricelist

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// The lists that can be read.
const (
	GenaiPrices = "genai-prices"
	LiteLLM     = "litellm"
	ModelsDev   = "models.dev"
)

// Formats are the names of the lists that can be read.
func Formats() []string { return []string{GenaiPrices, LiteLLM, ModelsDev} }

// Entry is a model of a list, as one provider sells it.
type Entry struct {
	// Provider sells the model, and Model is what the list calls it.
	Provider, Model string
	// Mode is what the model does, such as chat, where the list says it.
	Mode string
	// Own says that the list has the provider as the one whose names these are, if others use them too.
	Own bool
	// Names are what a log may call the model: names and `*` patterns, the model's own first.
	Names []string
	// Versions are sorted by From. The first one's is the zero time. None: the list has no price.
	Versions []Version
	// Notes say what of the entry a catalog cannot hold.
	Notes []Note
}

// ID names the entry within its list, and the feature that it becomes.
func (e *Entry) ID() string {
	if strings.HasPrefix(e.Model, e.Provider+"/") {
		return e.Model
	}
	return e.Provider + "/" + e.Model
}

// Version is what an entry costs from a time on.
type Version struct {
	From time.Time
	// Prices are US dollars per unit.
	Prices Prices
	// When are read from the top, as in the catalog.
	When []When
	// missing are units whose price the list has and the catalog cannot hold: they do not cost what others do.
	missing map[string]bool
}

// Prices are US dollars, or credits, by unit.
type Prices map[string]decimal.Decimal

// When are the prices of requests for which all conditions hold.
type When struct {
	// Dimensions are names and the value that each must have.
	Dimensions [][2]string
	// ContextOver is the number of input tokens that the request has more than; 0 is no condition.
	ContextOver int64
	// Between are two times of day in UTC, such as 16:30; the first belongs to it. Empty is no condition.
	Between [2]string
	Prices  Prices
	// Times multiplies all prices; zero if it does not.
	Times decimal.Decimal
}

// Note is something that a person should know of an entry.
type Note struct {
	// Entry is its ID, and Key what the list calls the price; empty if it is about the whole entry.
	Entry, Key string
	Reason     string
	// Left says that a price, or the whole entry, was left out. Others are told only.
	Left bool
}

// String is one line.
func (n Note) String() string {
	text := n.Entry
	if n.Key != "" {
		text += ": " + n.Key
	}
	if n.Left {
		text += ": left out"
	}
	return text + ": " + n.Reason
}

// Read reads a list. An error means that the file is not what its format says; what is odd in one entry is in its
// notes.
func Read(format string, data []byte) ([]*Entry, error) {
	readers := map[string]func([]byte) ([]*Entry, error){
		GenaiPrices: readGenaiPrices, LiteLLM: readLiteLLM, ModelsDev: readModelsDev,
	}
	entries, err := readers[format](data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", format, err)
	}
	for _, entry := range entries {
		for i := range entry.Versions {
			entry.Versions[i].complete()
		}
		entry.Versions = slices.DeleteFunc(entry.Versions, func(v Version) bool { return v.empty() })
		if len(entry.Versions) > 0 {
			continue
		}
		reason := "the list has no price for it"
		if slices.ContainsFunc(entry.Notes, func(n Note) bool { return n.Left }) {
			reason = "no price is left"
		}
		entry.leave("", "%s", reason)
	}
	return entries, nil
}

func (e *Entry) leave(key, reason string, values ...any) {
	e.note(Note{Entry: e.ID(), Key: key, Reason: fmt.Sprintf(reason, values...), Left: true})
}

func (e *Entry) tell(key, reason string, values ...any) {
	e.note(Note{Entry: e.ID(), Key: key, Reason: fmt.Sprintf(reason, values...)})
}

func (e *Entry) note(note Note) {
	if !slices.Contains(e.Notes, note) { // versions often have the same
		e.Notes = append(e.Notes, note)
	}
}

func (v *Version) empty() bool { return len(v.Prices) == 0 && len(v.When) == 0 }

// miss marks a unit whose price is left out.
func (v *Version) miss(unit string) {
	if v.missing == nil {
		v.missing = map[string]bool{}
	}
	v.missing[unit] = true
}

// likeOthers are the units of tokens that cost what another does in a list that does not name them: a list that has no
// price for cached tokens knows no discount. Cached audio comes first, while what the list itself has can be seen.
var likeOthers = [][2]string{
	{schemas.UnitCachedInputAudio, schemas.UnitInputAudio},
	{schemas.UnitCachedInput, schemas.UnitInput},
	{schemas.UnitCacheWrite, schemas.UnitInput},
	{schemas.UnitReasoning, schemas.UnitOutput},
}

// complete prices what the list leaves to be understood. A catalog leaves tokens without a price unrated.
func (v *Version) complete() {
	if !slices.ContainsFunc(schemas.TokenUnits, func(unit string) bool { _, ok := v.Prices[unit]; return ok }) {
		return
	}
	for _, unit := range []string{schemas.UnitInput, schemas.UnitOutput} {
		if _, ok := v.Prices[unit]; !ok && !v.missing[unit] {
			v.Prices[unit] = decimal.Zero // as for embeddings, which put nothing out
		}
	}
	for _, like := range likeOthers {
		unit, other := like[0], like[1]
		if _, ok := v.Prices[unit]; ok || v.missing[unit] {
			continue
		}
		if _, discount := v.Prices[schemas.UnitCachedInput]; discount && unit == schemas.UnitCachedInputAudio {
			continue // the catalog falls back on it
		}
		if cost, ok := v.Prices[other]; ok {
			v.Prices[unit] = cost
		}
		for _, when := range v.When {
			if _, ok := when.Prices[unit]; ok {
				continue
			}
			if cost, ok := when.Prices[other]; ok {
				when.Prices[unit] = cost
			}
		}
	}
}

// At returns what an entry costs at a time.
func (e *Entry) At(t time.Time) Version {
	at := e.Versions[0]
	for _, version := range e.Versions[1:] {
		if !version.From.After(t) {
			at = version
		}
	}
	return at
}

// Select returns the entries that one of the patterns takes, those of the first pattern first; without patterns all. A
// pattern without a slash is compared with models of any provider. Patterns that take nothing are returned too.
func Select(entries []*Entry, patterns []string) (selected []*Entry, unused []string) {
	if len(patterns) == 0 {
		return entries, nil
	}
	taken := map[*Entry]bool{}
	for _, pattern := range patterns {
		hit := false
		for _, entry := range entries {
			if !entry.is(pattern) {
				continue
			}
			hit = true
			if !taken[entry] {
				taken[entry] = true
				selected = append(selected, entry)
			}
		}
		if !hit {
			unused = append(unused, pattern)
		}
	}
	return selected, unused
}

// is says whether a pattern takes an entry. One with a slash begins with the provider: openai/* is not what OpenRouter
// calls openai/….
func (e *Entry) is(pattern string) bool {
	if strings.Contains(pattern, "/") {
		return schemas.MatchModel(pattern, e.ID()) || schemas.MatchModel(pattern, e.Provider+"/"+e.Model)
	}
	return schemas.MatchModel(pattern, e.Model)
}
