package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// Row is a log row as an event.
type Row struct {
	EventID, CustomerID, Properties []byte
	Model, Feature                  []byte // one of the two is empty
	OccurredAt                      int64  // nanoseconds since 1970, UTC
	// Units are those that the source looks for, and Quantities those in their order.
	Units      []string
	Quantities []Quantity
	// More are quantities of other units.
	More []UnitQuantity
	// Dimensions are as schemas.FormatDimensions writes them; nil for none.
	Dimensions []byte
}

// UnitQuantity is a quantity of a unit.
type UnitQuantity struct {
	Unit string
	Quantity
}

// Fault says why a row is no event.
type Fault struct {
	Field  string
	Reason string
}

const maxNameBytes = 256

// Assembler turns the values of a row into an event by the rules of a source. It is used by one goroutine.
type Assembler struct {
	source schemas.Source
	*mapping
	row      Row
	time     *schemas.Field // occurred_at, or which of its alternatives the row has
	customer *schemas.Field // likewise
	mapped   []byte         // the customer's id where a map gave it
	made     []byte         // values of the row that were made of others
	hashed   []byte
	day      dayCache

	valuesOf []byte            // the values of the row's dimensions, as they were found
	known    map[string][]byte // dimensions by these
}

// NewAssembler makes an assembler for one goroutine.
func NewAssembler(source schemas.Source) *Assembler {
	mapping, _ := NewMapping(source) // its error refused the file before
	a := &Assembler{source: source, mapping: mapping}
	a.time, a.customer = mapping.occurredAt, &a.source.Fields.CustomerID
	if source.Fields.OccurredAt.Kind == schemas.FieldConst {
		a.row.OccurredAt, _ = constantTime(&source.Fields.OccurredAt) // SourceOfFile has read it before
	}
	if source.Fields.CustomerID.Kind == schemas.FieldConst {
		a.row.CustomerID = []byte(source.Fields.CustomerID.Const)
	}
	if source.Fields.Model.Kind == schemas.FieldConst {
		a.row.Model = []byte(source.Fields.Model.Const)
	}
	if source.Fields.Feature.Kind == schemas.FieldConst {
		a.row.Feature = []byte(source.Fields.Feature.Const)
	}
	a.row.Units, a.row.Quantities = a.units, make([]Quantity, len(a.units))
	return a
}

// Assemble returns the event, which is good until the next call, or why there is none: LeftOut where the source
// skips the row.
func (a *Assembler) Assemble(v *Values) (*Row, *Fault) {
	if len(a.skips) > 0 && a.skipsRow(v) {
		return nil, LeftOut
	}
	if len(a.required) > 0 || len(a.choices) > 0 {
		if failure := a.choose(v); failure != nil {
			return nil, failure
		}
	}
	event, failure := a.build(v)
	if failure != nil && failure.Reason == isMissing {
		failure.Reason += a.lookedFor(failure.Field)
	}
	return event, failure
}

func (a *Assembler) build(v *Values) (*Row, *Fault) {
	if failure := a.identify(v); failure != nil {
		return nil, failure
	}
	if a.source.Fields.OccurredAt.InRow() {
		if failure := a.datePart(v); failure != nil {
			return nil, failure
		}
	}
	if a.source.Fields.CustomerID.InRow() {
		id, failure := name(v, TargetCustomerID)
		if failure != nil {
			return nil, failure
		}
		if a.customer.Map != nil {
			if id, failure = a.mapCustomer(id); failure != nil {
				return nil, failure
			}
		}
		a.row.CustomerID = id
	}
	if failure := a.nameUsed(v); failure != nil {
		return nil, failure
	}
	if failure := a.count(v); failure != nil {
		return nil, failure
	}
	if failure := a.describe(v); failure != nil {
		return nil, failure
	}
	a.row.Properties = nil
	switch properties := v.get(TargetProperties); properties.Kind {
	case KindNull:
	case KindObject, KindArray:
		a.row.Properties = properties.Bytes
	case KindText, KindString:
		if !isContainer(properties.Bytes) {
			return nil, &Fault{TargetProperties.String(), notProperties}
		}
		a.row.Properties = properties.Bytes
	default:
		return nil, &Fault{TargetProperties.String(), notProperties}
	}
	return &a.row, nil
}

// nameUsed finds out what was used: a model or a feature.
func (a *Assembler) nameUsed(v *Values) *Fault {
	model, feature := &a.source.Fields.Model, &a.source.Fields.Feature
	named := feature.Kind == schemas.FieldConst
	if feature.InRow() {
		a.row.Feature = nil
		if named = v.Found&(1<<TargetFeature) != 0 && !v.get(TargetFeature).empty(); named {
			id, failure := textName(v, TargetFeature)
			if failure != nil {
				return failure
			}
			a.row.Feature = id
		}
	}
	if !model.InRow() {
		return nil
	}
	if a.row.Model = nil; named && v.get(TargetModel).empty() {
		return nil
	}
	if named {
		return &Fault{TargetFeature.String(), "the row names a model, too: want one of the two"}
	}
	id, failure := textName(v, TargetModel)
	a.row.Model = id
	return failure
}

