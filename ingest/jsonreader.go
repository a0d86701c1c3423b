package ingest

import "strconv"

// keyReader takes the values that are looked for out of JSON. It is used by one goroutine.
type keyReader struct {
	values  values
	seen    uint64
	scratch []byte // of unescaped strings
}

// object reads the object at the position and takes what node looks for.
func (d *keyReader) object(line []byte, at int, node *keyNode) (int, *fault) {
	at = skipBlanks(line, at+1)
	if at < len(line) && line[at] == '}' {
		return at + 1, nil
	}
	expected := 0 // rows of one log have their keys in one order
	for {
		if at >= len(line) || line[at] != '"' {
			return 0, &fault{"", notJSON(line, at)}
		}
		entry, reason := (*keyEntry)(nil), ""
		if entry = node.next(line, at, expected); entry != nil {
			at += len(entry.name) + 2
			expected++
		} else if entry, at, reason = node.search(line, at, &expected); reason != "" {
			return 0, &fault{"", reason}
		}
		if at >= len(line) || line[at] != ':' {
			if at = skipBlanks(line, at); at >= len(line) || line[at] != ':' {
				return 0, &fault{"", notJSON(line, at)}
			}
		}
		at = skipBlanks(line, at+1)
		var failure *fault
		if entry == nil {
			if at, reason = skipValue(line, at); reason != "" {
				return 0, &fault{"", reason}
			}
		} else if at, failure = d.entry(line, at, entry); failure != nil {
			return 0, failure
		}
		if at < len(line) && line[at] == ',' {
			at = skipBlanks(line, at+1)
			continue
		}
		at = skipBlanks(line, at)
		switch {
		case at < len(line) && line[at] == '}':
			return at + 1, nil
		case at >= len(line) || line[at] != ',':
			return 0, &fault{"", notJSON(line, at)}
		}
		at = skipBlanks(line, at+1)
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
	end, escaped, reason := scanString(line, at+1)
	if reason != "" {
		return nil, 0, reason
	}
	key := line[at+1 : end]
	if escaped {
		key, _ = unescape(nil, key)
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
func (d *keyReader) entry(line []byte, at int, entry *keyEntry) (int, *fault) {
	if d.seen&entry.bit != 0 {
		return 0, &fault{entry.field, "key " + strconv.Quote(entry.name) + " is repeated"}
	}
	d.seen |= entry.bit
	return d.value(line, at, entry)
}

// value takes the value at the position for an entry, and what is looked for inside it.
func (d *keyReader) value(line []byte, at int, entry *keyEntry) (int, *fault) {
	if at < len(line) && entry.deep {
		switch start := at; line[at] {
		case '{':
			if entry.inner == nil {
				break
			}
			at, failure := d.object(line, at, entry.inner)
			if failure == nil {
				d.take(entry, value{kindObject, line[start:at]})
			}
			return at, failure
		case '[':
			at, failure := d.elements(line, at, entry)
			if failure == nil {
				d.take(entry, value{kindArray, line[start:at]})
			}
			return at, failure
		}
	}
	if at < len(line) && line[at] == '"' {
		end, escaped, reason := scanString(line, at+1)
		if reason != "" {
			return 0, &fault{"", reason}
		}
		text := line[at+1 : end]
		if escaped {
			start := len(d.scratch)
			whole, taken := false, !entry.deep || len(entry.targets)+len(entry.several) > 0
			if d.scratch, whole = unescape(d.scratch, text); !whole && taken {
				return 0, &fault{entry.field, "is not valid Unicode: it holds half a surrogate pair"}
			}
			text = d.scratch[start:]
		}
		if entry.deep {
			return end + 1, d.text(text, entry)
		}
		d.take(entry, value{kindString, text})
		return end + 1, nil
	}
	end := at
	for end < len(line) && line[end]-'0' <= 9 {
		end++
	}
	of := kindNumber
	if end == at || end == len(line) || (line[end] != ',' && line[end] != '}') || (line[at] == '0' && end > at+1) {
		var reason string
		if end, reason = skipValue(line, at); reason != "" {
			return 0, &fault{"", reason}
		}
		of = kindOf(line[at])
	}
	d.take(entry, value{of, line[at:end]})
	return end, nil
}

func (d *keyReader) take(entry *keyEntry, found value) {
	for _, t := range entry.targets {
		d.values.set(t, found)
	}
	for i := range entry.several {
		d.values.add(entry.several[i].target, found, entry.several[i].allowed)
	}
}

// text goes through a text that holds a JSON object or list as if it were one.
func (d *keyReader) text(text []byte, entry *keyEntry) *fault {
	start := skipBlanks(text, 0)
	if start == len(text) || (text[start] != '{' && text[start] != '[') {
		d.take(entry, value{kindString, text})
		return nil
	}
	end, reason := skipValue(text, start)
	if reason == "" && skipBlanks(text, end) < len(text) {
		reason = notJSON(text, skipBlanks(text, end))
	}
	switch {
	case reason != "" && text[start] == '[': // what many log lines begin with
		d.take(entry, value{kindString, text})
		return nil
	case reason != "":
		return &fault{entry.field, "the text in " + strconv.Quote(entry.name) + " begins like a JSON object and " + reason}
	}
	_, failure := d.value(text, start, entry)
	return failure
}

// elements goes through a list for the elements that are looked for. One of {key, value} objects, as OTLP writes
// attributes, is gone through as if it were the object with those keys.
func (d *keyReader) elements(line []byte, at int, entry *keyEntry) (int, *fault) {
	end, reason := skipValue(line, at)
	if reason != "" {
		return 0, &fault{"", reason}
	}
	place := 0
	for at = skipBlanks(line, at+1); line[at] != ']'; place++ {
		after, _ := skipValue(line, at)
		if failure := d.element(line[:after], at, place, entry); failure != nil {
			return 0, failure
		}
		if at = skipBlanks(line, after); line[at] == ',' {
			at = skipBlanks(line, at+1)
		}
	}
	return end, nil
}

// element takes what is looked for in one element of a list, which was checked.
func (d *keyReader) element(line []byte, at, place int, entry *keyEntry) *fault {
	for i := range entry.list {
		wanted := &entry.list[i]
		switch {
		case wanted.All:
			d.seen &^= wanted.below
		case wanted.Key == "" && wanted.Index != place, wanted.Key != "" && d.member(line, at, wanted.Key) != wanted.Value:
			continue
		case d.seen&wanted.bit != 0:
			return &fault{wanted.field, "an element with " + strconv.Quote(wanted.Key) + " " + strconv.Quote(wanted.Value) +
				" is repeated"}
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
	end, _ := skipValue(line, start)
	if line[start] == '"' {
		text, _ := unescape(nil, line[start+1:end-1])
		return string(text)
	}
	return string(line[start:end])
}

// memberOf returns where the value of an object's member begins, in JSON that was checked; -1 if there is none.
func memberOf(text []byte, at int, key string) int {
	if text[at] != '{' {
		return -1
	}
	for at = skipBlanks(text, at+1); text[at] != '}'; {
		end, escaped, _ := scanString(text, at+1)
		name := text[at+1 : end]
		if escaped {
			name, _ = unescape(nil, name)
		}
		at = skipBlanks(text, skipBlanks(text, end+1)+1)
		if string(name) == key {
			return at
		}
		end, _ = skipValue(text, at)
		if at = skipBlanks(text, end); text[at] == ',' {
			at = skipBlanks(text, at+1)
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
