package ingest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// wantedColumn is a column that a source looks for, and the values it gives.
type wantedColumn struct {
	columnName
	targets []target
	needs   []int // by target, see wanted
}

// columnSearch is the search for a source's columns in a file.
type columnSearch struct {
	source  schemas.Source
	mapping *mapping
	columns []wantedColumn // each path once
}

func newColumnSearch(source schemas.Source) (*columnSearch, error) {
	mapping, err := newMapping(source)
	if err != nil {
		return nil, err
	}
	s := &columnSearch{source: source, mapping: mapping}
	for _, w := range mapping.wanted {
		at := slices.IndexFunc(s.columns, func(c wantedColumn) bool { return slices.Equal(c.path, w.path) })
		if at < 0 {
			at = len(s.columns)
			s.columns = append(s.columns, wantedColumn{columnName: columnName{path: w.path, text: w.text}})
		}
		s.columns[at].targets = append(s.columns[at].targets, w.target)
		s.columns[at].needs = append(s.columns[at].needs, w.need)
	}
	return s, nil
}

// names are what a file's reader is to look for.
func (s *columnSearch) names() []columnName {
	names := make([]columnName, len(s.columns))
	for i, column := range s.columns {
		names[i] = column.columnName
	}
	return names
}

// present returns the columns whose names were found; a needed one that is missing refuses the file, by the rule of CSV
// headers.
func (s *columnSearch) present(found []bool) ([]wantedColumn, error) {
	there := map[int]bool{}
	var present []wantedColumn
	for i, column := range s.columns {
		if !found[i] {
			continue
		}
		present = append(present, column)
		for _, need := range column.needs {
			there[need] = true
		}
	}
	return present, s.mapping.complete(s.source, there)
}

// complete returns an error if a column is missing, knowing which of them are there. Of alternatives one is enough,
// and of the canonical source, whose token columns are the program's and not the user's words, one token column.
func (m *mapping) complete(source schemas.Source, there map[int]bool) error {
	tokens := false
	var absent []string
	last := 0
	for _, wanted := range m.wanted {
		tokens = tokens || (wanted.target.isTokens() && there[wanted.need])
		optional := source.Canonical && (wanted.target.isTokens() || wanted.target == targetProperties) &&
			wanted.text == wanted.target.column() // not one that the user named
		switch {
		case there[wanted.need] || optional:
		case wanted.need == last:
			absent[len(absent)-1] += " or " + wanted.text
		default:
			absent = append(absent, wanted.text)
		}
		last = wanted.need
	}
	if source.Canonical && !tokens {
		absent = append(absent, schemas.PoolColumns[schemas.PoolInput]+" (or another column of tokens)")
	}
	if len(absent) > 0 {
		return fmt.Errorf("column %s is missing; source %s needs it", strings.Join(absent, ", "), source.ID)
	}
	return nil
}
