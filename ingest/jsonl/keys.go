package jsonl

import (
	"fmt"
	"slices"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// keyNode is one level of the tree of keys that a source looks for in a JSON object.
type keyNode struct {
	keys []keyEntry
}

// keyEntry is one key: where its value goes, or what is looked for inside it.
type keyEntry struct {
	name    string
	plain   bool            // the name needs no escapes in JSON
	bit     uint64          // of this entry, to see a key that is repeated
	field   string          // the first that its value is for; empty if there is none
	targets []event.Target  // more than one where a field is also part of a hash
	several []*event.Wanted // that take several values
	deep    bool            // something is looked for inside
	inner   *keyNode
	list    []listEntry
	below   uint64 // the bits of what is looked for inside
}

// listEntry is an element of a list that is looked for.
type listEntry struct {
	schemas.Element
	*keyEntry
}

const maxKeys = 64

// keyTree makes the tree of keys of what is looked for in one object.
type keyTree struct {
	root    keyEntry
	entries int
}

// compileKeys makes the trees for a source: of its rows, and where they are elements of lists, of what is around
// them and of a row that has no such list.
func compileKeys(source schemas.Source) ([]*keyNode, error) {
	mapping, err := event.NewMapping(source)
	if err != nil {
		return nil, err
	}
	levels := len(schemas.Levels(source.Rows))
	trees := make([]keyTree, levels+1, levels+2)
	if levels > 0 {
		trees = append(trees, keyTree{})
	}
	for i := range mapping.Wanted {
		w := &mapping.Wanted[i]
		path := w.Path
		switch within := source.Within; {
		case w.Out > 0 && w.Out == levels:
			path = slices.Concat(within, path)
		case w.Out == 0 && len(path) > len(within) && slices.Equal(path[:len(within)], within):
			path = path[len(within):]
		}
		err := trees[w.Out].add(w, path)
		if err == nil && levels > 0 && w.Out == 0 {
			err = trees[levels+1].add(w, w.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", source.ID, err)
		}
	}
	nodes := make([]*keyNode, len(trees))
	for i := range trees {
		nodes[i] = trees[i].root.inner
		if nodes[i] == nil {
			nodes[i] = &keyNode{}
		}
	}
	return nodes, nil
}

// add puts what is wanted at a path into the tree.
func (t *keyTree) add(w *event.Wanted, path []string) error {
	entry := &t.root
	for _, step := range path {
		before := t.entries
		next := entry.step(step, t)
		if t.entries > maxKeys {
			return fmt.Errorf("more than %d keys are looked for", maxKeys)
		}
		if t.entries > before {
			t.markBelow(path, next.bit)
		}
		entry = next
	}
	if w.Many {
		entry.several = append(entry.several, w)
	} else {
		entry.targets = append(entry.targets, w.Target)
	}
	if entry.field == "" {
		entry.field = w.Field
	}
	return nil
}

// markBelow notes a new entry's bit with those around it.
func (t *keyTree) markBelow(path []string, bit uint64) {
	entry := &t.root
	for _, step := range path {
		next := entry.find(step)
		if next == nil {
			return
		}
		if next.bit == bit {
			entry.below |= bit
			return
		}
		entry.below |= bit
		entry = next
	}
}

// find returns what is looked for inside by a step; nil if nothing is.
func (e *keyEntry) find(step string) *keyEntry {
	if element, ok := schemas.ElementOf(step); ok {
		for i := range e.list {
			if e.list[i].Element == element {
				return e.list[i].keyEntry
			}
		}
		return nil
	}
	if e.inner == nil {
		return nil
	}
	return e.inner.named([]byte(step))
}

// step returns what is looked for inside by a step, made if need be.
func (e *keyEntry) step(step string, t *keyTree) *keyEntry {
	if found := e.find(step); found != nil {
		return found
	}
	e.deep = true
	bit := uint64(1) << t.entries
	t.entries++
	if element, ok := schemas.ElementOf(step); ok {
		made := &keyEntry{name: step, bit: bit}
		e.list = append(e.list, listEntry{element, made})
		return made
	}
	if e.inner == nil {
		e.inner = &keyNode{}
	}
	e.inner.keys = append(e.inner.keys, keyEntry{name: step, plain: isPlain(step), bit: bit})
	return &e.inner.keys[len(e.inner.keys)-1]
}

// named returns the entry of a key; nil if it is not looked for.
func (n *keyNode) named(key []byte) *keyEntry {
	for i := range n.keys {
		if n.keys[i].name == string(key) {
			return &n.keys[i]
		}
	}
	return nil
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
