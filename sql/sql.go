// Package sql holds every statement of creditmill as a file of its own and gives it out by name.
//
// Statements lie in subfolders by the package that runs them (ingest/, subscription/, aggregate/, verify/, invoice/, …)
// and are named by what they return. Values reach them only as {name:Type} parameters. The folder migrations/ holds
// the numbered changes of the schema; see Migrations. Everything is embedded in the binary: no file is read at run
// time.
//
// What several statements say alike stands once, in the folder terms/: a line "-- term NAME" in the WITH of a statement
// is replaced by terms/NAME.sql, which is a list of named expressions, each with its comma.
package sql

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed */*.sql
var files embed.FS

const (
	migrationsFolder = "migrations"
	termsFolder      = "terms"
)

// termStands begins the line where a term of several statements stands.
const termStands = "-- term "

// statementSeparator is the whole line that parts two statements of one migration file.
const statementSeparator = "-- next"

var migrationName = regexp.MustCompile(`^([0-9]{4})_[a-z0-9_]+\.sql$`)

// Migration is one numbered change of the schema.
type Migration struct {
	Number int    // its place in the order, from 1, without gaps
	Name   string // file name, such as "0001_usage_events.sql"
	SQL    string // the file as it is embedded
	SHA256 string // of SQL, in hex; a released file must never change
}

// Statements returns the migration's statements in order. They are parted by lines that are exactly "-- next".
func (m Migration) Statements() []string {
	return splitStatements(m.SQL)
}

// Text returns a statement with its terms in their places. The name is its path under sql/, such as
// "ingest/commit_load.sql". It panics when there is no such file, since names are constants of the program.
func Text(name string) string {
	text := embedded(name)
	if !strings.Contains(text, termStands) {
		return text
	}
	var full strings.Builder
	for line := range strings.Lines(text) {
		if term, stands := strings.CutPrefix(line, termStands); stands {
			line = embedded(termsFolder + "/" + strings.TrimSpace(term) + ".sql")
		}
		full.WriteString(line)
	}
	return full.String()
}

func embedded(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("sql: no statement named %q is embedded", name))
	}
	return string(text)
}

// onShards is the line of statements that each shard of a cluster runs on its own tables.
const onShards = "-- on: shards\n"

// OnShards tells whether a statement is for the shards of a cluster, each of which runs it on the tables it holds
// itself. All others are for home, the server that has all other tables and sees those of the shards as one.
func OnShards(text string) bool { return strings.Contains(text, "\n"+onShards) }

const sectionBegins = "-- if "

// SectionNames are the sections of a statement, in order; see Sections.
func SectionNames(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		if name, begins := strings.CutPrefix(line, sectionBegins); begins {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// Sections returns a statement with only those of its sections that are wanted. A section stands between the lines
// "-- if NAME" and "-- end if", and is left out where it cannot matter: the engine takes time for every part of a
// statement, whether or not it reads anything.
func Sections(text string, wanted func(name string) bool) string {
	var kept strings.Builder
	on := true
	for line := range strings.Lines(text) {
		name, begins := strings.CutPrefix(line, sectionBegins)
		switch {
		case begins:
			on = wanted(strings.TrimSpace(name))
		case strings.TrimSpace(line) == "-- end if":
			on = true
		case on:
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Names returns the path of every embedded file that is a statement or a migration, sorted.
func Names() []string {
	names, err := fs.Glob(files, "*/*.sql")
	if err != nil {
		panic("sql: " + err.Error())
	}
	return slices.DeleteFunc(names, func(name string) bool { return path.Dir(name) == termsFolder })
}

// Migrations returns all migrations in order. It panics when a file is misnamed or a number is missing or taken
// twice, which a test of this package would have shown.
func Migrations() []Migration {
	migrations, err := readMigrations(files)
	if err != nil {
		panic("sql: " + err.Error())
	}
	return migrations
}

func readMigrations(from fs.FS) ([]Migration, error) {
	names, err := fs.Glob(from, migrationsFolder+"/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	migrations := make([]Migration, 0, len(names))
	for i, name := range names {
		match := migrationName.FindStringSubmatch(path.Base(name))
		if match == nil {
			return nil, fmt.Errorf("name migration %s: want a name like 0001_usage_events.sql", name)
		}
		number, err := strconv.Atoi(match[1])
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("number migration %s: want %04d, numbers go up by one", name, i+1)
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", name, err)
		}
		sum := sha256.Sum256(text)
		migrations = append(migrations, Migration{
			Number: number, Name: path.Base(name), SQL: string(text), SHA256: hex.EncodeToString(sum[:]),
		})
	}
	return migrations, nil
}

func splitStatements(text string) []string {
	var statements []string
	var current []string
	flush := func() {
		statement := strings.TrimSuffix(strings.TrimSpace(strings.Join(current, "\n")), ";")
		if statement != "" {
			statements = append(statements, statement)
		}
		current = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == statementSeparator {
			flush()
			continue
		}
		current = append(current, line)
	}
	flush()
	return statements
}
