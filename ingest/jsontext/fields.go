package jsontext

// EachField calls do with each key, as it stands between its quotes, and value of the object that the text is, until it
// returns false. The reason is why the text is no object.
func EachField(text []byte, do func(key, value []byte) bool) (reason string) {
	at := SkipBlanks(text, 0)
	if at >= len(text) || text[at] != '{' {
		return NotJSON(text, at)
	}
	at = SkipBlanks(text, at+1)
	if at < len(text) && text[at] == '}' {
		return ""
	}
	inside := nesting{depth: 1, inner: 1}
	for {
		key := at + 1
		value, reason := inside.skipKey(text, at)
		if reason != "" {
			return reason
		}
		closed, _, _ := ScanString(text, key) // skipKey has read it
		end, reason := SkipValue(text, value)
		if reason != "" {
			return reason
		}
		if !do(text[key:closed], text[value:end]) {
			return ""
		}
		at = SkipBlanks(text, end)
		if at < len(text) && text[at] == '}' {
			return ""
		}
		if at >= len(text) || text[at] != ',' {
			return NotJSON(text, at)
		}
		at = SkipBlanks(text, at+1)
	}
}
