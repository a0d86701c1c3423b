package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// target is a field of an event that a format fills in from a log row.
type target int

const (
	targetEventID target = iota
	targetOccurredAt
	targetCustomerID
	targetModel
	targetProperties
	targetTokens // the first pool; the others follow
	targetHash   = targetTokens + schemas.PoolCount
	maxTargets   = 64 // targetHash and what follows are what fields are made of, as a mapping lays out
)

// targetNames are the fields as rejects name them.
var targetNames = func() [targetHash]string {
	names := [targetHash]string{"event_id", "occurred_at", "customer_id", "model", "properties"}
	copy(names[targetTokens:], schemas.PoolColumns[:])
	return names
}()

func (t target) String() string {
	return targetNames[t]
}

// kind is the type of a value in a log row.
type kind uint8

const (
	kindNull   kind = iota // null, or an empty CSV field
	kindText               // a CSV field, which has no type
	kindString             // without its quotes and escapes
	kindNumber
	kindBool
	kindObject // as it stands
	kindArray
	kindInstant // a time of a Parquet or Arrow column, as RFC 3339
)

// kindOf tells the kind of a JSON value by the byte that it begins with.
func kindOf(first byte) kind {
	switch first {
	case '"':
		return kindString
	case '{':
		return kindObject
	case '[':
		return kindArray
	case 't', 'f':
		return kindBool
	case 'n':
		return kindNull
	}
	return kindNumber
}

// value is one field of a log row; its bytes belong to the row's buffer.
type value struct {
	kind  kind
	bytes []byte
}

// values are the fields found in one log row. Only those whose bit is set in found are meant.
type values struct {
	found uint64
	of    [maxTargets]value
}

func (v *values) set(t target, found value) {
	v.found |= 1 << t
	v.of[t] = found
}

// add takes one more value for a place that has several: counts are added up, of a condition's values the first stays
// that is not allowed. A value that is no count stays, to be refused.
func (v *values) add(t target, found value, allowed []string) {
	present := v.get(t)
	switch {
	case found.empty():
	case present.empty():
		v.set(t, found)
	case allowed != nil:
		if slices.Contains(allowed, string(present.bytes)) {
			v.set(t, found)
		}
	default:
		sum, reason := parseCount(present)
		if reason != "" {
			return
		}
		count, reason := parseCount(found)
		if reason != "" {
			v.set(t, found)
			return
		}
		v.set(t, value{kindNumber, strconv.AppendUint(nil, sum+count, 10)}) // both are below 2^63
	}
}

// isZero tells that the value is the count 0.
func (v value) isZero() bool {
	if len(v.bytes) > 0 && v.bytes[0]-'1' < 9 {
		return false
	}
	count, reason := parseCount(v)
	return reason == "" && count == 0
}

func (v *values) get(t target) value {
	if v.found&(1<<t) == 0 {
		return value{}
	}
	return v.of[t]
}

// row is a log row as an event.
type row struct {
	eventID, customerID, model, properties []byte
	occurredAt                             int64 // nanoseconds since 1970, UTC
	tokens                                 schemas.Pools
}

// fault says why a row is no event.
type fault struct {
	field  string
	reason string
}

const maxNameBytes = 256

// assembler turns the values of a row into an event by the rules of a source. It is used by one goroutine.
type assembler struct {
	source schemas.Source
	*mapping
	row      row
	time     *schemas.Field // occurred_at, or which of its alternatives the row has
	customer *schemas.Field // likewise
	mapped   []byte         // the customer's id where a map gave it
	hashed   []byte
	day      dayCache
}

func newAssembler(source schemas.Source) *assembler {
	mapping, _ := newMapping(source) // its error refused the file before
	a := &assembler{source: source, mapping: mapping}
	a.time, a.customer = &a.source.Fields.OccurredAt, &a.source.Fields.CustomerID
	if source.Fields.CustomerID.Kind == schemas.FieldConst {
		a.row.customerID = []byte(source.Fields.CustomerID.Const)
	}
	if source.Fields.Model.Kind == schemas.FieldConst {
		a.row.model = []byte(source.Fields.Model.Const)
	}
	return a
}

