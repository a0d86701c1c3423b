package event

import (
	"fmt"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// WantedColumn is a column that a source looks for, and the values it gives.
type WantedColumn struct {
	columnar.Name
	targets []Target
	needs   []int // by target, see wanted
}

// ColumnSearch is the search for a source's columns in a file.
type ColumnSearch struct {
	source  schemas.Source
	mapping *mapping
	columns []WantedColumn // each path once
}

// NewColumnSearch is a search that has not seen the file's columns yet.
func NewColumnSearch(source schemas.Source) *ColumnSearch { return &ColumnSearch{source: source} }

// Columns are the columns of a file that were found, and the source that reads them.
type Columns struct {
	source schemas.Source
	List   []WantedColumn
}

// WithOwnColumns is the source that also looks for the columns that hold a unit or a dimension each, as units.searches
// and dimensions.tier do, where it looks for those.
func WithOwnColumns(source schemas.Source, columns []string) (schemas.Source, error) {
	source, err := withDimensionColumns(source, columns)
	if err != nil {
		return source, err
	}
	all := source.Fields.AllUnits
	if all.Kind != schemas.FieldPath {
		return source, nil
	}
	for _, column := range columns {
		unit, found := strings.CutPrefix(column, all.Text+".")
		switch {
		case !found:
		case !schemas.IsUnit(unit):
			return source, fmt.Errorf("column %q: %q is no unit: want %s", column, unit, unitNames)
		case unit == schemas.UnitRequests:
			return source, fmt.Errorf("column %q: %q%s", column, unit, requestsGiven)
		case source.Fields.Unit(unit).Kind != schemas.FieldNone:
			return source, fmt.Errorf("column %q: source %s finds %s elsewhere", column, source.ID, unit)
		default:
			path := append(slices.Clone(all.Path), unit)
			source.Fields.SetUnit(unit, schemas.Field{Kind: schemas.FieldPath, Path: path, Text: column})
		}
	}
	return source, nil
}

// Names are what a file's reader is to look for, by the names of its columns.
func (s *ColumnSearch) Names(columns []string) ([]columnar.Name, error) {
	var err error
	if s.source, err = WithOwnColumns(s.source, columns); err != nil {
		return nil, err
	}
	if s.mapping, err = NewMapping(s.source); err != nil {
		return nil, err
	}
	for _, w := range s.mapping.Wanted {
		at := slices.IndexFunc(s.columns, func(c WantedColumn) bool { return slices.Equal(c.Path, w.Path) })
		if at < 0 {
			at = len(s.columns)
			s.columns = append(s.columns, WantedColumn{Name: columnar.Name{Path: w.Path, Text: w.Text}})
		}
		s.columns[at].targets = append(s.columns[at].targets, w.Target)
		s.columns[at].needs = append(s.columns[at].needs, w.Need)
	}
	names := make([]columnar.Name, len(s.columns))
	for i, column := range s.columns {
		names[i] = column.Name
	}
	return names, nil
}

// Present returns the columns whose names were found; a needed one that is missing refuses the file, by the rule of CSV
// headers.
func (s *ColumnSearch) Present(found []bool) (*Columns, error) {
	there := map[int]bool{}
	present := &Columns{source: s.source}
	for i, column := range s.columns {
		if !found[i] {
			continue
		}
		present.List = append(present.List, column)
		for _, need := range column.needs {
			there[need] = true
		}
	}
	return present, s.mapping.Complete(s.source, there)
}

// Complete returns an error if a column is missing, knowing which of them are there. Of alternatives one is enough,
// and of the canonical source, whose token columns are the program's and not the user's words, one token column.
func (m *mapping) Complete(source schemas.Source, there map[int]bool) error {
	var tokens, model, feature bool
	var absent []string
	last := 0
	for _, wanted := range m.Wanted {
		counts := m.isUnit(wanted.Target) || wanted.Target == TargetAllUnits
		dimension := wanted.Target == TargetAllDimensions || m.isDimension(wanted.Field, false)
		tokens = tokens || counts && there[wanted.Need]
		model = model || wanted.Target == TargetModel && there[wanted.Need]
		feature = feature || wanted.Target == TargetFeature && there[wanted.Need]
		optional := source.Canonical && (counts || dimension || wanted.Target == TargetProperties ||
			wanted.Target == TargetFeature || wanted.Target == TargetModel) &&
			wanted.Text == m.name(wanted.Target) || // not one that the user named
			m.isDimension(wanted.Field, true)
		switch {
		case there[wanted.Need] || optional:
		case wanted.Need == last:
			absent[len(absent)-1] += " or " + wanted.Text
		default:
			absent = append(absent, wanted.Text)
		}
		last = wanted.Need
	}
	if source.Canonical && !model && !feature && source.Fields.Model.Kind == schemas.FieldPath {
		absent = append(absent, TargetModel.String())
	}
	if source.Canonical && !tokens && !feature {
		absent = append(absent, schemas.UnitColumn(schemas.UnitInput)+" (or another column of tokens)")
	}
	if len(absent) > 0 {
		return fmt.Errorf("column %s is missing; source %s needs it", strings.Join(absent, ", "), source.ID)
	}
	return nil
}

// NullWords are the texts that are no value; nil unless the source has any.
func NullWords(source schemas.Source) map[string]bool {
	if len(source.NullWords) == 0 {
		return nil
	}
	words := make(map[string]bool, len(source.NullWords))
	for _, word := range source.NullWords {
		words[word] = true
	}
	return words
}
