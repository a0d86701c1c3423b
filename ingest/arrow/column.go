package arrow

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// columnReader is one column of an Arrow file as it was asked for.
type columnReader interface {
	// open goes on to a record.
	open(record arrow.Record) error
	// read reads rows of the record into the vector, whose memory it uses.
	read(from, rows int, to *columnar.Vector) error
}

// pathReader follows a path down structs to a field, and there maybe into a map.
type pathReader struct {
	name   string
	steps  []int // of a record and then of structs
	key    *string
	below  []int         // of the structs that the map holds
	outer  []arrow.Array // structs on the way, whose nulls are the field's
	field  arrow.Array
	keys   *cellReader // of the map
	values arrow.Array // of the map, above below
	uuid   bool
}

// find returns the column at a path; nil if there is none. The path's text is tried as a column's name first.
func find(fields []arrow.Field, path []string, text string) (columnReader, error) {
	column := &pathReader{name: text}
	at, err := fieldNamed(fields, text)
	if err != nil {
		return nil, err
	}
	if at >= 0 {
		column.steps, column.uuid = []int{at}, isUUID(fields[at])
		return column, readable(fields[at].Type)
	}
	if len(path) == 0 {
		return nil, nil
	}
	var reached arrow.DataType
	for i, key := range path {
		if i > 0 {
			switch group := plainType(reached).(type) {
			case *arrow.StructType:
				fields = group.Fields()
			case *arrow.MapType:
				return column, column.into(group, path[i:])
			case arrow.ListLikeType:
				return nil, fmt.Errorf("%s is a list, and a path cannot go into one", path[i-1])
			default:
				return nil, nil
			}
		}
		if at, err = fieldNamed(fields, key); at < 0 || err != nil {
			return nil, err
		}
		column.steps = append(column.steps, at)
		reached, column.uuid = fields[at].Type, isUUID(fields[at])
	}
	return column, readable(reached)
}

// isUUID tells a field of Arrow's canonical extension type, which the library hands over as the bytes it is made of.
func isUUID(field arrow.Field) bool {
	name, ok := field.Metadata.GetValue("ARROW:extension:name")
	return ok && name == "arrow.uuid"
}

func fieldNamed(fields []arrow.Field, name string) (found int, err error) {
	found = -1
	for i, field := range fields {
		if field.Name != name {
			continue
		}
		if found >= 0 {
			return -1, fmt.Errorf("a column %s is repeated", name)
		}
		found = i
	}
	return found, nil
}

// into makes the rest of a path a look into a map.
func (p *pathReader) into(group *arrow.MapType, path []string) error {
	if !isText(group.KeyType()) {
		return fmt.Errorf("it is a map whose keys are not texts, which is not supported")
	}
	p.key = &path[0]
	reached := group.ItemType()
	for _, key := range path[1:] {
		inner, ok := plainType(reached).(*arrow.StructType)
		if !ok {
			return fmt.Errorf("it is a map of a kind that is not read: of texts to single values or structs")
		}
		at, err := fieldNamed(inner.Fields(), key)
		if err == nil && at < 0 {
			err = fmt.Errorf("the map's values have no field %s", key)
		}
		if err != nil {
			return err
		}
		p.below = append(p.below, at)
		reached = inner.Field(at).Type
	}
	return readable(reached)
}

func isText(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW,
		arrow.FIXED_SIZE_BINARY:
		return true
	}
	return false
}

// plainType takes extensions away.
func plainType(t arrow.DataType) arrow.DataType {
	if extension, ok := t.(arrow.ExtensionType); ok {
		return extension.StorageType()
	}
	return t
}

// readable tells which types can be read, so that a file is refused before its first row.
func readable(t arrow.DataType) error {
	switch t := plainType(t).(type) {
	case *arrow.DictionaryType:
		return readable(t.ValueType)
	case *arrow.StructType:
		for _, field := range t.Fields() {
			if err := readable(field.Type); err != nil {
				return err
			}
		}
		return nil
	case *arrow.MapType:
		if !isText(t.KeyType()) {
			return fmt.Errorf("it is a map whose keys are not texts, which is not supported")
		}
		return readable(t.ItemType())
	case arrow.ListLikeType:
		return readable(t.Elem())
	default:
		switch t.ID() {
		case arrow.NULL, arrow.BOOL, arrow.UINT8, arrow.INT8, arrow.UINT16, arrow.INT16, arrow.UINT32, arrow.INT32,
			arrow.UINT64, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP,
			arrow.DECIMAL128, arrow.DECIMAL256:
			return nil
		case arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME: // see adapt
			return errors.New("it is a decimal of 32 or 64 bits, or an interval, which are not read: " +
				"write it as decimal128, int64 or text")
		}
		if isText(t) {
			return nil
		}
	}
	return fmt.Errorf("values of the type %s are not read: write it as text, int64 or timestamp", t)
}

func (p *pathReader) open(record arrow.Record) error {
	p.outer = p.outer[:0]
	p.field = record.Column(p.steps[0])
	for _, step := range p.steps[1:] {
		group, ok := storage(p.field).(*array.Struct)
		if !ok {
			return fmt.Errorf("column %s is not what the schema says", p.name)
		}
		p.outer = append(p.outer, p.field)
		p.field = group.Field(step)
	}
	if p.field = storage(p.field); p.key == nil {
		return nil
	}
	group, ok := p.field.(*array.Map)
	if !ok {
		return fmt.Errorf("column %s is not what the schema says", p.name)
	}
	p.keys, p.values = newCellReader(storage(group.Keys())), storage(group.Items())
	return nil
}

