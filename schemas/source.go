package schemas

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// The formats a source may name.
const (
	FormatJSONL   = "jsonl"
	FormatCSV     = "csv"
	FormatParquet = "parquet"
	FormatArrow   = "arrow"
)

// How often a source is expected to have usage.
const (
	ExpectHourly = "hourly"
	ExpectDaily  = "daily"
)

// Which row counts where an event_id comes more than once, in a file and across loads.
const (
	KeepFirst   = "first"
	KeepLast    = "last"
	KeepLargest = "largest"
)

// Source says how one kind of log file becomes events.
type Source struct {
	// ID names the source; (source, event_id) identifies an event.
	ID string
	// Extends is the source whose fields this one started from; empty if none.
	Extends string
	// Canonical tells that the source is `creditmill` or extends it, near or far: its columns are the program's words.
	Canonical bool
	// Format is one of the Format constants; empty lets the loader decide by the file's name and content.
	Format string
	// Fields says where each field of an event is found.
	Fields Fields
	// Timezone reads times that carry no offset; nil if the source declares none.
	Timezone *time.Location
	// Includes are what counts hold besides, and is subtracted from them; a count that others include stands behind these.
	Includes []Include
	// Rows is the path of the lists whose elements are the rows; paths begin at the element then. Empty where a line is
	// a row.
	Rows []string
	// Within is where in the line the lists of Rows lie. Paths begin with it too, for a line that has no such list.
	Within []string
	// Require are conditions that every row is to meet; a row that does not is a reject.
	Require []Condition
	// Skip are sets of conditions; a row that meets all of any one set is left out on purpose. In them a condition without
	// values does not hold for false.
	Skip [][]Condition
	// Expect is how often the source has usage: ExpectHourly, ExpectDaily, or empty where nothing is expected.
	Expect string
	// Keep is one of the Keep constants; empty means KeepFirst.
	Keep string
	// NullWords are texts of CSV and of columns that are no value.
	NullWords []string
	// CSV applies to the format csv alone.
	CSV CSV
}

// Include says that the count of a unit holds other units as well, which are subtracted from it.
type Include struct {
	Unit  string
	Units []string
	// Unless are conditions under which nothing is subtracted.
	Unless []Condition
}

// Included are the units that a unit's count holds as well.
func (s Source) Included(unit string) []string {
	for _, include := range s.Includes {
		if include.Unit == unit {
			return include.Units
		}
	}
	return nil
}

// CSV is the dialect of a csv source.
type CSV struct {
	// Delimiter separates fields; 0 means a comma.
	Delimiter rune
}

// Fields says where each field of an event is found. A Field of kind FieldNone is not in the log.
type Fields struct {
	EventID, OccurredAt, CustomerID, Model, Feature, Properties Field
	// Units are where quantities are found, in the order of CompareUnits, no unit twice.
	Units []UnitField
	// AllUnits is an object of quantities by unit, whose units nobody declares.
	AllUnits Field
	// Dimensions are where dimensions are found, in the order of their names.
	Dimensions []DimensionField
	// AllDimensions is an object of values by dimension, whose names nobody declares.
	AllDimensions Field
}

// DimensionField is where the value of a dimension is found.
type DimensionField struct {
	Name string
	Field
	// Optional says that a file of columns may be without it, as those that a built-in source looks for may.
	Optional bool
}

// SetDimension says where a dimension is found. It leaves copies of f as they are.
func (f *Fields) SetDimension(name string, field Field) {
	i, found := slices.BinarySearchFunc(f.Dimensions, name, func(d DimensionField, name string) int {
		return strings.Compare(d.Name, name)
	})
	f.Dimensions = slices.Clone(f.Dimensions)
	if found {
		f.Dimensions[i] = DimensionField{Name: name, Field: field}
		return
	}
	f.Dimensions = slices.Insert(f.Dimensions, i, DimensionField{Name: name, Field: field})
}

// UnitField is where the quantity of a unit is found.
type UnitField struct {
	Unit string
	Field
}

// Unit is where a unit is found; the zero Field if it is not in the log.
func (f Fields) Unit(unit string) Field {
	if i, found := f.findUnit(unit); found {
		return f.Units[i].Field
	}
	return Field{}
}

// SetUnit says where a unit is found. It leaves copies of f as they are.
func (f *Fields) SetUnit(unit string, field Field) {
	i, found := f.findUnit(unit)
	f.Units = slices.Clone(f.Units)
	if found {
		f.Units[i].Field = field
		return
	}
	f.Units = slices.Insert(f.Units, i, UnitField{unit, field})
}

func (f Fields) findUnit(unit string) (int, bool) {
	return slices.BinarySearchFunc(f.Units, unit, func(u UnitField, unit string) int { return CompareUnits(u.Unit, unit) })
}

