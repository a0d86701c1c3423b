package schemas

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// The units of tokens, all disjoint, and two that every installation knows besides. A source or a catalog may name any
// others: units are data.
const (
	UnitInput            = "input"
	UnitCachedInput      = "cached_input"
	UnitCacheWrite       = "cache_write" // the short one, of 5 minutes
	UnitCacheWrite1h     = "cache_write_1h"
	UnitOutput           = "output"
	UnitReasoning        = "reasoning"
	UnitInputAudio       = "input_audio"
	UnitCachedInputAudio = "cached_input_audio"
	UnitOutputAudio      = "output_audio"
	UnitInputImage       = "input_image"
	UnitOutputImage      = "output_image"
	UnitInputVideo       = "input_video"

	// UnitQuantity is what a row counts that names a feature and no unit.
	UnitQuantity = "quantity"
	// UnitRequests is one for each event. It is not stored: it is the number of events.
	UnitRequests = "requests"
)

// TokenUnits are the units of tokens, in the order in which they are shown.
var TokenUnits = []string{
	UnitInput, UnitCachedInput, UnitCacheWrite, UnitCacheWrite1h, UnitOutput, UnitReasoning, UnitInputAudio,
	UnitCachedInputAudio, UnitOutputAudio, UnitInputImage, UnitOutputImage, UnitInputVideo,
}

// columnUnits are the units that the canonical row has a column for, named unit_tokens. All others stand in `units`.
var columnUnits = []string{UnitInput, UnitCachedInput, UnitCacheWrite, UnitOutput, UnitReasoning}

// ColumnUnits are the units that the canonical row has a column of its own for, in the order of its columns.
func ColumnUnits() []string { return slices.Clone(columnUnits) }

// UnitColumn is the column of the canonical row that holds a unit, and the name of its field in rejects.
func UnitColumn(unit string) string {
	switch {
	case slices.Contains(columnUnits, unit):
		return unit + "_tokens"
	case unit == UnitQuantity:
		return unit
	}
	return unitsPrefix + unit
}

const unitsPrefix = "units."

// ParentUnit is the unit of tokens whose price a unit has that has none of its own; false if there is none.
func ParentUnit(unit string) (parent string, ok bool) {
	parent, ok = parentUnits[unit]
	return parent, ok && unit != UnitReasoning
}

// parentUnits are what a unit of tokens costs without a price of its own. Reasoning falls back only where its costs say
// `inherit: true`: a price list that left it out before it was a unit among many keeps its figures.
var parentUnits = map[string]string{
	UnitCacheWrite1h: UnitCacheWrite, UnitInputAudio: UnitInput, UnitInputImage: UnitInput, UnitInputVideo: UnitInput,
	UnitCachedInputAudio: UnitCachedInput, UnitOutputAudio: UnitOutput, UnitOutputImage: UnitOutput,
	UnitReasoning: UnitOutput,
}

// IsTokens tells whether a unit counts tokens: whole numbers, priced by per_token.
func IsTokens(unit string) bool { return slices.Contains(TokenUnits, unit) }

// MaxUnitBytes is the longest name of a unit.
const MaxUnitBytes = 64

// IsUnit tells whether a text may name a unit: lower-case letters, digits and underscores, a letter first.
func IsUnit(name string) bool {
	if len(name) == 0 || len(name) > MaxUnitBytes || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) < 0
}

// CompareUnits orders units as they are shown: tokens first, then by name.
func CompareUnits(a, b string) int {
	return cmp.Or(cmp.Compare(unitPlace(a), unitPlace(b)), strings.Compare(a, b))
}

func unitPlace(unit string) int {
	if place := slices.Index(TokenUnits, unit); place >= 0 {
		return place
	}
	return len(TokenUnits)
}

// NanosPerUnit is how many nanos make one of any unit: quantities have at most 9 places.
const NanosPerUnit = 1_000_000_000

// NanoSuffix is behind a unit's name where the warehouse lists what is left of its whole quantities, in nanos.
const NanoSuffix = ".nano"

// ListedUnit is the unit that a name in a list of units stands for, and whether it is counted in nanos there.
func ListedUnit(name string) (unit string, inNanos bool) { return strings.CutSuffix(name, NanoSuffix) }

// Amount is a quantity of a unit.
type Amount struct {
	Unit     string
	Quantity decimal.Decimal
}

