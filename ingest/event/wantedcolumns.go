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

// NewColumnSearch lays out what the source looks for.
func NewColumnSearch(source schemas.Source) (*ColumnSearch, error) {
	mapping, err := NewMapping(source)
	if err != nil {
		return nil, err
	}
	s := &ColumnSearch{source: source, mapping: mapping}
	for _, w := range mapping.Wanted {
		at := slices.IndexFunc(s.columns, func(c WantedColumn) bool { return slices.Equal(c.Path, w.Path) })
		if at < 0 {
			at = len(s.columns)
			s.columns = append(s.columns, WantedColumn{Name: columnar.Name{Path: w.Path, Text: w.Text}})
		}
		s.columns[at].targets = append(s.columns[at].targets, w.Target)
		s.columns[at].needs = append(s.columns[at].needs, w.Need)
	}
	return s, nil
}

// Names are what a file's reader is to look for.
func (s *ColumnSearch) Names() []columnar.Name {
	names := make([]columnar.Name, len(s.columns))
	for i, column := range s.columns {
		names[i] = column.Name
	}
	return names
}

// Present returns the columns whose names were found; a needed one that is missing refuses the file, by the rule of CSV
// headers.
func (s *ColumnSearch) Present(found []bool) ([]WantedColumn, error) {
	there := map[int]bool{}
	var present []WantedColumn
	for i, column := range s.columns {
		if !found[i] {
			continue
		}
		present = append(present, column)
		for _, need := range column.needs {
			there[need] = true
		}
	}
	return present, s.mapping.Complete(s.source, there)
}

// Complete returns an error if a column is missing, knowing which of them are there. Of alternatives one is enough,
// and of the canonical source, whose token columns are the program's and not the user's words, one token column.
func (m *mapping) Complete(source schemas.Source, there map[int]bool) error {
	tokens := false
	var absent []string
	last := 0
	for _, wanted := range m.Wanted {
		tokens = tokens || (wanted.Target.isTokens() && there[wanted.Need])
		optional := source.Canonical && (wanted.Target.isTokens() || wanted.Target == TargetProperties) &&
			wanted.Text == wanted.Target.column() // not one that the user named
		switch {
		case there[wanted.Need] || optional:
		case wanted.Need == last:
			absent[len(absent)-1] += " or " + wanted.Text
		default:
			absent = append(absent, wanted.Text)
		}
		last = wanted.Need
	}
	if source.Canonical && !tokens {
		absent = append(absent, schemas.PoolColumns[schemas.PoolInput]+" (or another column of tokens)")
	}
	if len(absent) > 0 {
		return fmt.Errorf("column %s is missing; source %s needs it", strings.Join(absent, ", "), source.ID)
	}
	return nil
}
