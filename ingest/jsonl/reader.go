package jsonl

import (
	"strconv"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsontext"
)

// keyReader takes the values that are looked for out of JSON. It is used by one goroutine.
type keyReader struct {
	values  event.Values
	seen    uint64
	scratch []byte // of unescaped strings
}

// object reads the object at the position and takes what node looks for.
func (d *keyReader) object(line []byte, at int, node *keyNode) (int, *event.Fault) {
	at = jsontext.SkipBlanks(line, at+1)
	if at < len(line) && line[at] == '}' {
		return at + 1, nil
	}
	expected := 0 // rows of one log have their keys in one order
	for {
		if at >= len(line) || line[at] != '"' {
			return 0, &event.Fault{Reason: jsontext.NotJSON(line, at)}
		}
		entry, reason := (*keyEntry)(nil), ""
		if entry = node.next(line, at, expected); entry != nil {
			at += len(entry.name) + 2
			expected++
		} else if entry, at, reason = node.search(line, at, &expected); reason != "" {
			return 0, &event.Fault{Reason: reason}
		}
		if at >= len(line) || line[at] != ':' {
			if at = jsontext.SkipBlanks(line, at); at >= len(line) || line[at] != ':' {
				return 0, &event.Fault{Reason: jsontext.NotJSON(line, at)}
			}
		}
		at = jsontext.SkipBlanks(line, at+1)
		var failure *event.Fault
		if entry == nil {
			if at, reason = jsontext.SkipValue(line, at); reason != "" {
				return 0, &event.Fault{Reason: reason}
			}
		} else if at, failure = d.entry(line, at, entry); failure != nil {
			return 0, failure
		}
		if at < len(line) && line[at] == ',' {
			at = jsontext.SkipBlanks(line, at+1)
			continue
		}
		at = jsontext.SkipBlanks(line, at)
		switch {
		case at < len(line) && line[at] == '}':
			return at + 1, nil
		case at >= len(line) || line[at] != ',':
			return 0, &event.Fault{Reason: jsontext.NotJSON(line, at)}
		}
		at = jsontext.SkipBlanks(line, at+1)
	}
}

// next returns the entry that is expected, if its key stands at the position.
func (n *keyNode) next(line []byte, at, expected int) *keyEntry {
	if expected >= len(n.keys) {
		return nil
	}
	entry := &n.keys[expected]
	end := at + 1 + len(entry.name)
	if entry.plain && end < len(line) && line[end] == '"' && string(line[at+1:end]) == entry.name {
		return entry
	}
	return nil
}

// search reads the key at the position and returns its entry, nil if it is not looked for, and where the key ends.
func (n *keyNode) search(line []byte, at int, expected *int) (*keyEntry, int, string) {
	end, escaped, reason := jsontext.ScanString(line, at+1)
	if reason != "" {
		return nil, 0, reason
	}
	key := line[at+1 : end]
	if escaped {
		key, _ = jsontext.Unescape(nil, key)
	}
	for i := range n.keys {
		if n.keys[i].name == string(key) {
			*expected = i + 1
			return &n.keys[i], end + 1, ""
		}
	}
	return nil, end + 1, ""
}

// entry takes the value of a key that is looked for.
func (d *keyReader) entry(line []byte, at int, entry *keyEntry) (int, *event.Fault) {
	if d.seen&entry.bit != 0 {
		return 0, &event.Fault{Field: entry.field, Reason: "key " + strconv.Quote(entry.name) + " is repeated"}
	}
	d.seen |= entry.bit
	return d.value(line, at, entry)
}

// value takes the value at the position for an entry, and what is looked for inside it.
func (d *keyReader) value(line []byte, at int, entry *keyEntry) (int, *event.Fault) {
	if at < len(line) && entry.deep {
		switch start := at; line[at] {
		case '{':
			if entry.inner == nil {
				break
			}
			at, failure := d.object(line, at, entry.inner)
			if failure == nil {
				d.take(entry, event.Value{Kind: event.KindObject, Bytes: line[start:at]})
			}
			return at, failure
		case '[':
			at, failure := d.elements(line, at, entry)
			if failure == nil {
				d.take(entry, event.Value{Kind: event.KindArray, Bytes: line[start:at]})
			}
			return at, failure
		}
	}
	if at < len(line) && line[at] == '"' {
		end, escaped, reason := jsontext.ScanString(line, at+1)
		if reason != "" {
			return 0, &event.Fault{Reason: reason}
		}
		text := line[at+1 : end]
		if escaped {
			start := len(d.scratch)
			whole, taken := false, !entry.deep || len(entry.targets)+len(entry.several) > 0
			if d.scratch, whole = jsontext.Unescape(d.scratch, text); !whole && taken {
				return 0, &event.Fault{Field: entry.field, Reason: "is not valid Unicode: it holds half a surrogate pair"}
			}
			text = d.scratch[start:]
		}
		if entry.deep {
			return end + 1, d.text(text, entry)
		}
		d.take(entry, event.Value{Kind: event.KindString, Bytes: text})
		return end + 1, nil
	}
	end := at
	for end < len(line) && line[end]-'0' <= 9 {
		end++
	}
	of := event.KindNumber
	if end == at || end == len(line) || (line[end] != ',' && line[end] != '}') || (line[at] == '0' && end > at+1) {
		var reason string
		if end, reason = jsontext.SkipValue(line, at); reason != "" {
			return 0, &event.Fault{Reason: reason}
		}
		of = event.KindOf(line[at])
	}
	d.take(entry, event.Value{Kind: of, Bytes: line[at:end]})
	return end, nil
}