// textName reads a name that is no number.
func textName(v *Values, t Target) ([]byte, *Fault) {
	if v.get(t).Kind == KindNumber {
		return nil, &Fault{t.String(), "want a string, found a number"}
	}
	return name(v, t)
}

const notProperties = "want a JSON object or list"

// isContainer tells that the text is a JSON object or list.
func isContainer(text []byte) bool {
	start := jsontext.SkipBlanks(text, 0)
	end, reason := jsontext.SkipValue(text, start)
	return reason == "" && (text[start] == '{' || text[start] == '[') && jsontext.SkipBlanks(text, end) == len(text)
}

func (a *Assembler) identify(v *Values) *Fault {
	switch a.source.Fields.EventID.Kind {
	case schemas.FieldPath:
		id, failure := name(v, TargetEventID)
		a.row.EventID = id
		return failure
	case schemas.FieldHash:
		a.hashed = a.hashed[:0]
		found := false
		for _, t := range a.hashes {
			part := v.get(t)
			if part.Kind == KindNull {
				a.hashed = append(a.hashed, 0)
				continue
			}
			found = true
			a.hashed = append(a.hashed, 1)
			a.hashed = binary.AppendUvarint(a.hashed, uint64(len(part.Bytes)))
			a.hashed = append(a.hashed, part.Bytes...)
		}
		if !found { // else all such rows would be one event
			return &Fault{TargetEventID.String(), "none of the fields that it is a hash of is present"}
		}
		sum := sha256.Sum256(a.hashed)
		a.row.EventID = hex.AppendEncode(a.row.EventID[:0], sum[:16])
	}
	return nil
}

func (a *Assembler) datePart(v *Values) *Fault {
	field := a.time
	found := v.get(TargetOccurredAt)
	if found.Kind == KindNull {
		return &Fault{TargetOccurredAt.String(), missing(v, TargetOccurredAt)}
	}
	var instant int64
	var reason string
	if field.After != nil {
		instant, reason = a.after(field, found, v)
	} else {
		instant, reason = a.day.parse(found, field.Layout, field.Location)
	}
	if reason == "" && (instant < firstInstant || instant >= endInstant) {
		reason = outsideTime + quote(found.Bytes)
	}
	if reason != "" {
		counted := strings.HasPrefix(reason, outsideTime) && strings.HasPrefix(field.Layout, schemas.LayoutUnix)
		if counted || field.Layout == "" || field.Layout == schemas.LayoutRFC3339 {
			reason += likelyUnit(found.Bytes)
		}
		return &Fault{TargetOccurredAt.String(), reason}
	}
	a.row.OccurredAt = instant
	return nil
}

// holdsAll tells that there are conditions and the row meets them.
func holdsAll(conditions []condition, v *Values) bool {
	for i := range conditions {
		if !conditions[i].holds(v) {
			return false
		}
	}
	return len(conditions) > 0
}

// name reads an id or a model.
func name(v *Values, t Target) ([]byte, *Fault) {
	found := v.get(t)
	switch found.Kind {
	case KindString:
	case KindText:
		if maybeRounded(found.Bytes) { // others may have been cut to the same text
			return nil, &Fault{t.String(), quote(found.Bytes) + rounded}
		}
	case KindNull:
		return nil, &Fault{t.String(), missing(v, t)}
	case KindNumber:
		if !isInteger(found.Bytes) {
			return nil, &Fault{t.String(), "want a string or an integer, found " + quote(found.Bytes)}
		}
	default:
		return nil, &Fault{t.String(), "want a string, found " + found.Kind.String()}
	}
	if len(found.Bytes) == 0 {
		return nil, &Fault{t.String(), "is empty"}
	}
	if len(found.Bytes) > maxNameBytes {
		return nil, &Fault{t.String(), "has " + strconv.Itoa(len(found.Bytes)) + " bytes, at most 256 are allowed"}
	}
	if problem := schemas.NameProblem(found.Bytes); problem != "" {
		return nil, &Fault{t.String(), problem}
	}
	return found.Bytes, nil
}

func missing(v *Values, t Target) string {
	if v.Found&(1<<t) != 0 {
		return "is empty"
	}
	return isMissing
}

const isMissing = "is missing"

// quote shows a value within a reason.
func quote(bytes []byte) string {
	const most = 64
	if len(bytes) > most {
		return strconv.Quote(string(bytes[:most])) + "…"
	}
	return strconv.Quote(string(bytes))
}