// FieldKind is how a Field gets its value.
type FieldKind int

// The kinds of field.
const (
	// FieldNone: the log does not have it.
	FieldNone FieldKind = iota
	// FieldPath: the value at Path. In CSV, Parquet and Arrow the path's text is tried as a column's name first.
	FieldPath
	// FieldRow: a hash of the rows from the first of the log to this one; only event_id may use it.
	FieldRow
	// FieldHash: a hash of the values at the paths in Hash; only event_id may use it.
	FieldHash
	// FieldConst: Const.
	FieldConst
	// FieldSum: the values at the paths of Sum together; only quantities may use it.
	FieldSum
	// FieldJoin: the texts at the paths of Join, one behind the other; there is none where one of them is missing.
	FieldJoin
	// FieldFile: what the group of the pattern Text matches in the file's name, the same for every row. Text with a slash
	// is matched with the whole path.
	FieldFile
	// FieldHive: the value of the folder NAME=value in the file's path, whose name is Text; the same for every row.
	FieldHive
)

// The layouts of time that have a name; any other Layout is one of Go's.
const (
	LayoutRFC3339 = "rfc3339"
	LayoutUnix    = "unix"
	LayoutUnixMS  = "unix_ms"
	LayoutUnixUS  = "unix_us"
	LayoutUnixNS  = "unix_ns"
)

// Field is where one field of an event is found, compiled for a loader.
type Field struct {
	Kind FieldKind
	// Path is the steps to follow, outermost first: keys, and what ElementOf and Outward tell. Set for FieldPath.
	Path []string
	// Sum are the paths of a FieldSum.
	Sum []Field
	// Join are the paths of a FieldJoin, and With stands between their values.
	Join []Field
	With string
	// Text is the path as it was written, without its quotes if it is a single quoted segment: the name of a CSV column.
	Text string
	// Const is the value of a FieldConst.
	Const string
	// Count are values of the elements of a list, as text: the quantity is how many elements have one of them.
	Count []string
	// Hash holds the paths of a FieldHash, in the order given.
	Hash [][]string
	// Layout reads occurred_at: a Layout constant or a Go layout. Set for occurred_at alone, rfc3339 unless declared.
	Layout string
	// Location reads times without an offset; the source's Timezone unless the field has its own; nil if neither has.
	Location *time.Location
	// After is the time that the value is counted from, of which Places places make nanoseconds; nil if the value is a
	// time itself. Only occurred_at may use it.
	After  *Field
	Places int
	// When are conditions without which this field has no value, as if it were not in the log. Quantities have them.
	When []Condition
	// Map turns the value into a customer's id; nil if it is one. Only customer_id may use it.
	Map *CustomerMap
	// Scale multiplies a quantity; nil if it is taken as it is.
	Scale *decimal.Decimal
	// Replace holds texts by those of the log that they stand for; others are taken as they are.
	Replace map[string]string
	// Or are tried in order where this field has no value: it is missing, null, empty, or its conditions do not hold.
	// Each is a path, a sum or a join, and the last may be the same for every row. None of them has an Or itself.
	Or []Field
}

// InRow tells that the value is looked for in the row.
func (f *Field) InRow() bool { return f.Kind == FieldPath || f.Kind == FieldSum || f.Kind == FieldJoin }

// Options returns the field and its alternatives, in the order in which they are tried.
func (f Field) Options() []Field { return append([]Field{f}, f.Or...) }

// Condition is something that a row's value at a path is to meet.
type Condition struct {
	// Path and Text are as those of a Field.
	Path []string
	Text string
	// Values are those the value may have, as text, an empty one for a value that is missing; with none it must be there
	// and not empty.
	Values []string
	// Truth tells that with no values false does not do either.
	Truth bool
}

// SourceByID returns the source of an id.
func SourceByID(sources []Source, id string) (Source, bool) {
	for _, source := range sources {
		if source.ID == id {
			return source, true
		}
	}
	return Source{}, false
}

// canonicalSource is `creditmill`: the row that EventSchema describes. Its format is the file's own.
func canonicalSource() Source {
	path := func(key string) Field { return Field{Kind: FieldPath, Path: []string{key}, Text: key} }
	source := Source{ID: "creditmill", Canonical: true, Fields: Fields{
		EventID:    path("event_id"),
		OccurredAt: path("occurred_at"),
		CustomerID: path("customer_id"),
		Model:      path("model"),
		Feature:    path("feature"),
		Properties: path("properties"),
		AllUnits:   path("units"),

		AllDimensions: path("dimensions"),
	}}
	source.Fields.OccurredAt.Layout = LayoutRFC3339
	for _, unit := range append(ColumnUnits(), UnitQuantity) {
		source.Fields.SetUnit(unit, path(UnitColumn(unit)))
	}
	return source
}