func (d *keyReader) take(entry *keyEntry, found event.Value) {
	for _, t := range entry.targets {
		d.values.Set(t, found)
	}
	for i := range entry.several {
		d.values.Add(entry.several[i], found)
	}
}

// text goes through a text that holds a JSON object or list as if it were one.
func (d *keyReader) text(text []byte, entry *keyEntry) *event.Fault {
	start := jsontext.SkipBlanks(text, 0)
	if start == len(text) || (text[start] != '{' && text[start] != '[') {
		d.take(entry, event.Value{Kind: event.KindString, Bytes: text})
		return nil
	}
	end, reason := jsontext.SkipValue(text, start)
	if reason == "" && jsontext.SkipBlanks(text, end) < len(text) {
		reason = jsontext.NotJSON(text, jsontext.SkipBlanks(text, end))
	}
	switch {
	case reason != "" && text[start] == '[': // what many log lines begin with
		d.take(entry, event.Value{Kind: event.KindString, Bytes: text})
		return nil
	case reason != "":
		reason = "the text in " + strconv.Quote(entry.name) + " begins like a JSON object and " + reason
		return &event.Fault{Field: entry.field, Reason: reason}
	}
	_, failure := d.value(text, start, entry)
	return failure
}

// elements goes through a list for the elements that are looked for. One of {key, value} objects, as OTLP writes
// attributes, is gone through as if it were the object with those keys.
func (d *keyReader) elements(line []byte, at int, entry *keyEntry) (int, *event.Fault) {
	end, reason := jsontext.SkipValue(line, at)
	if reason != "" {
		return 0, &event.Fault{Reason: reason}
	}
	place := 0
	for at = jsontext.SkipBlanks(line, at+1); line[at] != ']'; place++ {
		after, _ := jsontext.SkipValue(line, at)
		if failure := d.element(line[:after], at, place, entry); failure != nil {
			return 0, failure
		}
		if at = jsontext.SkipBlanks(line, after); line[at] == ',' {
			at = jsontext.SkipBlanks(line, at+1)
		}
	}
	return end, nil
}

// element takes what is looked for in one element of a list, which was checked.
func (d *keyReader) element(line []byte, at, place int, entry *keyEntry) *event.Fault {
	for i := range entry.list {
		wanted := &entry.list[i]
		switch {
		case wanted.All:
			d.seen &^= wanted.below
		case wanted.Key == "" && wanted.Index != place, wanted.Key != "" && d.member(line, at, wanted.Key) != wanted.Value:
			continue
		case d.seen&wanted.bit != 0:
			return &event.Fault{
				Field: wanted.field,
				Reason: "an element with " + strconv.Quote(wanted.Key) + " " + strconv.Quote(wanted.Value) +
					" is repeated",
			}
		}
		d.seen |= wanted.bit
		if _, failure := d.value(line, at, wanted.keyEntry); failure != nil {
			return failure
		}
	}
	if entry.inner == nil || line[at] != '{' {
		return nil
	}
	key := d.member(line, at, "key")
	found := entry.inner.named([]byte(key))
	start := memberOf(line, at, "value")
	if key == "" || found == nil || start < 0 {
		return nil
	}
	_, failure := d.entry(line, anyValue(line, start), found)
	return failure
}

// member returns the text of an object's member; empty if it has none.
func (d *keyReader) member(line []byte, at int, key string) string {
	start := memberOf(line, at, key)
	if start < 0 {
		return ""
	}
	end, _ := jsontext.SkipValue(line, start)
	if line[start] == '"' {
		text, _ := jsontext.Unescape(nil, line[start+1:end-1])
		return string(text)
	}
	return string(line[start:end])
}

// memberOf returns where the value of an object's member begins, in JSON that was checked; -1 if there is none.
func memberOf(text []byte, at int, key string) int {
	if text[at] != '{' {
		return -1
	}
	for at = jsontext.SkipBlanks(text, at+1); text[at] != '}'; {
		end, escaped, _ := jsontext.ScanString(text, at+1)
		name := text[at+1 : end]
		if escaped {
			name, _ = jsontext.Unescape(nil, name)
		}
		at = jsontext.SkipBlanks(text, jsontext.SkipBlanks(text, end+1)+1)
		if string(name) == key {
			return at
		}
		end, _ = jsontext.SkipValue(text, at)
		if at = jsontext.SkipBlanks(text, end); text[at] == ',' {
			at = jsontext.SkipBlanks(text, at+1)
		}
	}
	return -1
}

// anyValue looks into the object that OTLP puts around a value, whose key is the value's type.
func anyValue(line []byte, at int) int {
	for _, key := range []string{"stringValue", "intValue", "doubleValue", "boolValue"} {
		if inside := memberOf(line, at, key); inside >= 0 {
			return inside
		}
	}
	if values := memberOf(line, at, "kvlistValue"); values >= 0 {
		if inside := memberOf(line, values, "values"); inside >= 0 {
			return inside
		}
	}
	if values := memberOf(line, at, "arrayValue"); values >= 0 {
		if inside := memberOf(line, values, "values"); inside >= 0 {
			return inside
		}
	}
	return at
}
