package warehouse

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/sql"
)

// statement is an embedded one with the names of its sections.
type statement struct {
	text     string
	sections []string
	onShards bool
}

var statements sync.Map // *statement by name

func statementOf(name string) *statement {
	if known, ok := statements.Load(name); ok {
		return known.(*statement)
	}
	s := &statement{text: sql.Text(name)}
	s.sections, s.onShards = sql.SectionNames(s.text), sql.OnShards(s.text)
	statements.Store(name, s)
	return s
}

// prepare is the statement of that name as it is sent, with a context that brings its parameters and tables. A section
// that nothing is said of is refused: its name is misspelt on one of the two sides, which would otherwise go unnoticed.
// The engine itself refuses a parameter and a table that are missing.
func prepare(ctx context.Context, name string, params Params) (context.Context, string, error) {
	s := statementOf(name)
	for _, section := range s.sections {
		if _, said := params[section].(bool); !said {
			return nil, "", fmt.Errorf("whether its section %q is wanted is not said", section)
		}
	}
	ctx, err := encodeParams(ctx, params)
	if err != nil {
		return nil, "", err
	}
	var tables []*ext.Table
	for name, value := range params {
		table, isTable := value.(*ext.Table)
		if !isTable {
			continue
		}
		if table.Name() != name {
			return nil, "", fmt.Errorf("the table %q is given as %q", table.Name(), name)
		}
		tables = append(tables, table)
	}
	if len(tables) > 0 {
		ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...))
	}
	return ctx, trimmed(sql.Sections(s.text, func(section string) bool { return params[section] == true })), nil
}

// text is a statement without sections.
func text(name string) string { return trimmed(sql.Text(name)) }

func trimmed(text string) string { return strings.TrimSuffix(strings.TrimSpace(text), ";") }