// storage takes extensions away.
func storage(a arrow.Array) arrow.Array {
	if extension, ok := a.(array.ExtensionArray); ok {
		return extension.Storage()
	}
	return a
}

func (p *pathReader) read(from, rows int, to *columnar.Vector) error {
	v := &columnar.Vector{Null: to.Null[:0], Text: to.Text.Emptied(), Number: to.Number[:0]}
	reader := newCellReader(p.field)
	if p.key != nil {
		below := p.values
		for _, step := range p.below {
			below = storage(below.(*array.Struct).Field(step))
		}
		reader = newCellReader(below)
	}
	v.Kind, v.Tick, v.Local = reader.kind, reader.tick, reader.local
	nulls := false
	for row := from; row < from+rows; row++ {
		at, present := row, true
		for _, outer := range p.outer {
			present = present && !outer.IsNull(row)
		}
		if present && p.key != nil {
			at, present = p.lookup(row)
		}
		present = present && !reader.isNull(at)
		nulls = nulls || !present
		if err := v.Text.Fits(); err != nil {
			return fmt.Errorf("column %s: %w", p.name, err)
		}
		v.Null = append(v.Null, !present)
		reader.append(v, at, present)
	}
	if !nulls {
		v.Null = v.Null[:0]
	}
	if p.uuid {
		v.Text = columnar.UUIDTexts(&v.Text)
	}
	*to = *v
	return nil
}

// lookup finds the row's entry with the key.
func (p *pathReader) lookup(row int) (at int, found bool) {
	group := p.field.(*array.Map)
	if group.IsNull(row) {
		return 0, false
	}
	from, to := group.ValueOffsets(row)
	for i := from; i < to; i++ {
		if string(p.keys.bytes(int(i))) != *p.key {
			continue
		}
		below := p.values
		for _, step := range p.below {
			if below.IsNull(int(i)) {
				return 0, false
			}
			below = storage(below.(*array.Struct).Field(step))
		}
		return int(i), true
	}
	return 0, false
}

// cellReader reads the values of one array, whatever its type.
type cellReader struct {
	kind   columnar.Kind
	tick   int64
	local  bool
	isNull func(row int) bool
	number func(row int) int64
	bytes  func(row int) []byte
}

func (c *cellReader) append(to *columnar.Vector, row int, present bool) {
	switch {
	case c.number != nil && present:
		to.Number = append(to.Number, c.number(row))
	case c.number != nil:
		to.Number = append(to.Number, 0)
	case present:
		to.Text.Append(c.bytes(row))
	default:
		to.Text.Append(nil)
	}
}

// newCellReader looks at the array's type once, so that reading a value is one call. Long because Arrow has many types.
func newCellReader(a arrow.Array) *cellReader {
	c := &cellReader{kind: columnar.KindInt, isNull: a.IsNull}
	switch a := a.(type) {
	case *array.Null:
		c.isNull = func(int) bool { return true }
		c.number = func(int) int64 { return 0 }
	case *array.Boolean:
		c.kind = columnar.KindBool
		c.number = func(row int) int64 {
			if a.Value(row) {
				return 1
			}
			return 0
		}
	case *array.Int8:
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Int16:
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Int32:
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Int64:
		c.number = a.Value
	case *array.Uint8:
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Uint16:
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Uint32:
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Uint64:
		c.kind = columnar.KindUint
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Float32:
		c.kind = columnar.KindFloat
		c.number = func(row int) int64 { return int64(math.Float64bits(float64(a.Value(row)))) }
	case *array.Float64:
		c.kind = columnar.KindFloat
		c.number = func(row int) int64 { return int64(math.Float64bits(a.Value(row))) }
	case *array.Date32:
		c.kind = columnar.KindDate
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Date64:
		c.kind, c.tick = columnar.KindTime, int64(time.Millisecond)
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Timestamp:
		of := a.DataType().(*arrow.TimestampType)
		c.kind, c.tick, c.local = columnar.KindTime, int64(of.Unit.Multiplier()), of.TimeZone == ""
		c.number = func(row int) int64 { return int64(a.Value(row)) }
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		c.decimal(scale, func(row int) *big.Int { return a.Value(row).BigInt() })
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale
		c.decimal(scale, func(row int) *big.Int { return a.Value(row).BigInt() })
	case *array.Dictionary:
		c = newCellReader(storage(a.Dictionary()))
		isNull, number, text := c.isNull, c.number, c.bytes
		c.isNull = func(row int) bool { return a.IsNull(row) || isNull(a.GetValueIndex(row)) }
		if number != nil {
			c.number = func(row int) int64 { return number(a.GetValueIndex(row)) }
		} else {
			c.bytes = func(row int) []byte { return text(a.GetValueIndex(row)) }
		}
	default:
		c.readTexts(a)
	}
	return c
}

func (c *cellReader) decimal(scale int32, value func(int) *big.Int) {
	c.kind = columnar.KindNumber
	c.bytes = func(row int) []byte { return columnar.AppendDecimal(nil, value(row), scale) }
}
