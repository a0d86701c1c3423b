package schemas

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// CostEntry is what units cost under conditions: an entry of `when`.
type CostEntry struct {
	// Dimensions are the values that the event's may have, by name; an empty one stands for none.
	Dimensions map[string][]string
	// Tests are those that the event must pass.
	Tests []Test
	// ByUnit are the credits that go before the base's.
	ByUnit map[string]decimal.Decimal
	// Times multiplies what was found for a unit, by this entry or another; 1 where none is declared.
	Times decimal.Decimal
	// Tokens says that it is about units of tokens; else it is about all others.
	Tokens bool
	// Number is its place in its list, from 1; of a customer's own list where Own says so.
	Number int
	Own    bool
}

// holds tells whether all conditions hold.
func (e *CostEntry) holds(c Circumstances) bool {
	for name, values := range e.Dimensions {
		if !slices.Contains(values, c.Dimensions[name]) {
			return false
		}
	}
	return !slices.ContainsFunc(e.Tests, func(test Test) bool { return !c.Tests[test.String()] })
}

// String says which entry it is and its conditions: `when 2: tier batch, flex; context over 272000`.
func (e *CostEntry) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(e.Dimensions)) {
		values := slices.Clone(e.Dimensions[name])
		for i, value := range values {
			if value == "" {
				values[i] = "none"
			}
		}
		parts = append(parts, name+" "+strings.Join(values, ", "))
	}
	for _, test := range e.Tests {
		parts = append(parts, strings.Replace(test.String(), ">", " over ", 1))
	}
	text := "when " + strconv.Itoa(e.Number) + ": " + strings.Join(parts, "; ")
	if e.Own {
		text = "own " + text
	}
	return text
}

// Tests are those that the costs depend on, in order, each once.
func (c UnitCosts) Tests() []Test {
	var tests []Test
	for _, entry := range c.When {
		tests = append(tests, entry.Tests...)
	}
	return SortTests(tests)
}

// Under are the costs under circumstances: per unit that of the first entry that holds and prices it, else the base's,
// multiplied by all factors that hold. Entries says where it comes from.
func (c UnitCosts) Under(circumstances Circumstances) UnitCosts {
	if len(c.When) == 0 {
		return c
	}
	under := UnitCosts{ByUnit: maps.Clone(c.ByUnit), Inherit: c.Inherit, Entries: map[string]string{}}
	var holding []*CostEntry
	for i := range c.When {
		if c.When[i].holds(circumstances) {
			holding = append(holding, &c.When[i])
		}
	}
	for _, entry := range slices.Backward(holding) { // so that the first one stays
		for unit, cost := range entry.ByUnit {
			under.ByUnit[unit], under.Entries[unit] = cost, entry.String()
		}
	}
	for unit := range under.ByUnit {
		for _, entry := range holding {
			if entry.Tokens == IsTokens(unit) && !entry.Times.Equal(decimal.NewFromInt(1)) {
				under.ByUnit[unit] = under.ByUnit[unit].Mul(entry.Times)
				of := cmp.Or(under.Entries[unit], "base")
				under.Entries[unit] = of + " × " + entry.Times.String() + " (" + entry.String() + ")"
			}
		}
	}
	return under
}

// EntryOf says which entry of `when` priced a unit; empty for the base.
func (c UnitCosts) EntryOf(unit string) string {
	if _, own := c.ByUnit[unit]; own {
		return c.Entries[unit]
	}
	return c.Entries[parentUnits[unit]]
}
