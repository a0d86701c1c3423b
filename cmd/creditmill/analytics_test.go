package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// question is a query of the page, with the answer that is shown below it, if there is one.
var question = regexp.MustCompile("(?s)```sql\n(.*?)\n```\n(?:\n```text\n(.*?)\n```\n)?")

// TestAnalyticsPage runs every query of docs/analytics.md as the analyst and compares the answers with the page's.
func TestAnalyticsPage(t *testing.T) {
	name, err := filepath.Abs(filepath.Join("..", "..", "docs", "analytics.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSample(t)
	page, err := os.ReadFile(name)
	s.must(err)
	questions := 0
	answered := question.ReplaceAllFunc(page, func(block []byte) []byte {
		questions++
		query := string(question.FindSubmatch(block)[1])
		answer := strings.TrimRight(s.creditmill(exitOK, "sql", query), "\n")
		if strings.Count(answer, "\n") < 2 {
			t.Errorf("no rows answer:\n%s", query)
		}
		return []byte("```sql\n" + query + "\n```\n\n```text\n" + answer + "\n```\n")
	})
	if questions < 12 {
		t.Errorf("%d questions, want a dozen", questions)
	}
	if *update {
		s.must(os.WriteFile(name, answered, 0o600))
	} else if diff := cmp.Diff(string(page), string(answered)); diff != "" {
		t.Errorf("answers differ; if that is right: go test ./cmd/creditmill -run TestAnalyticsPage -update\n%s", diff)
	}
	t.Run("comments", s.viewComments)
	t.Run("only reads", s.analystOnlyReads)
	t.Run("properties", s.hiddenProperties)
}

// viewComments holds that every table, view and column that analysts can see says what it is.
func (s sample) viewComments(t *testing.T) {
	s.T = t
	rows, err := s.Conn().Query(t.Context(), `SELECT concat(table, '.', name) FROM system.columns
WHERE database = 'creditmill' AND startsWith(table, 'v_') AND comment = ''
UNION ALL
SELECT name FROM system.tables WHERE database = 'creditmill' AND comment = ''`)
	s.must(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		s.must(rows.Scan(&name))
		t.Errorf("%s has no comment", name)
	}
	s.must(rows.Err())
}

func (s sample) analystOnlyReads(t *testing.T) {
	s.T = t
	for _, query := range []string{
		"SELECT * FROM usage_events",
		"SELECT * FROM settings",
		"INSERT INTO v_events SELECT * FROM v_events",
		"ALTER TABLE v_balances COMMENT COLUMN used 'changed'",
		"DROP VIEW v_events",
		"CREATE TABLE t (a UInt8) ENGINE = Memory",
		"SELECT count() FROM v_events SETTINGS additional_table_filters = {'creditmill.usage_events': 'properties = '''''}",
	} {
		s.creditmill(exitError, "sql", query)
	}
}

// hiddenProperties switches them off in the config: then they are empty for everyone who reads the views, also for a
// connection that was there before and for a command without the setting.
func (s sample) hiddenProperties(t *testing.T) {
	s.T = t
	const query = "SELECT sum(n) AS n FROM (SELECT countIf(properties != '') AS n FROM v_events " +
		"UNION ALL SELECT countIf(properties != '') FROM v_duplicates) SETTINGS join_use_nulls = 1"
	text, err := os.ReadFile(s.config)
	s.must(err)
	before, err := s.Analyst()
	s.must(err)
	defer before.Close() //nolint:errcheck // it only reads
	for _, step := range []struct{ added, shown string }{
		{"", "108"}, {"analyst: {properties: false}\n", "0"}, {"", "0"}, {"analyst: {properties: true}\n", "108"},
	} {
		s.must(os.WriteFile(s.config, append(bytes.Clone(text), step.added...), 0o600))
		if got := s.creditmill(exitOK, "sql", "--format", "csv", query); got != "n\n"+step.shown+"\n" {
			t.Errorf("with %q: %s", step.added, got)
		}
		var rows uint64
		s.must(before.QueryRow(t.Context(), query).Scan(&rows))
		if want := step.shown != "0"; (rows > 0) != want {
			t.Errorf("with %q an open connection sees %d", step.added, rows)
		}
	}
	var stored uint64
	s.must(s.Conn().QueryRow(t.Context(), "SELECT countIf(properties != '') FROM usage_events").Scan(&stored))
	if stored == 0 {
		t.Error("the table lost its properties")
	}
}
