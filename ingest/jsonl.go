package ingest

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/creditmill/creditmill/schemas"
)

// keyNode is one level of the tree of keys that a source looks for in a JSON object.
type keyNode struct {
	keys []keyEntry
}

// keyEntry is one key: where its value goes, or what is looked for inside it.
type keyEntry struct {
	name    string
	plain   bool     // the name needs no escapes in JSON
	bit     uint64   // of this entry, to see a key that is there twice
	field   string   // the first that its value is for; empty if there is none
	targets []target // more than one where a field is also part of a hash
	inner   *keyNode
}

const maxKeys = 64

// compileKeys makes the tree for a source.
func compileKeys(source schemas.Source) (*keyNode, error) {
	root := &keyNode{}
	entries := 0
	mapping, err := newMapping(source)
	if err != nil {
		return nil, err
	}
	for _, wanted := range mapping.wanted {
		node := root
		for depth, key := range wanted.path {
			var entry *keyEntry
			for i := range node.keys {
				if node.keys[i].name == key {
					entry = &node.keys[i]
				}
			}
			if entry == nil {
				if entries == maxKeys {
					return nil, fmt.Errorf("source %s: more than %d keys are looked for", source.ID, maxKeys)
				}
				node.keys = append(node.keys, keyEntry{name: key, plain: isPlain(key), bit: 1 << entries})
				entry = &node.keys[len(node.keys)-1]
				entries++
			}
			if depth == len(wanted.path)-1 {
				if entry.targets = append(entry.targets, wanted.target); entry.field == "" {
					entry.field = wanted.field
				}
				break
			}
			if entry.inner == nil {
				entry.inner = &keyNode{}
			}
			node = entry.inner
		}
	}
	return root, nil
}

// isPlain tells that the key can only be written as it is, or with escapes that nobody needs.
func isPlain(key string) bool {
	for i := range len(key) {
		if key[i] < 0x20 || key[i] == '"' || key[i] == '\\' {
			return false
		}
	}
	return true
}

// jsonDecoder reads the rows of JSON Lines. It is used by one goroutine.
type jsonDecoder struct {
	keys         *keyNode
	assembler    *assembler
	maxLineBytes int
	values       values
	seen         uint64
	scratch      []byte // of unescaped strings
}

// decode fills the block with the rows of the chunk, whose last line may lack its newline.
func (d *jsonDecoder) decode(chunk []byte, b *block) {
	valid := utf8.Valid(chunk)
	for len(chunk) > 0 {
		line := chunk
		if end := bytes.IndexByte(chunk, '\n'); end >= 0 {
			line, chunk = chunk[:end], chunk[end+1:]
		} else {
			chunk = nil
		}
		if last := len(line) - 1; last >= 0 && line[last] == '\r' {
			line = line[:last]
		}
		start := skipBlanks(line, 0)
		if start < len(line) && line[start] != '{' {
			line = withoutFiller(line)
			start = skipBlanks(line, 0)
		}
		if start == len(line) && start <= d.maxLineBytes {
			continue
		}
		b.rowsRead++
		if d.assembler.byRow() {
			b.observeRow(line, d.maxLineBytes)
		}
		d.decodeRow(line, start, valid || utf8.Valid(line), b)
	}
}

func (d *jsonDecoder) decodeRow(line []byte, start int, valid bool, b *block) {
	switch {
	case len(line) > d.maxLineBytes:
		b.reject("", tooLong(d.maxLineBytes), line[:min(len(line), keptOfLong)])
		return
	case !valid:
		b.reject("", "is not valid UTF-8", line)
		return
	case line[start] != '{':
		reason := "want a JSON object"
		if _, of, failure := skipValue(line, start); failure == "" {
			reason += ", found " + of.String()
		}
		b.reject("", reason, line)
		return
	}
	d.values.found, d.seen, d.scratch = 0, 0, d.scratch[:0]
	end, failure := d.object(line, start, d.keys)
	if failure == nil {
		failure = atEndOfRow(line, end)
	}
	if failure == nil {
		var event *row
		if event, failure = d.assembler.assemble(&d.values); failure == nil {
			b.append(event)
			return
		}
	}
	b.reject(failure.field, failure.reason, line)
}

// atEndOfRow checks that nothing comes after the object of a row but blanks, and zero bytes, as a crash leaves them.
func atEndOfRow(line []byte, end int) *fault {
	at := skipBlanks(line, end)
	switch {
	case len(bytes.TrimRight(line[at:], "\x00")) == 0:
		return nil
	case bytes.IndexByte(line[end:at], '\r') >= 0:
		return &fault{"", "holds another row after a line end of CR alone: " + convertCR}
	}
	return &fault{"", notJSON(line, at)}
}

// object reads the object at the position and takes what node looks for.
func (d *jsonDecoder) object(line []byte, at int, node *keyNode) (int, *fault) {
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
			if at, _, reason = skipValue(line, at); reason != "" {
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
func (d *jsonDecoder) entry(line []byte, at int, entry *keyEntry) (int, *fault) {
	if d.seen&entry.bit != 0 {
		return 0, &fault{entry.field, "key " + strconv.Quote(entry.name) + " is there twice"}
	}
	d.seen |= entry.bit
	if entry.inner != nil && at < len(line) && line[at] == '{' {
		start := at
		at, failure := d.object(line, at, entry.inner)
		if failure == nil {
			d.take(entry, value{kindObject, line[start:at]})
		}
		return at, failure
	}
	if at < len(line) && line[at] == '"' {
		end, escaped, reason := scanString(line, at+1)
		if reason != "" {
			return 0, &fault{"", reason}
		}
		text := line[at+1 : end]
		if escaped {
			start := len(d.scratch)
			whole := false
			if d.scratch, whole = unescape(d.scratch, text); !whole {
				return 0, &fault{entry.field, "is not valid Unicode: it holds half a surrogate pair"}
			}
			text = d.scratch[start:]
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
		if end, of, reason = skipValue(line, at); reason != "" {
			return 0, &fault{"", reason}
		}
	}
	d.take(entry, value{of, line[at:end]})
	return end, nil
}

func (d *jsonDecoder) take(entry *keyEntry, found value) {
	for _, t := range entry.targets {
		d.values.set(t, found)
	}
}

// keptOfLong is how many bytes of a row that is too long are kept with its reject; other rows are kept whole.
const keptOfLong = 64 << 10

func tooLong(most int) string {
	return "is longer than " + strconv.Itoa(most) + " bytes"
}
