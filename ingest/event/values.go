package event

import (
	"slices"
	"strconv"

	"github.com/creditmill/creditmill/schemas"
)

// Target is a field of an event that a format fills in from a log row.
type Target int

// The fields of an event.
const (
	TargetEventID Target = iota
	TargetOccurredAt
	TargetCustomerID
	TargetModel
	TargetFeature
	TargetProperties
	TargetAllUnits
	TargetAllDimensions
	// TargetUnits is the source's first unit; the others follow, and then what fields are made of, as a mapping lays out.
	TargetUnits
	maxTargets = 64
)

// targetNames are the fields as rejects name them.
var targetNames = [TargetUnits]string{
	"event_id", "occurred_at", "customer_id", "model", "feature", "properties", "units", "dimensions",
}

// String is the name of a field that is no unit's.
func (t Target) String() string { return targetNames[t] }

// name is a field as rejects name it and as its canonical column is named; empty for what fields are made of.
func (m *mapping) name(t Target) string {
	switch {
	case t < TargetUnits:
		return t.String()
	case m.isUnit(t):
		return schemas.UnitColumn(m.units[t-TargetUnits])
	}
	for i := range m.dimensions {
		if m.dimensions[i].from == t {
			return schemas.DimensionColumn(m.dimensions[i].name)
		}
	}
	return ""
}

func (m *mapping) isUnit(t Target) bool {
	return t >= TargetUnits && t < TargetUnits+Target(len(m.units))
}

// Kind is the type of a value in a log row.
type Kind uint8

// The kinds of value.
const (
	KindNull   Kind = iota // null, or an empty CSV field
	KindText               // a CSV field, which has no type
	KindString             // without its quotes and escapes
	KindNumber
	KindBool
	KindObject // as it stands
	KindArray
	KindInstant // a time of a Parquet or Arrow column, as RFC 3339
)

// KindOf tells the kind of a JSON value by the byte that it begins with.
func KindOf(first byte) Kind {
	switch first {
	case '"':
		return KindString
	case '{':
		return KindObject
	case '[':
		return KindArray
	case 't', 'f':
		return KindBool
	case 'n':
		return KindNull
	}
	return KindNumber
}

// Value is one field of a log row; its bytes belong to the row's buffer.
type Value struct {
	Kind  Kind
	Bytes []byte
}

// Values are the fields found in one log row. Only those whose bit is set in found are meant.
type Values struct {
	Found uint64
	of    [maxTargets]Value
}

// Set takes the value of a field.
func (v *Values) Set(t Target, found Value) {
	v.Found |= 1 << t
	v.of[t] = found
}

// Add takes one more value for a place that has several: quantities are added up, of a condition's values the first
// stays that is not allowed. A value that is no quantity stays, to be refused.
func (v *Values) Add(w *Wanted, found Value) {
	t := w.Target
	present := v.get(t)
	switch {
	case w.Count != nil:
		v.count(w, present, found)
	case found.empty():
	case present.empty():
		v.Set(t, found)
	case w.Allowed != nil:
		if slices.Contains(w.Allowed, string(present.Bytes)) {
			v.Set(t, found)
		}
	default:
		sum, reason := w.quantity(present)
		if reason != "" {
			return
		}
		more, reason := w.quantity(found)
		if reason != "" {
			v.Set(t, found)
			return
		}
		v.Set(t, Value{KindNumber, sum.plus(more).append(nil)})
	}
}

// count adds one where the value is one of those that count; of several values the number is 0 where none is.
func (v *Values) count(w *Wanted, present, found Value) {
	number := uint64(0)
	if !present.empty() {
		number, _ = parseCount(present) // it was written here
	}
	if found.Kind < KindObject && slices.Contains(w.Count, string(found.Bytes)) {
		number++
	}
	v.Set(w.Target, Value{KindNumber, strconv.AppendUint(nil, number, 10)})
}

func (w *Wanted) quantity(of Value) (Quantity, string) {
	if !w.Whole {
		return parseQuantity(of)
	}
	count, reason := parseCount(of)
	return Quantity{Whole: count}, reason
}

// isZero tells that the value is the quantity 0.
func (v Value) isZero() bool {
	if len(v.Bytes) > 0 && v.Bytes[0]-'1' < 9 {
		return false
	}
	found, reason := parseQuantity(v)
	return reason == "" && found == Quantity{}
}

func (v *Values) get(t Target) Value {
	if v.Found&(1<<t) == 0 {
		return Value{}
	}
	return v.of[t]
}

// String is the kind as reasons name it.
func (k Kind) String() string {
	return [...]string{"null", "text", "a string", "a number", "a boolean", "an object", "an array", "a time"}[k]
}