// assemble returns the event, which is good until the next call, or why there is none: leftOut where the source
// skips the row.
func (a *assembler) assemble(v *values) (*row, *fault) {
	if len(a.skips) > 0 && a.skipsRow(v) {
		return nil, leftOut
	}
	if len(a.required) > 0 || len(a.choices) > 0 {
		if failure := a.choose(v); failure != nil {
			return nil, failure
		}
	}
	event, failure := a.build(v)
	if failure != nil && failure.reason == isMissing {
		failure.reason += a.lookedFor(failure.field)
	}
	return event, failure
}

func (a *assembler) build(v *values) (*row, *fault) {
	if failure := a.identify(v); failure != nil {
		return nil, failure
	}
	if failure := a.datePart(v); failure != nil {
		return nil, failure
	}
	if a.source.Fields.CustomerID.Kind == schemas.FieldPath {
		id, failure := name(v, targetCustomerID)
		if failure != nil {
			return nil, failure
		}
		if a.customer.Map != nil {
			if id, failure = a.mapCustomer(id); failure != nil {
				return nil, failure
			}
		}
		a.row.customerID = id
	}
	if a.source.Fields.Model.Kind == schemas.FieldPath {
		if v.get(targetModel).kind == kindNumber {
			return nil, &fault{targetModel.String(), "want a string, found a number"}
		}
		id, failure := name(v, targetModel)
		if failure != nil {
			return nil, failure
		}
		a.row.model = id
	}
	if failure := a.count(v); failure != nil {
		return nil, failure
	}
	a.row.properties = nil
	switch properties := v.get(targetProperties); properties.kind {
	case kindNull:
	case kindObject, kindArray:
		a.row.properties = properties.bytes
	case kindText, kindString:
		if !isContainer(properties.bytes) {
			return nil, &fault{targetProperties.String(), notProperties}
		}
		a.row.properties = properties.bytes
	default:
		return nil, &fault{targetProperties.String(), notProperties}
	}
	return &a.row, nil
}

const notProperties = "want a JSON object or list"

// isContainer tells that the text is a JSON object or list.
func isContainer(text []byte) bool {
	start := skipBlanks(text, 0)
	end, reason := skipValue(text, start)
	return reason == "" && (text[start] == '{' || text[start] == '[') && skipBlanks(text, end) == len(text)
}

func (a *assembler) identify(v *values) *fault {
	switch a.source.Fields.EventID.Kind {
	case schemas.FieldPath:
		id, failure := name(v, targetEventID)
		a.row.eventID = id
		return failure
	case schemas.FieldHash:
		a.hashed = a.hashed[:0]
		found := false
		for _, t := range a.hashes {
			part := v.get(t)
			if part.kind == kindNull {
				a.hashed = append(a.hashed, 0)
				continue
			}
			found = true
			a.hashed = append(a.hashed, 1)
			a.hashed = binary.AppendUvarint(a.hashed, uint64(len(part.bytes)))
			a.hashed = append(a.hashed, part.bytes...)
		}
		if !found { // else all such rows would be one event
			return &fault{targetEventID.String(), "none of the fields that it is a hash of is present"}
		}
		sum := sha256.Sum256(a.hashed)
		a.row.eventID = hex.AppendEncode(a.row.eventID[:0], sum[:16])
	}
	return nil
}

