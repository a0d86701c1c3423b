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
	TargetProperties
	TargetTokens // the first pool; the others follow
	TargetHash   = TargetTokens + schemas.PoolCount
	maxTargets   = 64 // TargetHash and what follows are what fields are made of, as a mapping lays out
)

// targetNames are the fields as rejects name them.
var targetNames = func() [TargetHash]string {
	names := [TargetHash]string{"event_id", "occurred_at", "customer_id", "model", "properties"}
	copy(names[TargetTokens:], schemas.PoolColumns[:])
	return names
}()

// String is the name of the field.
func (t Target) String() string {
	return targetNames[t]
}

// column is the name of the field's canonical column; of what is no field itself it is empty.
func (t Target) column() string {
	if t >= TargetHash {
		return ""
	}
	return t.String()
}

func (t Target) isTokens() bool { return t >= TargetTokens && t < TargetHash }

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

// Add takes one more value for a place that has several: counts are added up, of a condition's values the first stays
// that is not allowed. A value that is no count stays, to be refused.
func (v *Values) Add(t Target, found Value, allowed []string) {
	present := v.get(t)
	switch {
	case found.empty():
	case present.empty():
		v.Set(t, found)
	case allowed != nil:
		if slices.Contains(allowed, string(present.Bytes)) {
			v.Set(t, found)
		}
	default:
		sum, reason := parseCount(present)
		if reason != "" {
			return
		}
		count, reason := parseCount(found)
		if reason != "" {
			v.Set(t, found)
			return
		}
		v.Set(t, Value{KindNumber, strconv.AppendUint(nil, sum+count, 10)}) // both are below 2^63
	}
}

// isZero tells that the value is the count 0.
func (v Value) isZero() bool {
	if len(v.Bytes) > 0 && v.Bytes[0]-'1' < 9 {
		return false
	}
	count, reason := parseCount(v)
	return reason == "" && count == 0
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
