package ingest

import "fmt"

// leafColumn is a column that is one leaf.
type leafColumn struct{ chunkReader }

func (c *leafColumn) open(group *parquetGroup) error {
	if err := group.openChunk(&c.chunkReader); err != nil {
		return fmt.Errorf("column %s: %w", c.name, err)
	}
	return nil
}

func (c *leafColumn) read(rows int, to *vector) error {
	stored := dense{text: to.text.emptied(), number: to.number[:0], codes: to.codes[:0]}
	absent, err := c.readRows(rows, &stored, to.null[:0])
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
	vector vector // of the elements
}

func elementsColumn(n *parquetNode, u *unpacker) *elementColumn {
	return &elementColumn{chunkReader: n.leaf.reader(u)}
}

func (c *elementColumn) open(group *parquetGroup) error {
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
	c.text, c.number = c.vector.text, c.vector.number
	return nil
}

// lookupColumn is the value that a map has for one key.
type lookupColumn struct {
	key          string
	keys, values *elementColumn
}

func (c *lookupColumn) open(group *parquetGroup) error {
	if err := c.keys.open(group); err != nil {
		return err
	}
	return c.values.open(group)
}

func (c *lookupColumn) read(rows int, to *vector) error {
	if err := c.keys.next(rows); err != nil {
		return err
	}
	if err := c.values.next(rows); err != nil {
		return err
	}
	from := &c.values.vector
	v := vector{
		kind: from.kind, tick: from.tick, local: from.local,
		null: to.null[:0], text: to.text.emptied(), number: to.number[:0],
	}
	for row := range rows {
		found := -1
		for at := c.keys.offsets[row]; at < c.keys.offsets[row+1]; at++ {
			if !c.keys.vector.isNull(at) && string(c.keys.vector.text.at(at)) == c.key {
				found = at - c.keys.offsets[row] + c.values.offsets[row]
				break
			}
		}
		if found >= c.values.offsets[row+1] {
			return fmt.Errorf("column %s: %w", c.values.name, errPage)
		}
		v.null = append(v.null, found < 0 || from.isNull(found))
		present := !v.null[row]
		switch {
		case from.text.len() > 0 && present:
			v.text.append(from.text.at(found))
		case from.text.len() > 0:
			v.text.append(nil)
		case present:
			v.number = append(v.number, from.number[found])
		default:
			v.number = append(v.number, 0)
		}
	}
	*to = v
	return nil
}

// jsonColumn is a group as JSON. Nulls are left out; a group of nothing but nulls is null.
type jsonColumn struct {
	node   *parquetNode
	inner  []*jsonColumn
	leaf   *leafColumn // of a leaf that is not repeated
	vector vector
	keys   *elementColumn // of a map
	values *elementColumn // of a map or a list
	text   []byte         // scratch
}

// json makes the column of a group.
func (n *parquetNode) json(u *unpacker) (*jsonColumn, error) {
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

func (c *jsonColumn) open(group *parquetGroup) error {
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

func (c *jsonColumn) read(rows int, to *vector) error {
	if err := c.load(rows); err != nil {
		return err
	}
	*to = vector{kind: vectorJSON, null: to.null[:0], text: to.text.emptied()}
	for row := range rows {
		var err error
		if c.text, err = c.append(c.text[:0], row); err != nil {
			return err
		}
		if len(to.text.wire)+len(c.text) > maxPageBytes {
			return fmt.Errorf("column %s: %d rows have more than %d bytes", c.node.name, rows, maxPageBytes)
		}
		to.null = append(to.null, len(c.text) == 0)
		to.text.append(c.text)
	}
	return nil
}

// append writes a row's value, or nothing where it is null.
func (c *jsonColumn) append(text []byte, row int) ([]byte, error) {
	if c.leaf != nil {
		if c.vector.isNull(row) {
			return text, nil
		}
		return c.vector.appendJSON(text, row), nil
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
		text = append(appendJSONString(text, []byte(inner.node.name)), ':')
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
				text = append(c.keys.vector.appendJSON(text, c.keys.offsets[row]+at-from), ':')
			}
			text = append(c.values.vector.appendJSON(text, at), ',')
		}
	}
	if len(text) == first {
		return text[:start], nil
	}
	text[len(text)-1] = brackets[1]
	return text, nil
}