func (a *assembler) datePart(v *values) *fault {
	field := a.time
	found := v.get(targetOccurredAt)
	if found.kind == kindNull {
		return &fault{targetOccurredAt.String(), missing(v, targetOccurredAt)}
	}
	instant, reason := a.day.parse(found, field.Layout, field.Location)
	if reason == "" && (instant < firstInstant || instant >= endInstant) {
		reason = outsideTime + quote(found.bytes)
	}
	if reason != "" {
		if strings.HasPrefix(reason, outsideTime) && strings.HasPrefix(field.Layout, schemas.LayoutUnix) {
			reason += likelyUnit(found.bytes)
		}
		return &fault{targetOccurredAt.String(), reason}
	}
	a.row.occurredAt = instant
	return nil
}

// count reads the pools and takes out of input and output what they include.
func (a *assembler) count(v *values) *fault {
	counted := false
	for pool := range schemas.PoolCount {
		t := targetTokens + target(pool)
		found := v.get(t)
		a.row.tokens[pool] = 0
		if found.kind == kindNull {
			if constant := a.source.Fields.Tokens[pool]; constant.Kind == schemas.FieldConst {
				found = value{kindText, []byte(constant.Const)}
			} else {
				continue
			}
		}
		counted = true
		count, reason := parseCount(found)
		if reason != "" {
			return &fault{t.String(), reason}
		}
		a.row.tokens[pool] = count
	}
	if !counted {
		return &fault{"", "no token counts: at least one is needed, 0 is one"}
	}
	if !holdsAll(a.inputUnless, v) {
		if failure := a.subtract(schemas.PoolInput, a.source.InputIncludes); failure != nil {
			return failure
		}
	}
	if holdsAll(a.outputUnless, v) {
		return nil
	}
	return a.subtract(schemas.PoolOutput, a.source.OutputIncludes)
}

// holdsAll tells that there are conditions and the row meets them.
func holdsAll(conditions []condition, v *values) bool {
	for i := range conditions {
		if !conditions[i].holds(v) {
			return false
		}
	}
	return len(conditions) > 0
}

func (a *assembler) subtract(from schemas.Pool, included []schemas.Pool) *fault {
	for _, pool := range included {
		if a.row.tokens[pool] > a.row.tokens[from] {
			return &fault{(targetTokens + target(pool)).String(), strconv.FormatUint(a.row.tokens[pool], 10) +
				" is more than " + schemas.PoolColumns[from] + ", which includes it, has left"}
		}
		a.row.tokens[from] -= a.row.tokens[pool]
	}
	return nil
}

// name reads an id or a model.
func name(v *values, t target) ([]byte, *fault) {
	found := v.get(t)
	switch found.kind {
	case kindString:
	case kindText:
		if maybeRounded(found.bytes) { // others may have been cut to the same text
			return nil, &fault{t.String(), quote(found.bytes) + rounded}
		}
	case kindNull:
		return nil, &fault{t.String(), missing(v, t)}
	case kindNumber:
		if !isInteger(found.bytes) {
			return nil, &fault{t.String(), "want a string or an integer, found " + quote(found.bytes)}
		}
	default:
		return nil, &fault{t.String(), "want a string, found " + found.kind.String()}
	}
	if len(found.bytes) == 0 {
		return nil, &fault{t.String(), "is empty"}
	}
	if len(found.bytes) > maxNameBytes {
		return nil, &fault{t.String(), "has " + strconv.Itoa(len(found.bytes)) + " bytes, at most 256 are allowed"}
	}
	if problem := schemas.NameProblem(found.bytes); problem != "" {
		return nil, &fault{t.String(), problem}
	}
	return found.bytes, nil
}

func missing(v *values, t target) string {
	if v.found&(1<<t) != 0 {
		return "is empty"
	}
	return isMissing
}

const isMissing = "is missing"

func (k kind) String() string {
	return [...]string{"null", "text", "a string", "a number", "a boolean", "an object", "an array", "a time"}[k]
}

// quote shows a value within a reason.
func quote(bytes []byte) string {
	const most = 64
	if len(bytes) > most {
		return strconv.Quote(string(bytes[:most])) + "…"
	}
	return strconv.Quote(string(bytes))
}
