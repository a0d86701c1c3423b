package parquet

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// A Parquet file's footer is read here and not by a library: a library refuses the whole file for a type that it does
// not know in a column that nobody looks for.

// The repetition types.
const (
	repetitionOptional = 1
	repetitionRepeated = 2
)

// schemaElement is a field of the schema as the footer has it: a leaf, or a group and how many children follow it.
type schemaElement struct {
	name       string
	physical   int64 // -1 where it has none: a group
	width      int64 // of fixed-length bytes
	repetition int64
	children   int64
	converted  int64 // the old annotation; -1 where it has none
	scale      int64
	logical    logicalType
}

// logicalType is the annotation. Its kind is the number of the union's field, 0 where there is none.
type logicalType struct {
	kind  int16
	scale int64 // of a decimal
	utc   bool  // of a timestamp
	unit  int16 // of a timestamp: 1 for milliseconds, 2 for micro, 3 for nano
	sign  bool  // of an integer
}

// The logical types that mean something here.
const (
	logicalMap       = 2
	logicalList      = 3
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
	logicalUUID      = 14
	logicalFloat16   = 15
	logicalVariant   = 16
	// logicalLast is the last that is defined so far (GEOGRAPHY).
	logicalLast = 18
	// logicalInterval stands for what only an old annotation says.
	logicalInterval = -1
)

// logicalNames are for people.
var logicalNames = map[int16]string{
	logicalTime: "TIME", logicalFloat16: "FLOAT16", logicalVariant: "VARIANT", 17: "GEOMETRY", 18: "GEOGRAPHY",
	logicalInterval: "INTERVAL",
}

// annotation is the logical type, or what the old annotation says.
func (e *schemaElement) annotation() logicalType {
	if e.logical.kind != 0 {
		return e.logical
	}
	switch e.converted {
	case 1, 2: // MAP, and what some write for it
		return logicalType{kind: logicalMap}
	case 3:
		return logicalType{kind: logicalList}
	case 5:
		return logicalType{kind: logicalDecimal, scale: e.scale}
	case 6:
		return logicalType{kind: logicalDate}
	case 7, 8:
		return logicalType{kind: logicalTime}
	case 9, 10:
		return logicalType{kind: logicalTimestamp, utc: true, unit: int16(e.converted) - 8}
	case 11, 12, 13, 14:
		return logicalType{kind: logicalInteger}
	case 15, 16, 17, 18:
		return logicalType{kind: logicalInteger, sign: true}
	case 21:
		return logicalType{kind: logicalInterval}
	}
	return logicalType{}
}

// fileFooter is the footer.
type fileFooter struct {
	rows   int64
	schema []schemaElement
	groups []rowGroup
	end    int64 // of the values of all columns
}

// rowGroup has the chunks of the leaves that are looked for, by leaf.
type rowGroup struct {
	rows    int64
	columns int
	chunks  map[int]columnChunk
}

type columnChunk struct {
	start, dictionary int64 // of the first page with values, and of the dictionary where hasDictionary
	hasDictionary     bool
	size, unpacked    int64
	codec             int64
	elsewhere         bool // its values are in another file
	encrypted         bool
}

// begin is where the chunk's first page lies.
func (c *columnChunk) begin() int64 {
	if c.hasDictionary && c.dictionary > 0 && c.dictionary < c.start {
		return c.dictionary
	}
	return c.start
}

