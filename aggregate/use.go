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
	// Present are the places in Units, from 1, of which some event has any.
	Present []uint32 `ch:"present"`
}

func (u usedList) used() pricebook.Used { return pricebook.Used{Model: u.Model, Feature: u.Feature} }

// names are those of the list, some of them of units in nanos.
func (u usedList) names() []string { return strings.Split(u.Units, ",") }

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

// allUsed are what was used, each once, in order.
func allUsed(uses []usedList) []pricebook.Used {
	var all []pricebook.Used
	for _, use := range uses { // those of one model or feature follow each other
		if used := use.used(); len(all) == 0 || all[len(all)-1] != used {
			all = append(all, used)
		}
	}
	return all
}
