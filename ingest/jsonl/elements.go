package jsonl

import (
	"strconv"
	"strings"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// elementReader makes a row of each element of a list in a line, or of lists in lists.
type elementReader struct {
	*Decoder
	trees  []*keyNode // by how many lists they lie out of the element; the last is of a row without lists
	levels [][]string // paths of the lists, outermost first
	within []string   // where they lie
	inside []elementSpan
	line   []byte
}

// elementSpan is where the list under way and its element lie in the line.
type elementSpan struct{ list, element, elementEnd, listEnd int }

func newElementReader(source schemas.Source, trees []*keyNode, d *Decoder) *elementReader {
	if len(source.Rows) == 0 {
		return nil
	}
	return &elementReader{Decoder: d, trees: trees, levels: schemas.Levels(source.Rows), within: source.Within}
}

// decode takes a line. One in which nothing of the lists is there is a row itself, and a reject unless its fields are
// where an element's would be.
func (e *elementReader) decode(line []byte, start int, b *event.Block) {
	end, reason := jsontext.SkipValue(line, start)
	if reason == "" && jsontext.SkipBlanks(line, end) != len(line) {
		reason = jsontext.NotJSON(line, jsontext.SkipBlanks(line, end))
	}
	if reason != "" {
		b.RowsRead++
		e.observe(line, b)
		b.Refuse("", reason, line)
		return
	}
	outer := pathOf(line, start, e.within)
	if outer < 0 || memberOf(line, outer, e.levels[0][0]) < 0 {
		b.RowsRead++
		e.decodeRow(line, start, true, b)
		e.observe(line, b)
		return
	}
	b.BeginElements()
	e.line, e.values.Found, e.scratch, e.inside = line, 0, e.scratch[:0], e.inside[:0]
	e.expand(start, b)
	b.EndElements()
}

// expand goes through the lists within the object at the position.
func (e *elementReader) expand(at int, b *event.Block) {
	level := len(e.inside)
	around := e.trees[len(e.levels)-level]
	outer := e.values
	if len(around.keys) > 0 {
		e.seen = 0
		if _, failure := e.object(e.line, at, around); failure != nil {
			e.refuse(failure, b)
			return
		}
		outer = e.values
	}
	list := at
	if level == 0 {
		list = pathOf(e.line, at, e.within)
	}
	path := e.levels[level]
	if list = pathOf(e.line, list, path); list < 0 {
		return // as a scope without spans
	}
	listEnd, _ := jsontext.SkipValue(e.line, list)
	switch of := event.KindOf(e.line[list]); of {
	case event.KindArray:
	case event.KindNull:
		return
	default:
		name := strconv.Quote(path[len(path)-1])
		e.refuse(&event.Fault{Reason: name + " is " + of.String() + ", and the rows must be the elements of a list"}, b)
		return
	}
	kept := len(e.scratch)
	for element := jsontext.SkipBlanks(e.line, list+1); e.line[element] != ']'; {
		end, _ := jsontext.SkipValue(e.line, element)
		e.inside = append(e.inside, elementSpan{list, element, end, listEnd})
		switch {
		case e.line[element] != '{':
			e.refuse(&event.Fault{Reason: "want a JSON object, found " + event.KindOf(e.line[element]).String()}, b)
		case level+1 < len(e.levels):
			e.expand(element, b)
		default:
			e.row(element, end, b)
		}
		e.inside = e.inside[:level]
		e.values, e.scratch = outer, e.scratch[:kept]
		if element = jsontext.SkipBlanks(e.line, end); e.line[element] == ',' {
			element = jsontext.SkipBlanks(e.line, element+1)
		}
	}
}

// row takes an element as a row.
func (e *elementReader) row(start, end int, b *event.Block) {
	e.seen = 0
	_, failure := e.object(e.line[:end], start, e.trees[0])
	if failure == nil {
		var made *event.Row
		if made, failure = e.assembler.Assemble(&e.values); failure == nil {
			b.NextElement()
			e.observe(e.line[start:end], b)
			b.Append(made)
			return
		}
		if failure == event.LeftOut {
			b.NextElement()
			e.observe(e.line[start:end], b)
			b.Skip()
			return
		}
	}
	e.refuse(failure, b)
}

// refuse keeps what is under way as a line of its own, which can be fixed and loaded: the lists around it hold nothing
// else. Where there is too much around it, it is kept alone.
func (e *elementReader) refuse(failure *event.Fault, b *event.Block) {
	b.NextElement()
	if len(e.inside) == 0 {
		e.observe(e.line, b)
		b.Refuse(failure.Field, failure.Reason, e.line)
		return
	}
	around := len(e.line)
	for i, span := range e.inside {
		around -= span.listEnd - span.list
		if i+1 < len(e.inside) {
			around += span.elementEnd - span.element
		}
	}
	last := e.inside[len(e.inside)-1]
	e.observe(e.line[last.element:last.elementEnd], b)
	if around > event.KeptOfLong {
		b.Refuse(failure.Field, failure.Reason, e.line[last.element:last.elementEnd])
		return
	}
	var raw strings.Builder
	from := 0
	for _, span := range e.inside {
		raw.Write(e.line[from : span.list+1])
		from = span.element
	}
	raw.Write(e.line[last.element:last.elementEnd])
	for i := len(e.inside) - 1; i >= 0; i-- {
		end := len(e.line)
		if i > 0 {
			end = e.inside[i-1].elementEnd
		}
		raw.Write(e.line[e.inside[i].listEnd-1 : end])
	}
	b.Refuse(failure.Field, failure.Reason, []byte(raw.String()))
}

// pathOf returns where the value at a path of keys begins, in JSON that was checked; -1 if there is none.
func pathOf(text []byte, at int, path []string) int {
	for _, key := range path {
		if at = memberOf(text, at, key); at < 0 {
			return -1
		}
	}
	return at
}
