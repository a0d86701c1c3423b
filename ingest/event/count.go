package event

import (
	"math/bits"
	"slices"
	"strconv"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// unitNames says what a unit may be called.
const unitNames = "lower-case letters, digits and underscores"

// requestsGiven says of requests, the number of events, why a row cannot have a quantity of them: they would be paid
// twice.
const requestsGiven = " is not given by rows: each event counts one"

// count reads the quantities and takes out of input and output what they include.
func (a *Assembler) count(v *Values) *Fault {
	counted := false
	clear(a.row.Quantities)
	for left := v.Found >> TargetUnits & (1<<len(a.units) - 1); left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		found := v.of[TargetUnits+Target(i)]
		if found.Kind == KindNull {
			continue
		}
		counted = true
		var reason string
		if a.tokens[i] {
			a.row.Quantities[i].Whole, reason = parseCount(found)
		} else {
			a.row.Quantities[i], reason = parseQuantity(found)
		}
		if reason != "" {
			return &Fault{schemas.UnitColumn(a.units[i]), reason}
		}
	}
	if a.row.More = a.row.More[:0]; v.Found&(1<<TargetAllUnits) != 0 {
		more, failure := a.countAll(v.get(TargetAllUnits))
		if failure != nil {
			return failure
		}
		counted = counted || more
	}
	switch {
	case counted:
	case len(a.row.Feature) > 0:
		if failure := a.addUnit(schemas.UnitQuantity, Quantity{Whole: 1}); failure != nil {
			return failure
		}
	default:
		return &Fault{"", "no token counts: at least one is needed, 0 is one"}
	}
	for i := range a.holds {
		if holdsAll(a.holds[i].unless, v) {
			continue
		}
		if failure := a.subtract(&a.holds[i]); failure != nil {
			return failure
		}
	}
	return nil
}

// parseUnit reads a quantity of a unit; tokens are whole.
func parseUnit(unit string, found Value) (Quantity, string) {
	if !schemas.IsTokens(unit) {
		return parseQuantity(found)
	}
	count, reason := parseCount(found)
	return Quantity{Whole: count}, reason
}

const notUnits = "want an object of quantities by unit"

// countAll reads an object of quantities by unit, and tells whether it has any.
func (a *Assembler) countAll(found Value) (counted bool, failure *Fault) {
	switch found.Kind {
	case KindNull:
		return false, nil
	case KindObject:
	case KindText, KindString:
		if len(found.Bytes) == 0 {
			return false, nil
		}
		if !isContainer(found.Bytes) {
			return false, &Fault{TargetAllUnits.String(), notUnits}
		}
	default:
		return false, &Fault{TargetAllUnits.String(), notUnits}
	}
	reason := jsontext.EachField(found.Bytes, func(key, value []byte) bool {
		unit := string(key)
		if !schemas.IsUnit(unit) {
			failure = &Fault{TargetAllUnits.String(), quote(key) + " is no unit: want " + unitNames}
			return false
		}
		if unit == schemas.UnitRequests {
			failure = &Fault{TargetAllUnits.String(), quote(key) + requestsGiven}
			return false
		}
		kind := KindOf(value[0])
		if kind == KindNull {
			return true
		}
		if kind == KindString {
			value = value[1 : len(value)-1]
		}
		quantity, reason := parseUnit(unit, Value{kind, value})
		if reason != "" {
			failure = &Fault{schemas.UnitColumn(unit), reason}
			return false
		}
		counted = true
		failure = a.addUnit(unit, quantity)
		return failure == nil
	})
	if failure == nil && reason != "" {
		failure = &Fault{TargetAllUnits.String(), notUnits}
	}
	return counted, failure
}

// addUnit takes a quantity of a unit, which the row must not have yet.
func (a *Assembler) addUnit(unit string, quantity Quantity) *Fault {
	twice := slices.ContainsFunc(a.row.More, func(m UnitQuantity) bool { return m.Unit == unit })
	if i := slices.Index(a.units, unit); i >= 0 && a.row.Quantities[i] == (Quantity{}) {
		a.row.Quantities[i] = quantity
		return nil
	} else if i >= 0 || twice {
		return &Fault{schemas.UnitColumn(unit), "is there twice"}
	}
	a.row.More = append(a.row.More, UnitQuantity{unit, quantity})
	return nil
}

// subtract takes out of a count what it includes.
func (a *Assembler) subtract(of *holds) *Fault {
	from := &a.row.Quantities
	for _, i := range of.included {
		if (*from)[i].Whole > (*from)[of.unit].Whole {
			return &Fault{a.name(TargetUnits + Target(i)), strconv.FormatUint((*from)[i].Whole, 10) +
				" is more than " + a.name(TargetUnits+Target(of.unit)) + ", which includes it, has left"}
		}
		(*from)[of.unit].Whole -= (*from)[i].Whole
	}
	return nil
}
