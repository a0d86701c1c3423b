package event

import (
	"bytes"
	"strconv"
	"time"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// rawNode is one level of the JSON object that a rejected row of columns is kept as: fixed, it can be loaded as a row
// of JSON Lines by the same source.
type rawNode struct {
	key    string
	column int // -1 where only inner levels are known
	inner  []*rawNode
}

func newRawTree(columns []WantedColumn) *rawNode {
	root := &rawNode{column: -1}
	for i, column := range columns {
		node := root
		for _, key := range column.Path {
			node = node.child(key)
		}
		node.column = i
	}
	return root
}

func (n *rawNode) child(key string) *rawNode {
	for _, inner := range n.inner {
		if inner.key == key {
			return inner
		}
	}
	inner := &rawNode{key: key, column: -1}
	n.inner = append(n.inner, inner)
	return inner
}

// appendRaw writes a row as JSON.
func (d *ColumnDecoder) appendRaw(raw []byte, node *rawNode, vectors []columnar.Vector, row int) []byte {
	if node.column >= 0 && (len(node.inner) == 0 || !vectors[node.column].IsNull(row)) {
		return d.appendRawValue(raw, node.column, vectors, row)
	}
	raw = append(raw, '{')
	for i, inner := range node.inner {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(columnar.AppendJSONString(raw, []byte(inner.key)), ':')
		raw = d.appendRaw(raw, inner, vectors, row)
	}
	return append(raw, '}')
}

func (d *ColumnDecoder) appendRawValue(raw []byte, column int, vectors []columnar.Vector, row int) []byte {
	v := &vectors[column]
	if v.Kind == columnar.KindTime && !v.IsNull(row) {
		if field := d.timeOf(column); field != nil {
			return d.appendRawTime(raw, field, v, row)
		}
	}
	found := d.value(v, row)
	switch {
	case found.Kind == KindNull:
		return append(raw, "null"...)
	case found.Kind == KindString && column == d.at[TargetProperties] && isContainer(found.Bytes):
		return append(raw, found.Bytes...)
	case found.Kind == KindString, found.Kind == KindInstant:
		return columnar.AppendJSONString(raw, found.Bytes)
	}
	return append(raw, found.Bytes...)
}

// timeOf returns the field that reads a column as a time; nil if none does.
func (d *ColumnDecoder) timeOf(column int) *schemas.Field {
	for _, base := range d.assembler.bases {
		if base.from > 0 && d.at[base.from] == column {
			return base.of.After
		}
	}
	if column == d.at[TargetOccurredAt] {
		return d.assembler.occurredAt
	}
	return nil
}

// appendRawTime writes a typed time so that the source's layout reads it.
func (d *ColumnDecoder) appendRawTime(raw []byte, field *schemas.Field, v *columnar.Vector, row int) []byte {
	instant := v.Instant(row)
	unix := func(scale int) []byte {
		text := []byte(strconv.FormatInt(instant.Unix(), 10))
		if instant.Nanosecond() == 0 && scale == 0 {
			return text
		}
		digits := strconv.FormatInt(int64(time.Second)+int64(instant.Nanosecond()), 10)[1:]
		text = append(text, digits[:scale]...)
		if rest := bytes.TrimRight([]byte(digits[scale:]), "0"); len(rest) > 0 {
			text = append(append(text, '.'), rest...)
		}
		return text
	}
	switch field.Layout {
	case schemas.LayoutUnix:
		return append(raw, unix(0)...)
	case schemas.LayoutUnixMS:
		return append(raw, unix(3)...)
	case schemas.LayoutUnixUS:
		return append(raw, unix(6)...)
	case schemas.LayoutUnixNS:
		return append(raw, unix(9)...)
	case schemas.LayoutRFC3339, "":
		return columnar.AppendJSONString(raw, d.value(v, row).Bytes)
	}
	return columnar.AppendJSONString(raw, instant.AppendFormat(nil, field.Layout))
}