// Amounts are quantities by unit, in the order of CompareUnits, no unit twice.
type Amounts []Amount

// Of is the quantity of a unit; zero if there is none.
func (a Amounts) Of(unit string) decimal.Decimal {
	if place, found := a.find(unit); found {
		return a[place].Quantity
	}
	return decimal.Zero
}

// Add adds a quantity, which may be the first of its unit.
func (a *Amounts) Add(unit string, quantity decimal.Decimal) {
	place, found := a.find(unit)
	if found {
		(*a)[place].Quantity = (*a)[place].Quantity.Add(quantity)
		return
	}
	*a = slices.Insert(*a, place, Amount{unit, quantity})
}

// AddAll adds all of other.
func (a *Amounts) AddAll(other Amounts) {
	for _, amount := range other {
		a.Add(amount.Unit, amount.Quantity)
	}
}

func (a Amounts) find(unit string) (place int, found bool) {
	return slices.BinarySearchFunc(a, unit, func(amount Amount, unit string) int {
		return CompareUnits(amount.Unit, unit)
	})
}

// Tokens is the sum of all units of tokens.
func (a Amounts) Tokens() decimal.Decimal {
	sum := decimal.Zero
	for _, amount := range a {
		if IsTokens(amount.Unit) {
			sum = sum.Add(amount.Quantity)
		}
	}
	return sum
}

// Tokens are amounts of units of tokens. In JSON they are an object of numbers by unit, which has the units that the
// canonical row has columns for, and of the others those above zero.
type Tokens Amounts

// Others are amounts of units that are no tokens: in JSON an object of numbers by unit.
type Others Amounts

// Split sets the tokens apart from the others.
func (a Amounts) Split() (tokens Tokens, others Others) {
	for _, amount := range a {
		if IsTokens(amount.Unit) {
			tokens = append(tokens, amount)
		} else {
			others = append(others, amount)
		}
	}
	return tokens, others
}

// Total is the sum of all.
func (t Tokens) Total() decimal.Decimal { return Amounts(t).Tokens() }

// MarshalJSON writes exact numbers.
func (t Tokens) MarshalJSON() ([]byte, error) {
	all := Amounts{}
	for _, unit := range columnUnits {
		all.Add(unit, decimal.Zero)
	}
	all.AddAll(Amounts(t))
	return all.object(), nil
}

// MarshalJSON writes exact numbers.
func (o Others) MarshalJSON() ([]byte, error) { return Amounts(o).object(), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *Others) UnmarshalJSON(text []byte) error {
	var byUnit map[string]decimal.Decimal
	if err := json.Unmarshal(text, &byUnit); err != nil {
		return fmt.Errorf("read quantities by unit: %w", err)
	}
	*o = Others(AmountsOf(byUnit))
	return nil
}

// String is "images 50; searches 12.5", empty where there are none.
func (o Others) String() string {
	parts := make([]string, len(o))
	for i, amount := range o {
		parts[i] = amount.Unit + " " + amount.Quantity.String()
	}
	return strings.Join(parts, "; ")
}

// AddAll adds all of other.
func (o *Others) AddAll(other Others) { (*Amounts)(o).AddAll(Amounts(other)) }

// Equal tells whether both are the same quantities of the same units.
func (o Others) Equal(other Others) bool {
	return slices.EqualFunc(o, other, func(x, y Amount) bool { return x.Unit == y.Unit && x.Quantity.Equal(y.Quantity) })
}

func (a Amounts) object() []byte {
	text := []byte{'{'}
	for i, amount := range a {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), amount.Unit...), '"', ':')
		text = append(text, amount.Quantity.String()...)
	}
	return append(text, '}')
}

// AmountsOf are the amounts of a map by unit.
func AmountsOf(byUnit map[string]decimal.Decimal) Amounts {
	amounts := make(Amounts, 0, len(byUnit))
	for unit, quantity := range byUnit {
		amounts.Add(unit, quantity)
	}
	return amounts
}

// ByUnit are the amounts above zero as a map.
func (a Amounts) ByUnit() map[string]decimal.Decimal {
	byUnit := make(map[string]decimal.Decimal, len(a))
	for _, amount := range a {
		if amount.Quantity.IsPositive() {
			byUnit[amount.Unit] = amount.Quantity
		}
	}
	return byUnit
}
