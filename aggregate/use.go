package aggregate

import (
	"strings"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
)

// usedList is something that events used, a model or a feature, with a list of units that they count.
type usedList struct {
	Model   string `ch:"model"`
	Feature string `ch:"feature"`
	Units   string `ch:"units"`
	// Rolled tells that some rows of it are in the rollup, and Totalled that some are in totals.
	Rolled   uint8 `ch:"rolled"`
	Totalled uint8 `ch:"totalled"`
	// Present are the places in Units, from 1, of which some event has any.
	Present []uint32 `ch:"present"`
}

func (u usedList) used() pricebook.Used {
	_, circumstances := schemas.SplitUnits(u.Units)
	return pricebook.Used{Model: u.Model, Feature: u.Feature, Under: circumstances}
}

// what is what was used, under any circumstances.
func (u usedList) what() pricebook.Used { return pricebook.Used{Model: u.Model, Feature: u.Feature} }

// names are those of the list, some of them of units in nanos.
func (u usedList) names() []string {
	units, _ := schemas.SplitUnits(u.Units)
	return strings.Split(units, ",")
}

// units are those of the list.
func (u usedList) units() []string {
	units := u.names()
	for i, name := range units {
		units[i], _ = schemas.ListedUnit(name)
	}
	return units
}

// present are the units of which some event has any.
func (u usedList) present() []string {
	present, all := make([]string, len(u.Present)), u.units()
	for i, place := range u.Present {
		present[i] = all[place-1]
	}
	return present
}

// allUsed are what was used under which circumstances, each once, in order.
func allUsed(uses []usedList) []pricebook.Used {
	all, known := make([]pricebook.Used, 0, len(uses)), map[pricebook.Used]bool{}
	for _, use := range uses {
		if used := use.used(); !known[used] {
			known[used] = true
			all = append(all, used)
		}
	}
	return all
}

// spread are the uses with every outcome of tests that rows may have: statements test events as they read them, and
// leave those as they are whose prices depend on no test, whatever an older rollup says of them. Those in the rollup
// that miss a test are stale: what they used is rated row by row.
func (t tested) spread(uses []usedList) (all []usedList, stale map[pricebook.Used]bool) {
	stale, known := map[pricebook.Used]bool{}, map[[3]string]bool{}
	add := func(use usedList) {
		if key := [3]string{use.Model, use.Feature, use.Units}; !known[key] {
			known[key] = true
			all = append(all, use)
		}
	}
	outcomes := map[pricebook.Used][]string{}
	for used := range t.tests {
		outcomes[used] = t.outcomes(used)
	}
	for _, use := range uses {
		plain, _, _ := strings.Cut(use.Units, "#")
		if _, isTested := t.tests[use.what()]; !isTested {
			add(use)
			use.Units = plain
			add(use)
			continue
		}
		if use.Rolled != 0 && t.misses(use.used()) {
			stale[use.what()] = true
		}
		add(use) // as it is in the rollup
		for _, outcome := range outcomes[use.what()] {
			use.Units = plain + "#" + outcome
			add(use)
		}
	}
	return all, stale
}
