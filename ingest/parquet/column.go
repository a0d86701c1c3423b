package parquet

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// leafColumn is a column that is one leaf.
type leafColumn struct{ chunkReader }

func (c *leafColumn) open(group *groupReader) error {
	if err := group.openChunk(&c.chunkReader); err != nil {
		return fmt.Errorf("column %s: %w", c.name, err)
	}
	return nil
}

func (c *leafColumn) read(rows int, to *columnar.Vector) error {
	stored := dense{text: to.Text.Emptied(), number: to.Number[:0], codes: to.Codes[:0]}
	absent, err := c.readRows(rows, &stored, to.Null[:0])
	if err == nil {
		*to, err = c.as.vector(&stored, absent)
	}
	if err != nil {
		return fmt.Errorf("column %s: %w", c.name, err)
	}
	return nil
}

// elementColumn is a repeated leaf.
type elementColumn struct {
	chunkReader
	elements
	vector columnar.Vector // of the elements
}

func elementsColumn(n *schemaNode, u *unpacker) *elementColumn {
	return &elementColumn{chunkReader: n.leaf.reader(u)}
}

func (c *elementColumn) open(group *groupReader) error {
	if err := group.openChunk(&c.chunkReader); err != nil {
		return fmt.Errorf("column %s: %w", c.name, err)
	}
	return nil
}

func (c *elementColumn) next(rows int) error {
	err := c.readElements(rows, &c.elements)
	if err == nil {
		err = c.flatten()
	}
	if err == nil {
		c.vector, err = c.as.vector(&c.dense, c.absent)
	}
	if err != nil {
		return fmt.Errorf("column %s: %w", c.name, err)
	}
	c.text, c.number = c.vector.Text, c.vector.Number
	return nil
}

// lookupColumn is the value that a map has for one key.
type lookupColumn struct {
	key          string
	keys, values *elementColumn
}

func (c *lookupColumn) open(group *groupReader) error {
	if err := c.keys.open(group); err != nil {
		return err
	}
	return c.values.open(group)
}

func (c *lookupColumn) read(rows int, to *columnar.Vector) error {
	if err := c.keys.next(rows); err != nil {
		return err
	}
	if err := c.values.next(rows); err != nil {
		return err
	}
	from := &c.values.vector
	v := columnar.Vector{
		Kind: from.Kind, Tick: from.Tick, Local: from.Local,
		Null: to.Null[:0], Text: to.Text.Emptied(), Number: to.Number[:0],
	}
	for row := range rows {
		found := -1
		for at := c.keys.offsets[row]; at < c.keys.offsets[row+1]; at++ {
			if !c.keys.vector.IsNull(at) && string(c.keys.vector.Text.At(at)) == c.key {
				found = at - c.keys.offsets[row] + c.values.offsets[row]
				break
			}
		}
		if found >= c.values.offsets[row+1] {
			return fmt.Errorf("column %s: %w", c.values.name, errPage)
		}
		v.Null = append(v.Null, found < 0 || from.IsNull(found))
		present := !v.Null[row]
		switch {
		case from.Text.Len() > 0 && present:
			v.Text.Append(from.Text.At(found))
		case from.Text.Len() > 0:
			v.Text.Append(nil)
		case present:
			v.Number = append(v.Number, from.Number[found])
		default:
			v.Number = append(v.Number, 0)
		}
	}
	*to = v
	return nil
}

// jsonColumn is a group as JSON. Nulls are left out; a group of nothing but nulls is null.
type jsonColumn struct {
	node   *schemaNode
	inner  []*jsonColumn
	leaf   *leafColumn // of a leaf that is not repeated
	vector columnar.Vector
	keys   *elementColumn // of a map
	values *elementColumn // of a map or a list
	text   []byte         // scratch
}