// parseFooter reads the footer once. find is called when the schema is known, and of the row groups only the chunks of
// the leaves that it wants are kept: the others take no memory.
func parseFooter(footer []byte, find func(schema []schemaElement) ([]*leaf, error)) (*fileFooter, error) {
	f := &fileFooter{}
	encrypted := false
	var wanted map[int]bool
	var notFound error
	t := thriftReader{r: bufio.NewReader(bytes.NewReader(footer)), left: int64(len(footer))}
	t.fields(func(id int16, of byte) bool {
		switch {
		case id == 2 && of == thriftList:
			size, of := t.list()
			if size > columnar.MaxSchemaColumns {
				t.fail(errSchema)
			}
			for ; size > 0 && t.err == nil && of == thriftStruct; size-- {
				f.schema = append(f.schema, t.schemaElement())
			}
		case id == 3 && of == thriftI64:
			f.rows = t.int()
		case id == 4 && of == thriftList:
			if wanted == nil && notFound == nil {
				wanted, notFound = wantedLeaves(find(f.schema)) // which stands before them
			}
			size, of := t.list()
			for ; size > 0 && t.err == nil && of == thriftStruct; size-- {
				f.groups = append(f.groups, t.rowGroup(wanted, &f.end))
			}
		case id == 8:
			encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	switch {
	case t.err != nil:
		return nil, fmt.Errorf("read Parquet footer: %w", t.err)
	case encrypted:
		return nil, errEncrypted
	case wanted == nil && notFound == nil:
		return nil, fmt.Errorf("read Parquet footer: %w", errThrift)
	}
	return f, notFound
}

func wantedLeaves(leaves []*leaf, err error) (map[int]bool, error) {
	if err != nil {
		return nil, err
	}
	wanted := map[int]bool{}
	for _, leaf := range leaves {
		if leaf.wanted {
			wanted[leaf.index] = true
		}
	}
	return wanted, nil
}

var errSchema = fmt.Errorf("the schema is deeper than %d or has more than %d columns",
	columnar.MaxSchemaDepth, columnar.MaxSchemaColumns)

func (t *thriftReader) schemaElement() schemaElement {
	e := schemaElement{physical: -1, converted: -1}
	numbers := map[int16]*int64{
		1: &e.physical, 2: &e.width, 3: &e.repetition, 5: &e.children, 6: &e.converted, 7: &e.scale,
	}
	t.fields(func(id int16, of byte) bool {
		switch {
		case id == 4 && of == thriftBinary:
			e.name = t.text()
		case id == 10 && of == thriftStruct:
			t.fields(func(id int16, of byte) bool {
				e.logical.kind = id
				if of != thriftStruct {
					return false
				}
				t.logicalType(&e.logical)
				return true
			})
		case numbers[id] != nil && of == thriftI32:
			*numbers[id] = t.int()
		default:
			return false
		}
		return true
	})
	return e
}

// logicalType reads what stands in the annotation's own struct.
func (t *thriftReader) logicalType(l *logicalType) {
	t.fields(func(id int16, of byte) bool {
		switch {
		case l.kind == logicalDecimal && id == 1 && of == thriftI32:
			l.scale = t.int()
		case l.kind == logicalTimestamp && id == 1:
			l.utc = of == thriftTrue
			return false
		case l.kind == logicalTimestamp && id == 2 && of == thriftStruct:
			t.fields(func(id int16, _ byte) bool {
				l.unit = id
				return false
			})
		case l.kind == logicalInteger && id == 2:
			l.sign = of == thriftTrue
			return false
		default:
			return false
		}
		return true
	})
}

// rowGroup reads a row group, of its chunks those of the leaves that are wanted, and moves end behind its values.
func (t *thriftReader) rowGroup(wanted map[int]bool, end *int64) rowGroup {
	g := rowGroup{chunks: make(map[int]columnChunk, len(wanted))}
	t.fields(func(id int16, of byte) bool {
		switch {
		case id == 1 && of == thriftList:
			size, of := t.list()
			for ; size > 0 && t.err == nil && of == thriftStruct; size-- {
				chunk := t.columnChunk()
				if *end = max(*end, chunk.begin()+chunk.size); wanted[g.columns] {
					g.chunks[g.columns] = chunk
				}
				g.columns++
			}
		case id == 3 && of == thriftI64:
			g.rows = t.int()
		default:
			return false
		}
		return true
	})
	return g
}

func (t *thriftReader) columnChunk() columnChunk {
	var c columnChunk
	t.fields(func(id int16, of byte) bool {
		switch {
		case id == 1 && of == thriftBinary:
			c.elsewhere = t.text() != ""
		case id == 3 && of == thriftStruct:
			t.fields(func(id int16, of byte) bool {
				number := c.number(id)
				if number == nil || (of != thriftI32 && of != thriftI64) {
					return false
				}
				*number = t.int()
				c.hasDictionary = c.hasDictionary || id == 11
				return true
			})
		case id == 8 || id == 9: // how it is encrypted, or its encrypted metadata
			c.encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	return c
}

// number is where a field of the chunk's metadata goes; nil for one that is not looked at.
func (c *columnChunk) number(id int16) *int64 {
	switch id {
	case 4:
		return &c.codec
	case 6:
		return &c.unpacked
	case 7:
		return &c.size
	case 9:
		return &c.start
	case 11:
		return &c.dictionary
	}
	return nil
}
