// Package creditmill holds no code: the command is in cmd/creditmill. Here stands the test of the house rules that
// linters cannot check: sizes, names, SQL in files of its own, no floats near money. A finding reads
// path:line: what is wrong.
package creditmill

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxFileLines = 400
	maxFuncLines = 70
	maxTestLines = 120 // a test's table of cases is data
	maxColumns   = 120
	maxFileBytes = 512 << 10
)

// A function or file above the limit says why in a comment with these words: a function in its doc comment, a file
// anywhere.
const longBecause = "Long because "

// vagueNames are Go file names that say nothing about what is inside.
var vagueNames = []string{"utils", "util", "common", "helpers", "helper", "types", "models", "misc"}

var (
	sqlStatement = regexp.MustCompile(`^\s*(SELECT|INSERT INTO|ALTER|CREATE|DROP|TRUNCATE|OPTIMIZE|DELETE|UPDATE|WITH)\s`)
	sqlFloat     = regexp.MustCompile(`(?i)\b(Float32|Float64|toFloat\w*|avg\w*|median|quantile|quantiles)\b`)
	sqlSlash     = regexp.MustCompile(`[\w)]\s*/\s*[\w(]`)
	sqlString    = regexp.MustCompile(`'(?:[^'\\]|\\.|'')*'`)
	unfinished   = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
)

func TestTidy(t *testing.T) {
	for _, name := range sourceFiles(t) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range check(t, name, content) {
			t.Error(finding)
		}
	}
}

// TestTidyFindings shows each rule at work.
func TestTidyFindings(t *testing.T) {
	long := "package p\n\nfunc f() {\n" + strings.Repeat("\tg()\n", maxFuncLines) + "}\n"
	tests := []struct {
		rule, name, content, want string
	}{
		{"float near money", "invoice/plan.go", "package p\n\nvar a float64\n", "invoice/plan.go:3: float64 near money"},
		{"float elsewhere", "ingest/row.go", "package p\n\nvar a float64\n", ""},
		{"SQL in Go", "ingest/row.go", "package p\n\nvar a = `\n SELECT 1`\n", "ingest/row.go:3: SQL in Go"},
		{"SQL in a test", "ingest/row_test.go", "package p\n\nvar a = `SELECT 1`\n", ""},
		{"SQL by Sprintf", "a_test.go", "package p\n\nvar a = fmt.Sprintf(`SELECT %d`, 1)\n", "a_test.go:3: SQL built"},
		{"long function", "a.go", long, "a.go:3: f has 72 lines"},
		{"long function, explained", "a.go", strings.Replace(long, "func", "// Long because g.\nfunc", 1), ""},
		{"long file", "a.go", "package p\n" + strings.Repeat("\n", maxFileLines), "401 lines"},
		{"long line", "a.go", "package p\n\n// " + strings.Repeat("x", maxColumns) + "\n", "a.go:3: 123 columns"},
		{"vague name", "ingest/utils_test.go", "package p\n", `not "utils"`},
		{"unfinished", "a.sql", "-- TO" + "DO\nSELECT 1\n", "a.sql:1: unfinished work"},
		{"no header", "a.sql", "SELECT 1\n", "a.sql:1: begin with a comment"},
		{"float in SQL", "a.sql", "-- One row.\nSELECT avg(x) -- avg\n", "a.sql:2: avg is floating point"},
		{"division in SQL", "a.sql", "-- One row.\nSELECT a / b, 'a / b'\n", "a.sql:2: / may be"},
		{"exact SQL", "a.sql", "-- a / b.\nSELECT intDiv(a, b), 'a / b'\n", ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			got := strings.Join(check(t, test.name, []byte(test.content)), "\n")
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

// check applies all rules to one file.
func check(t *testing.T, name string, content []byte) []string {
	t.Helper()
	findings := checkText(name, content)
	switch path.Ext(name) {
	case ".go":
		findings = append(findings, checkGo(t, name, content)...)
	case ".sql":
		findings = append(findings, checkSQL(name, content)...)
	}
	return findings
}

// sourceFiles lists the project's own text files, by slash-separated path.
func sourceFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			own := name == "." || name == ".ci" || !strings.HasPrefix(entry.Name(), ".")
			skip := []string{"bin", "demo", "creditmill-data"}
			if !own || entry.Name() == "node_modules" || slices.Contains(skip, name) {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		built := name == "creditmill" || name == "stripefake" // what go build leaves; git ignores it
		if info.Size() > maxFileBytes && !built {
			t.Errorf("%s: %d bytes, at most %d: is it built, or data for a benchmark?", name, info.Size(), maxFileBytes)
		}
		known := []string{".go", ".sql", ".sh", ".md", ".yaml", ".yml"}
		if slices.Contains(known, filepath.Ext(name)) || entry.Name() == "Makefile" {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatal("no source files found")
	}
	return names
}

// checkText holds for every text file.
func checkText(name string, content []byte) []string {
	var findings []string
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), path.Ext(name)), "_test")
	if slices.Contains(vagueNames, base) && path.Ext(name) == ".go" {
		findings = append(findings, fmt.Sprintf("%s:1: name the file after what is in it, not %q", name, base))
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for n := 1; lines.Scan(); n++ {
		if word := unfinished.FindString(lines.Text()); word != "" {
			findings = append(findings, fmt.Sprintf("%s:%d: unfinished work: %s", name, n, word))
		}
		if columns := utf8.RuneCountInString(lines.Text()); columns > maxColumns && path.Ext(name) == ".go" {
			findings = append(findings, fmt.Sprintf("%s:%d: %d columns, at most %d", name, n, columns, maxColumns))
		}
	}
	return findings
}

// checkGo checks sizes, floats near money and SQL inside Go.
func checkGo(t *testing.T, name string, content []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, content, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(file) {
		return nil
	}
	var findings []string
	note := func(pos token.Pos, format string, args ...any) {
		where := name + ":" + strconv.Itoa(files.Position(pos).Line) + ": "
		findings = append(findings, where+fmt.Sprintf(format, args...))
	}

	if lines := bytes.Count(content, []byte("\n")); lines > maxFileLines && !saysWhy(file.Comments...) {
		note(file.End(), "%d lines, at most %d: split it by noun", lines, maxFileLines)
	}
	exact, most := nearMoney(name), maxFuncLines
	sqlAllowed := strings.HasPrefix(name, "warehouse/warehousetest/") ||
		strings.HasPrefix(name, "aggregate/usagetest/")
	if strings.HasSuffix(name, "_test.go") {
		most, sqlAllowed = maxTestLines, true
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			lines := files.Position(node.End()).Line - files.Position(node.Pos()).Line + 1
			if lines > most && !saysWhy(node.Doc) {
				note(node.Pos(), "%s has %d lines, at most %d", node.Name.Name, lines, most)
			}
		case *ast.Ident:
			if exact && (node.Name == "float64" || node.Name == "float32") {
				note(node.Pos(), "%s near money: use decimal.Decimal", node.Name)
			}
		case *ast.BasicLit:
			text, err := strconv.Unquote(node.Value)
			if node.Kind == token.STRING && err == nil && !sqlAllowed && sqlStatement.MatchString(text) {
				note(node.Pos(), "SQL in Go: give the statement a file under sql/")
			}
		case *ast.CallExpr:
			if buildsSQL(node) {
				note(node.Pos(), "SQL built with Sprintf: use {name:Type} parameters")
			}
		}
		return true
	})
	return findings
}

