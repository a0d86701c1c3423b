package ingest

import (
	"fmt"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// parquetNode is a field of a Parquet file's schema.
type parquetNode struct {
	name     string
	leaf     *leaf // nil for a group
	failure  error // why the leaf cannot be read
	form     nodeForm
	children []*parquetNode // of a map its key and its value, of a list its element
	repeated int            // how many fields around it and itself are repeated
}

// nodeForm is what a group stands for.
type nodeForm uint8

const (
	formStruct nodeForm = iota
	formMap
	formList
)

// parquetTree makes the tree and counts the leaves.
func parquetTree(s *schema.Schema) (*parquetNode, int, error) {
	leaves := 0
	var build func(node schema.Node, def, rep, repeatedDef int) *parquetNode
	build = func(node schema.Node, def, rep, repeatedDef int) *parquetNode {
		switch node.RepetitionType() {
		case parquet.Repetitions.Optional:
			def++
		case parquet.Repetitions.Repeated:
			def++
			rep++
			repeatedDef = def
		}
		n := &parquetNode{name: node.Name(), repeated: rep}
		group, ok := node.(*schema.GroupNode)
		if !ok {
			n.leaf = &leaf{index: leaves, name: n.name, maxDef: def, maxRep: rep, repeatedDef: repeatedDef}
			column := s.Column(leaves)
			n.leaf.name = column.Path()
			n.leaf.type_ = physicalTypes[column.PhysicalType()]
			if int(column.PhysicalType()) == physicalFixed {
				n.leaf.type_.width = column.TypeLength()
			}
			n.leaf.as, n.failure = leafTypeOf(column)
			if n.leaf.as.kind == vectorUint && n.leaf.type_.width == 4 {
				n.leaf.type_ = unsignedInt32
			}
			leaves++
		} else {
			for i := range group.NumFields() {
				n.children = append(n.children, build(group.Field(i), def, rep, repeatedDef))
			}
			n.shape(group)
		}
		if node.RepetitionType() == parquet.Repetitions.Repeated && rep == 1 && !ok {
			return &parquetNode{name: n.name, form: formList, children: []*parquetNode{n}, repeated: rep}
		}
		return n
	}
	root := &parquetNode{}
	for i := range s.Root().NumFields() {
		root.children = append(root.children, build(s.Root().Field(i), 0, 0, 0))
	}
	if leaves != s.NumColumns() || leaves == 0 {
		return nil, 0, fmt.Errorf("read Parquet footer: %w", errThrift)
	}
	return root, leaves, nil
}

// shape sees whether a group is a map or a list, and takes away the group in between.
func (n *parquetNode) shape(group *schema.GroupNode) {
	if len(n.children) != 1 || group.Field(0).RepetitionType() != parquet.Repetitions.Repeated {
		return
	}
	inner := n.children[0]
	switch group.LogicalType().(type) {
	case schema.MapLogicalType:
		if len(inner.children) == 2 {
			n.form, n.children = formMap, inner.children
		}
	case schema.ListLogicalType:
		if n.form = formList; len(inner.children) == 1 && inner.form != formMap {
			n.children = inner.children
		}
	}
}

// find returns the column at a path; nil if there is none. The path's text is tried as a column's name first.
func (n *parquetNode) find(path []string, text string, u *unpacker) (parquetColumn, error) {
	node, err := n.child(text)
	if err != nil {
		return nil, err
	}
	if node != nil {
		return node.column(u)
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

func (n *parquetNode) child(name string) (found *parquetNode, err error) {
	for _, child := range n.children {
		if child.name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("a column %s is there twice", name)
		}
		found = child
	}
	return found, nil
}

// column reads the node as it is: a leaf, or a group as JSON.
func (n *parquetNode) column(u *unpacker) (parquetColumn, error) {
	if n.leaf != nil {
		if n.failure != nil {
			return nil, n.failure
		}
		return &leafColumn{chunkReader: chunkReader{leaf: n.leaf, unpacker: u}}, nil
	}
	return n.json(u)
}

// lookup reads what a map has for the key that the path begins with.
func (n *parquetNode) lookup(path []string, u *unpacker) (parquetColumn, error) {
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
