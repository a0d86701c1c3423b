package sql

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestStatementsHaveHeaders(t *testing.T) {
	names := Names()
	if len(names) == 0 {
		t.Fatal("nothing is embedded")
	}
	for _, name := range names {
		if !strings.HasPrefix(Text(name), "-- ") {
			t.Errorf("sql/%s:1: does not begin with a comment that says what it returns", name)
		}
	}
}

func TestSections(t *testing.T) {
	const text = "-- Sums.\nSELECT 1\n-- if more\n    + 2\n-- end if\n-- if most\n    + 3\n-- end if\nAS sum"
	got := Sections(text, func(name string) bool { return name == "most" })
	if want := "-- Sums.\nSELECT 1\n    + 3\nAS sum"; got != want {
		t.Errorf("%s", got)
	}
}

// TestSectionsEnd: no section is in another or is left open.
func TestSectionsEnd(t *testing.T) {
	for _, name := range Names() {
		open := false
		for line := range strings.Lines(Text(name)) {
			begins, ends := strings.HasPrefix(line, "-- if "), strings.TrimSpace(line) == "-- end if"
			if begins && open || ends && !open {
				t.Errorf("sql/%s: %s", name, line)
			}
			open = (open || begins) && !ends
		}
		if open {
			t.Errorf("sql/%s: a section is left open", name)
		}
	}
}

// TestTerms: each term is said once for two statements or more, and none of them is written out beside it.
func TestTerms(t *testing.T) {
	terms, err := fs.Glob(files, termsFolder+"/*.sql")
	if err != nil || len(terms) == 0 {
		t.Fatalf("found %d terms, error %v", len(terms), err)
	}
	for _, term := range terms {
		name := strings.TrimSuffix(path.Base(term), ".sql")
		expressions := expressionLines(embedded(term))
		if len(expressions) == 0 || !strings.HasSuffix(expressions[len(expressions)-1], ",") {
			t.Errorf("sql/%s: want expressions, each with its comma", term)
		}
		users := 0
		for _, statement := range Names() {
			written := embedded(statement)
			if strings.Contains(written, termStands+name+"\n") {
				users++
			} else if strings.Contains(written, strings.Join(expressions, "\n")) {
				t.Errorf("sql/%s writes out what %q is for", statement, termStands+name)
			}
		}
		if users < 2 {
			t.Errorf("sql/%s: %d statements have it, want two or more", term, users)
		}
	}
}

// TestTextPutsTermsInPlace: a statement is sent with its terms, and says nothing else twice.
func TestTextPutsTermsInPlace(t *testing.T) {
	const name = "aggregate/counted_events.sql"
	text, first := Text(name), embedded("terms/first.sql")
	if !strings.Contains(text, "WITH\n"+first+"    (customer_id) ->") {
		t.Errorf("sql/%s lacks its term:\n%s", name, text)
	}
	if strings.Contains(text, termStands) {
		t.Errorf("sql/%s: the line of the term is still there", name)
	}
}

// expressionLines are the lines of a term without its comment.
func expressionLines(term string) []string {
	lines := strings.Split(strings.TrimSpace(term), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "--") })
}

func TestMigrationsAreCounted(t *testing.T) {
	for i, migration := range Migrations() {
		if migration.Number != i+1 || len(migration.SHA256) != 64 || len(migration.Statements()) == 0 {
			t.Errorf("migration %d is %d %s with %d statements",
				i+1, migration.Number, migration.Name, len(migration.Statements()))
		}
	}
}

func TestTextPanicsOnAnUnknownName(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an unknown name did not panic")
		}
	}()
	Text("warehouse/no_such.sql")
}

func TestReadMigrationsRefuses(t *testing.T) {
	for name, files := range map[string][]string{
		"gap":      {"0001_a.sql", "0003_b.sql"},
		"twice":    {"0001_a.sql", "0001_b.sql"},
		"misnamed": {"0001-a.sql"},
		"zero":     {"0000_a.sql"},
	} {
		from := fstest.MapFS{}
		for _, file := range files {
			from["migrations/"+file] = &fstest.MapFile{Data: []byte("SELECT 1")}
		}
		if _, err := readMigrations(from); err == nil {
			t.Errorf("%s: %v is accepted", name, files)
		}
	}
}

func TestSplitStatements(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"one":                 {"-- a\nSELECT 1;\n", []string{"-- a\nSELECT 1"}},
		"two":                 {"SELECT 1\n-- next\n-- b\nSELECT 2\n", []string{"SELECT 1", "-- b\nSELECT 2"}},
		"separator is a line": {"SELECT '-- next'\n-- next please\n, 2", []string{"SELECT '-- next'\n-- next please\n, 2"}},
		"empty parts":         {"-- next\n\n-- next\nSELECT 1\n-- next\n", []string{"SELECT 1"}},
		"carriage returns":    {"SELECT 1\r\n-- next\r\nSELECT 2\r\n", []string{"SELECT 1", "SELECT 2"}},
		"nothing":             {"", nil},
	} {
		if diff := cmp.Diff(test.want, splitStatements(test.text)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
