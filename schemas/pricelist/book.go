package pricelist

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// Terms say how dollars become credits, and from when on.
type Terms struct {
	// Markup is added to the price, 0.2 for 20 %.
	Markup decimal.Decimal
	// Credit is the value of a credit in US dollars. Only a value with a finite reciprocal keeps figures exact.
	Credit decimal.Decimal
	// Effective is when the costs begin. Prices that the list has for later become versions of their own.
	Effective time.Time
	// Bare says that Effective is a day, which begins when it does in the catalog's timezone.
	Bare bool
}

// Book is what becomes of a list: features and their costs in credits.
type Book struct {
	Features []Feature
	// Versions are sorted by From; the first one's is Terms.Effective. Each is complete in itself.
	Versions []Costs
	// Bare is that of the terms.
	Bare bool
	// Notes say what was left out, entry by entry, and what else a person should know.
	Notes []Note
	// Whole, InPart and LeftOut count entries.
	Whole, InPart, LeftOut int
	// Free counts the entries of which nothing costs anything.
	Free int
}

// Feature is an entry with the names that it has in the catalog.
type Feature struct {
	ID     string
	Models []string
	entry  *Entry
	rank   int
}

// Costs are a version of the costs, in credits by the id of a feature.
type Costs struct {
	From      time.Time
	ByFeature map[string]Version
}

// Reciprocal is one divided by a number; false if that has no end.
func Reciprocal(number decimal.Decimal) (decimal.Decimal, bool) {
	if !number.IsPositive() {
		return decimal.Zero, false
	}
	const precision = 100 // far beyond what a catalog keeps
	quotient, rest := decimal.New(1, 0).QuoRem(number, precision)
	return quotient, rest.IsZero()
}

// NewBook turns entries into costs. An entry that comes before another keeps a name that both have, but one whose
// provider the list has for the name comes before all; byOrder switches that off.
func NewBook(entries []*Entry, terms Terms, byOrder bool) Book {
	book := Book{Bare: terms.Bare}
	rate, _ := Reciprocal(terms.Credit)
	rate = rate.Mul(terms.Markup.Add(decimal.New(1, 0)))
	priced := map[*Entry]map[time.Time]Version{}
	starts := []time.Time{terms.Effective}
	ids := map[string]bool{}
	for rank, entry := range entries {
		if len(entry.Versions) == 0 {
			continue
		}
		if entry.Own && !byOrder {
			rank -= len(entries)
		}
		feature := Feature{ID: featureID(entry.ID()), entry: entry, rank: rank}
		if ids[feature.ID] || len(feature.ID) > maxIDBytes || schemas.NameProblem([]byte(feature.ID)) != "" {
			entry.leave("", "%s cannot be the id of a feature of its own", feature.ID)
			continue
		}
		ids[feature.ID] = true
		book.Features = append(book.Features, feature)
		priced[entry] = map[time.Time]Version{}
		for _, version := range entry.Versions {
			if version.From.After(terms.Effective) {
				starts = append(starts, version.From)
			}
		}
	}
	book.nameFeatures()
	slices.SortFunc(starts, time.Time.Compare)
	for _, start := range slices.CompactFunc(starts, time.Time.Equal) {
		costs := Costs{From: start, ByFeature: map[string]Version{}}
		for _, feature := range book.Features {
			if version := feature.entry.credits(start, rate); !version.empty() {
				costs.ByFeature[feature.ID] = version
			}
		}
		book.Versions = append(book.Versions, costs)
	}
	book.dropUnpriced()
	book.count(entries)
	return book
}

const maxIDBytes = 128

// featureID is an ID as the catalog allows it.
func featureID(id string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == '*' || r == '"' {
			return '_'
		}
		return r
	}, id)
}

// dropUnpriced drops features that no version prices.
func (b *Book) dropUnpriced() {
	b.Features = slices.DeleteFunc(b.Features, func(feature Feature) bool {
		for _, costs := range b.Versions {
			if _, ok := costs.ByFeature[feature.ID]; ok {
				return false
			}
		}
		feature.entry.leave("", "no price is left")
		return true
	})
}

// count fills the counts and collects the notes of all entries.
func (b *Book) count(entries []*Entry) {
	in := map[*Entry]string{}
	for _, feature := range b.Features {
		in[feature.entry] = feature.ID
	}
	for _, entry := range entries {
		id, kept := in[entry]
		switch {
		case !kept:
			b.LeftOut++
		case slices.ContainsFunc(entry.Notes, func(n Note) bool { return n.Left }):
			b.InPart++
		default:
			b.Whole++
		}
		if kept && b.free(id) {
			b.Free++
		}
		b.Notes = append(b.Notes, entry.Notes...)
	}
}

