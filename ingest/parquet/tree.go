package parquet

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// schemaNode is a field of a Parquet file's schema.
type schemaNode struct {
	name     string
	leaf     *leaf // nil for a group
	failure  error // why it cannot be read
	form     nodeForm
	children []*schemaNode // of a map its key and its value, of a list its element
	repeated int           // how many fields around it and itself are repeated
	// isRepeated tells that it is itself.
	isRepeated bool
}

// nodeForm is what a group stands for.
type nodeForm uint8

const (
	formStruct nodeForm = iota
	formMap
	formList
)

// buildTree makes the tree and lists the leaves.
func buildTree(elements []schemaElement) (*schemaNode, []*leaf, error) {
	b := treeBuilder{left: elements}
	root, err := b.take()
	if err != nil {
		return nil, nil, err
	}
	tree := &schemaNode{}
	if tree.children, err = b.children(root, fieldLevels{}); err != nil {
		return nil, nil, err
	}
	if len(b.left) > 0 || len(b.leaves) == 0 {
		return nil, nil, errThrift
	}
	return tree, b.leaves, nil
}

type treeBuilder struct {
	left   []schemaElement
	leaves []*leaf
}

// fieldLevels are those of a field: how many fields down to it are optional or repeated, and its path.
type fieldLevels struct {
	def, rep, repeatedDef int
	path                  string
	depth                 int
}

func (b *treeBuilder) take() (*schemaElement, error) {
	if len(b.left) == 0 {
		return nil, errThrift
	}
	element := &b.left[0]
	b.left = b.left[1:]
	return element, nil
}

func (b *treeBuilder) children(of *schemaElement, at fieldLevels) ([]*schemaNode, error) {
	at.depth++
	if at.depth > columnar.MaxSchemaDepth {
		return nil, errSchema
	}
	var nodes []*schemaNode
	for range of.children {
		node, err := b.node(at)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

func (b *treeBuilder) node(at fieldLevels) (*schemaNode, error) {
	element, err := b.take()
	if err != nil {
		return nil, err
	}
	if at.path != "" {
		at.path += "."
	}
	at.path += element.name
	repeated := element.repetition == repetitionRepeated
	switch element.repetition {
	case repetitionOptional:
		at.def++
	case repetitionRepeated:
		at.def++
		at.rep++
		at.repeatedDef = at.def
	}
	n := &schemaNode{name: element.name, repeated: at.rep, isRepeated: repeated}
	if element.physical < 0 {
		if n.children, err = b.children(element, at); err != nil {
			return nil, err
		}
		n.failure = unreadable(element.annotation())
		n.shape(element.annotation().kind)
		return n, nil
	}
	n.leaf = &leaf{index: len(b.leaves), name: at.path, maxDef: at.def, maxRep: at.rep, repeatedDef: at.repeatedDef}
	b.leaves = append(b.leaves, n.leaf)
	n.failure = n.leaf.annotate(element)
	if repeated && at.rep == 1 {
		list := []*schemaNode{n}
		return &schemaNode{name: n.name, form: formList, children: list, repeated: at.rep, isRepeated: true}, nil
	}
	return n, nil
}

// shape sees whether a group is a map or a list, and takes away the group in between.
func (n *schemaNode) shape(annotated int16) {
	if len(n.children) != 1 || !n.children[0].isRepeated {
		return
	}
	inner := n.children[0]
	switch annotated {
	case logicalMap:
		if len(inner.children) == 2 {
			n.form, n.children = formMap, inner.children
		}
	case logicalList:
		n.form = formList
		if len(inner.children) == 1 && inner.form != formMap {
			n.children = inner.children
		}
	}
}

// names are those of the node's children.
func (n *schemaNode) names() []string {
	names := make([]string, len(n.children))
	for i, child := range n.children {
		names[i] = child.name
	}
	return names
}

// find returns the column at a path; nil if there is none. The path's text is tried as a column's name first.
func (n *schemaNode) find(path []string, text string, u *unpacker) (columnReader, error) {
	node, err := n.child(text)
	if err != nil {
		return nil, err
	}
	if node != nil {
		return node.column(u)
	}
	if len(path) == 0 {
		return nil, nil
	}
	node = n
	for i, key := range path {
		if node.form == formMap {
			return node.lookup(path[i:], u)
		}
		if node.form == formList {
			return nil, fmt.Errorf("%s is a list, and a path cannot go into one", node.name)
		}
		if node, err = node.child(key); node == nil || err != nil {
			return nil, err
		}
	}
	return node.column(u)
}

func (n *schemaNode) child(name string) (found *schemaNode, err error) {
	for _, child := range n.children {
		if child.name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("a column %s is repeated", name)
		}
		found = child
	}
	return found, nil
}

// column reads the node as it is: a leaf, or a group as JSON.
func (n *schemaNode) column(u *unpacker) (columnReader, error) {
	if n.failure != nil {
		return nil, n.failure
	}
	if n.leaf != nil {
		return &leafColumn{chunkReader: n.leaf.reader(u)}, nil
	}
	return n.json(u)
}

// lookup reads what a map has for the key that the path begins with.
func (n *schemaNode) lookup(path []string, u *unpacker) (columnReader, error) {
	key, value := n.children[0], n.children[1]
	var err error
	for _, name := range path[1:] {
		if value.form != formStruct {
			return nil, fmt.Errorf("%s is a map in a map or a list, and a path cannot go into that", value.name)
		}
		if value, err = value.child(name); value == nil || err != nil {
			return nil, err
		}
	}
	if key.leaf == nil || !key.leaf.type_.text || value.leaf == nil || value.repeated != 1 {
		return nil, fmt.Errorf("%s is a map of a kind that is not read: texts to single values are", n.name)
	}
	if value.failure != nil {
		return nil, value.failure
	}
	return &lookupColumn{key: path[0], keys: elementsColumn(key, u), values: elementsColumn(value, u)}, nil
}