// json makes the column of a group.
func (n *schemaNode) json(u *unpacker) (*jsonColumn, error) {
	c := &jsonColumn{node: n}
	if n.failure != nil {
		return nil, n.failure
	}
	switch {
	case n.leaf != nil && n.repeated == 0:
		c.leaf = &leafColumn{n.leaf.reader(u)}
		return c, nil
	case n.form == formStruct && n.repeated == 0:
		for _, child := range n.children {
			inner, err := child.json(u)
			if err != nil {
				return nil, err
			}
			c.inner = append(c.inner, inner)
		}
		return c, nil
	}
	for _, child := range n.children {
		if child.leaf == nil || child.repeated != 1 {
			return nil, fmt.Errorf("%s has lists of objects or lists, which are not read: store it as JSON text", n.name)
		}
		if child.failure != nil {
			return nil, child.failure
		}
	}
	c.values = elementsColumn(n.children[len(n.children)-1], u)
	if n.form == formMap {
		if !n.children[0].leaf.type_.text {
			return nil, fmt.Errorf("%s is a map whose keys are not texts, which is not supported: store it as JSON text", n.name)
		}
		c.keys = elementsColumn(n.children[0], u)
	}
	return c, nil
}

func (c *jsonColumn) open(group *groupReader) error {
	for _, inner := range c.inner {
		if err := inner.open(group); err != nil {
			return err
		}
	}
	if c.leaf != nil {
		return c.leaf.open(group)
	}
	if c.keys != nil {
		if err := c.keys.open(group); err != nil {
			return err
		}
	}
	if c.values != nil {
		return c.values.open(group)
	}
	return nil
}

func (c *jsonColumn) load(rows int) error {
	for _, inner := range c.inner {
		if err := inner.load(rows); err != nil {
			return err
		}
	}
	if c.leaf != nil {
		return c.leaf.read(rows, &c.vector)
	}
	if c.keys != nil {
		if err := c.keys.next(rows); err != nil {
			return err
		}
	}
	if c.values != nil {
		return c.values.next(rows)
	}
	return nil
}

func (c *jsonColumn) read(rows int, to *columnar.Vector) error {
	if err := c.load(rows); err != nil {
		return err
	}
	*to = columnar.Vector{Kind: columnar.KindJSON, Null: to.Null[:0], Text: to.Text.Emptied()}
	for row := range rows {
		var err error
		if c.text, err = c.append(c.text[:0], row); err != nil {
			return err
		}
		if len(to.Text.Wire)+len(c.text) > maxPageBytes {
			return fmt.Errorf("column %s: %d rows have more than %d bytes", c.node.name, rows, maxPageBytes)
		}
		to.Null = append(to.Null, len(c.text) == 0)
		to.Text.Append(c.text)
	}
	return nil
}

// append writes a row's value, or nothing where it is null.
func (c *jsonColumn) append(text []byte, row int) ([]byte, error) {
	if c.leaf != nil {
		if c.vector.IsNull(row) {
			return text, nil
		}
		return c.vector.AppendJSON(text, row), nil
	}
	start := len(text)
	brackets := "{}"
	if c.node.form == formList {
		brackets = "[]"
	}
	text = append(text, brackets[0])
	first := len(text)
	for _, inner := range c.inner {
		before := len(text)
		text = append(columnar.AppendJSONString(text, []byte(inner.node.name)), ':')
		empty := len(text)
		var err error
		if text, err = inner.append(text, row); err != nil {
			return nil, err
		}
		if len(text) == empty {
			text = text[:before]
			continue
		}
		text = append(text, ',')
	}
	if c.values != nil {
		from, to := c.values.offsets[row], c.values.offsets[row+1]
		if c.keys != nil && c.keys.offsets[row+1]-c.keys.offsets[row] != to-from {
			return nil, fmt.Errorf("column %s: %w", c.values.name, errPage)
		}
		for at := from; at < to; at++ {
			if c.keys != nil {
				text = append(c.keys.vector.AppendJSON(text, c.keys.offsets[row]+at-from), ':')
			}
			text = append(c.values.vector.AppendJSON(text, at), ',')
		}
	}
	if len(text) == first {
		return text[:start], nil
	}
	text[len(text)-1] = brackets[1]
	return text, nil
}