// saysWhy tells whether a comment explains a size above the limit.
func saysWhy(comments ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(comments, func(comment *ast.CommentGroup) bool {
		return strings.Contains(comment.Text(), longBecause)
	})
}

// nearMoney tells whether the file may hold no floating point: those of the packages that compute amounts. Their tests
// may, to show what a float would have done.
func nearMoney(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"money", "aggregate", "invoice"}, first) && !strings.HasSuffix(name, "_test.go")
}

// buildsSQL sees fmt.Sprintf("SELECT …") and its like, in tests too.
func buildsSQL(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !strings.HasSuffix(selector.Sel.Name, "printf") || len(call.Args) < 2 {
		return false
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return false
	}
	text, err := strconv.Unquote(literal.Value)
	return err == nil && sqlStatement.MatchString(text)
}

// checkSQL wants a header comment, and no floating point: in ClickHouse a / b of integers and avg are floats.
func checkSQL(name string, content []byte) []string {
	var findings []string
	if !bytes.HasPrefix(content, []byte("-- ")) {
		findings = append(findings, name+":1: begin with a comment: grain, inputs, guarantees")
	}
	for i, line := range strings.Split(string(content), "\n") {
		line, _, _ = strings.Cut(sqlString.ReplaceAllString(line, "''"), "--")
		where := fmt.Sprintf("%s:%d: ", name, i+1)
		if word := sqlFloat.FindString(line); word != "" {
			findings = append(findings, where+word+" is floating point: use Decimal, intDiv or quantileExact")
		}
		if sqlSlash.MatchString(line) {
			findings = append(findings, where+"/ may be floating point: use intDiv, multiplyDecimal or divideDecimal")
		}
	}
	return findings
}
