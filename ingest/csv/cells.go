package csv

import (
	"slices"
	"strconv"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// cell is a value that is looked for in the JSON object of a column.
type cell struct {
	column int
	wanted event.Wanted
}

// intoCell points a path whose name no column has into the column of its first key; false if there is none.
func (h *Header) intoCell(wanted event.Wanted, byName map[string]int) bool {
	isElement := func(step string) bool {
		_, is := schemas.ElementOf(step)
		return is
	}
	if len(wanted.Path) < 2 || wanted.Out > 0 || slices.ContainsFunc(wanted.Path, isElement) {
		return false
	}
	column, ok := byName[wanted.Path[0]]
	if !ok || column == twice {
		return false
	}
	h.cells = append(h.cells, cell{column, wanted})
	return true
}

// lookIntoCells takes the values that are looked for in JSON objects. A cell that begins with none has none of them.
func (d *Decoder) lookIntoCells() *event.Fault {
	d.text = d.text[:0]
	for i := range d.cells {
		c := &d.cells[i]
		text := d.fields[c.column]
		start := jsontext.SkipBlanks(text, 0)
		if start == len(text) || text[start] != '{' {
			continue
		}
		found, reason := inObject(text[start:], c.wanted.Path[1:])
		if reason != "" {
			return &event.Fault{
				Field:  c.wanted.Field,
				Reason: "the text in " + strconv.Quote(c.wanted.Path[0]) + " begins like a JSON object and " + reason,
			}
		}
		if found == nil {
			continue
		}
		value := event.Value{Kind: event.KindOf(found[0]), Bytes: found}
		if value.Kind == event.KindString {
			begin, whole := len(d.text), false
			if d.text, whole = jsontext.Unescape(d.text, found[1:len(found)-1]); !whole {
				return &event.Fault{Field: c.wanted.Field, Reason: "is not valid Unicode: it holds half a surrogate pair"}
			}
			value.Bytes = d.text[begin:]
		}
		if c.wanted.Many {
			d.values.Add(&c.wanted, value)
		} else {
			d.values.Set(c.wanted.Target, value)
		}
	}
	return nil
}

// inObject returns the value at a path of keys in an object; nil if it is not there.
func inObject(text []byte, path []string) (found []byte, reason string) {
	times := 0
	reason = jsontext.EachField(text, func(key, value []byte) bool {
		if string(key) == path[0] {
			found = value
			times++
		}
		return true
	})
	switch {
	case reason != "":
		return nil, reason
	case times > 1:
		return nil, "has the key " + strconv.Quote(path[0]) + " twice"
	case found == nil || len(path) == 1:
		return found, ""
	case found[0] != '{':
		return nil, ""
	}
	return inObject(found, path[1:])
}
