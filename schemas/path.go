package schemas

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// A path is made of steps. A step is a key of an object, or, behind a zero byte, which no key begins with, an element
// of a list or the level around it.
const (
	stepMark  = "\x00"
	stepOut   = stepMark + "^"
	stepAll   = stepMark + "*"
	stepAt    = stepMark + "#" // and the place
	stepMatch = stepMark + "=" // and the key, a zero byte and the value
)

// Element says which element of a list a step means.
type Element struct {
	// All means every element.
	All bool
	// Index is the element's place from 0, where Key is empty.
	Index int
	// Key and Value mean the element in which the key has the value.
	Key, Value string
}

// ElementOf returns the element that a step means; false for a key.
func ElementOf(step string) (Element, bool) {
	if step == stepAll {
		return Element{All: true}, true
	}
	if place, ok := strings.CutPrefix(step, stepAt); ok {
		index, err := strconv.Atoi(place)
		return Element{Index: index}, err == nil
	}
	if pair, ok := strings.CutPrefix(step, stepMatch); ok {
		key, value, _ := strings.Cut(pair, stepMark)
		return Element{Key: key, Value: value}, true
	}
	return Element{}, false
}

// HasAll tells that the path means every element of a list.
func HasAll(path []string) bool { return slices.Contains(path, stepAll) }

// Outward cuts off the steps out of the element that a row is made of, and counts them.
func Outward(path []string) (levels int, rest []string) {
	for levels < len(path) && path[levels] == stepOut {
		levels++
	}
	return levels, path[levels:]
}

// Levels cuts the path of a source's rows into the paths of the lists that lie in each other.
func Levels(rows []string) (levels [][]string) {
	for len(rows) > 0 {
		end := slices.Index(rows, stepAll)
		levels = append(levels, rows[:end])
		rows = rows[end+1:]
	}
	return levels
}

var (
	errEmptySegment = errors.New("a part of it is empty")
	errOpenQuote    = errors.New("a quote is not closed")
	errAfterQuote   = errors.New("a quoted part must end at a dot or a bracket")
)

// joinPath writes a path as splitPath reads it.
func joinPath(path []string) string {
	var text strings.Builder
	for i, step := range path {
		element, isElement := ElementOf(step)
		switch {
		case isElement && element.All:
			text.WriteString("[]")
			continue
		case isElement && element.Key != "":
			text.WriteString("[" + element.Key + "=" + element.Value + "]")
			continue
		case isElement:
			text.WriteString("[" + strconv.Itoa(element.Index) + "]")
			continue
		}
		if i > 0 {
			text.WriteByte('.')
		}
		switch {
		case step == stepOut:
			text.WriteByte('^')
		case strings.ContainsAny(step, `."[`) || step == "^":
			text.WriteString(`"` + step + `"`)
		default:
			text.WriteString(step)
		}
	}
	return text.String()
}

// splitPath splits at dots and brackets; a part in double quotes is one key, dots and all.
func splitPath(text string) ([]string, error) {
	var path []string
	for {
		var segment string
		if quoted, ok := strings.CutPrefix(text, `"`); ok {
			end := strings.IndexByte(quoted, '"')
			if end < 0 {
				return nil, errOpenQuote
			}
			segment, text = quoted[:end], quoted[end+1:]
			if text != "" && text[0] != '.' && text[0] != '[' {
				return nil, errAfterQuote
			}
		} else {
			end := endOfKey(text)
			segment, text = text[:end], text[end:]
			if segment == "^" && !slices.ContainsFunc(path, func(step string) bool { return step != stepOut }) {
				segment = stepOut
			}
		}
		if segment == "" {
			return nil, errEmptySegment
		}
		path = append(path, segment)
		for {
			step, rest := cutElement(text)
			if step == "" {
				break
			}
			path, text = append(path, step), rest
		}
		if text == "" {
			return path, nil
		}
		if text[0] != '.' {
			return nil, errAfterQuote
		}
		text = text[1:]
	}
}

// endOfKey finds the dot or the bracket that ends a key. A bracket that says no element belongs to the key, as in the
// name of a CSV column.
func endOfKey(text string) int {
	for i := range len(text) {
		if text[i] == '.' {
			return i
		}
		if step, rest := cutElement(text[i:]); step != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return i
		}
	}
	return len(text)
}

// cutElement reads [], [0] or [key=value] at the beginning; step is empty where there is none.
func cutElement(text string) (step, rest string) {
	inside, ok := strings.CutPrefix(text, "[")
	if !ok {
		return "", text
	}
	inside, rest, ok = strings.Cut(inside, "]")
	if !ok {
		return "", text
	}
	if inside == "" {
		return stepAll, rest
	}
	if key, value, ok := strings.Cut(inside, "="); ok && key != "" {
		return stepMatch + key + stepMark + strings.Trim(value, `"`), rest
	}
	if index, err := strconv.ParseUint(inside, 10, 16); err == nil {
		return stepAt + strconv.FormatUint(index, 10), rest
	}
	return "", text
}