func (b *Book) free(id string) bool {
	for _, costs := range b.Versions {
		version := costs.ByFeature[id]
		for _, when := range append(version.When, When{Prices: version.Prices}) {
			for _, price := range when.Prices {
				if price.IsPositive() {
					return false
				}
			}
		}
	}
	return true
}

// nameFeatures gives each feature the names that it has alone. A name that several entries have goes to the first, in
// the order of ranks; each also has its ID as a name, for logs that say the provider.
func (b *Book) nameFeatures() {
	order := make([]*Feature, len(b.Features))
	for i := range b.Features {
		order[i] = &b.Features[i]
	}
	slices.SortStableFunc(order, func(a, b *Feature) int { return cmp.Compare(a.rank, b.rank) })
	owner := map[string]string{}
	var patterns []string
	take := func(feature *Feature, name string) (taken string) {
		if problem := schemas.NameProblem([]byte(name)); problem != "" || len(name) > maxModelBytes {
			return "no catalog can have the name"
		}
		if by, ok := owner[name]; ok {
			if by == feature.ID {
				return ""
			}
			return by + " has it"
		}
		if strings.Contains(name, "*") {
			for _, other := range patterns {
				if schemas.ModelsOverlap(other, name) {
					return "it can match what " + other + " of " + owner[other] + " does"
				}
			}
			patterns = append(patterns, name)
		}
		owner[name] = feature.ID
		feature.Models = append(feature.Models, name)
		return ""
	}
	for _, feature := range order {
		for _, name := range feature.entry.Names {
			if taken := take(feature, name); taken != "" {
				feature.entry.tell("models", "%s is left out: %s", name, taken)
			}
		}
	}
	for _, feature := range order {
		if id := feature.entry.ID(); owner[id] == "" && !strings.Contains(id, "*") {
			take(feature, id)
		}
	}
	b.Features = slices.DeleteFunc(b.Features, func(feature Feature) bool {
		if len(feature.Models) == 0 {
			feature.entry.leave("", "no name is left to know it by")
		}
		return len(feature.Models) == 0
	})
}

// maxModelBytes is the longest model of an event that is loaded.
const maxModelBytes = 256

// Credits are kept to 18 places. Tokens are whole, so that their price may have as many; other quantities have up to 9.
const (
	maxTokenPlaces = money.FractionDigits
	maxUnitPlaces  = money.FractionDigits - 9
)

// maxCost is what a cost stays below.
var maxCost = decimal.New(1, 20)

// credits is what an entry costs at a time, in credits.
func (e *Entry) credits(at time.Time, rate decimal.Decimal) Version {
	version := e.At(at)
	base := e.inCredits("", version.Prices, rate)
	var whens []When
	for _, when := range version.When {
		if !when.Times.IsZero() {
			whens = append(whens, when)
			continue
		}
		when.Prices = e.inCredits(conditions(when)+" ", when.Prices, rate)
		if len(when.Prices) > 0 {
			whens = append(whens, when)
		}
	}
	return Version{From: at, Prices: base, When: whens}
}

func (e *Entry) inCredits(at string, prices Prices, rate decimal.Decimal) Prices {
	credits := Prices{}
	for _, unit := range slices.SortedFunc(maps.Keys(prices), schemas.CompareUnits) {
		credit := prices[unit].Mul(rate)
		places, most := places(credit), int32(maxUnitPlaces)
		if schemas.IsTokens(unit) {
			most = maxTokenPlaces
		}
		if credit.GreaterThanOrEqual(maxCost) {
			e.leave(at+unit, "%s dollars is more than is kept%s", prices[unit], insteadOf(unit))
			continue
		}
		if places > most {
			e.leave(at+unit, "%s dollars is %s credits, which has more than the %d decimal places that are kept%s",
				prices[unit], credit, most, insteadOf(unit))
			continue
		}
		credits[unit] = credit
	}
	return credits
}

// insteadOf says what a unit costs that has no price of its own.
func insteadOf(unit string) string {
	if parent, ok := schemas.ParentUnit(unit); ok {
		return "; it costs what " + parent + " does"
	}
	return ""
}

// places is how many decimal places a number needs.
func places(number decimal.Decimal) int32 {
	_, fraction, _ := strings.Cut(number.String(), ".")
	return int32(len(fraction)) //nolint:gosec // a few dozen at most
}
