package sql

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// spread are the tables whose rows a cluster spreads over its shards.
var spread = []string{"usage_events", "duplicate_events", "rejects", "usage_daily"}

// neverSpread is refused where there are shards.
const neverSpread = "expiry/remove_rows.sql"

var (
	// setTest is a test against a set that a query makes: itself, or by the name of an expression.
	setTest = regexp.MustCompile(`(\w+)?\s+(?:NOT )?IN(?:\s+\(\s*SELECT\b|\s+\([a-z_]+\)|\s+[a-z_]+\b)`)
	// joined is a table that something is joined to.
	joined      = regexp.MustCompile(`FROM (\w+)(?: AS \w+)?\s+((?:[A-Z]+ )*)JOIN`)
	createdView = regexp.MustCompile(`CREATE OR REPLACE VIEW (\w+)`)
	source      = regexp.MustCompile(`(?:FROM|JOIN|INTO|ALTER TABLE) ([a-z_.]+)`)
)

// TestSetsAreGlobal: a set is made once, on home, and sent to the shards. Without GLOBAL each shard would make its own,
// of its own rows, and of home's tables, which it does not have. On one server GLOBAL changes nothing.
func TestSetsAreGlobal(t *testing.T) {
	sets, latest := 0, latestViews()
	for _, name := range Names() {
		for _, statement := range splitStatements(Text(name)) {
			if OnShards(Text(name)) || onlySystem(statement) || name == neverSpread {
				continue
			}
			if view := createdView.FindStringSubmatch(statement); view != nil && latest[view[1]] != name {
				continue // a later migration makes it anew
			}
			for _, found := range setTest.FindAllStringSubmatch(plain(statement), -1) {
				if sets++; found[1] != "GLOBAL" {
					t.Errorf("sql/%s: want GLOBAL IN: %s", name, strings.Join(strings.Fields(found[0]), " "))
				}
			}
			for _, found := range joined.FindAllStringSubmatch(plain(statement), -1) {
				kind := strings.Fields(found[2])
				if slices.Contains(spread, found[1]) && !slices.Contains(kind, "ARRAY") && !slices.Contains(kind, "GLOBAL") {
					t.Errorf("sql/%s: want GLOBAL JOIN, or a subquery in place of %s", name, found[1])
				}
			}
		}
	}
	if sets < 100 {
		t.Errorf("%d sets were found, want a hundred or more", sets)
	}
}

// TestStatementsOnShardsReadTheirTablesAlone: a shard has no other.
func TestStatementsOnShardsReadTheirTablesAlone(t *testing.T) {
	count := 0
	for _, name := range Names() {
		if !OnShards(Text(name)) {
			continue
		}
		count++
		for _, found := range source.FindAllStringSubmatch(plain(Text(name)), -1) {
			if !slices.Contains(spread, found[1]) {
				t.Errorf("sql/%s: a shard has no table %s", name, found[1])
			}
		}
	}
	if count == 0 {
		t.Error("no statement is for the shards")
	}
}

// TestSpreadTablesAreChangedOnShards: a Distributed table takes no DELETE, ALTER or TRUNCATE.
func TestSpreadTablesAreChangedOnShards(t *testing.T) {
	changes := regexp.MustCompile(`(?:DELETE FROM|ALTER TABLE|TRUNCATE TABLE)\s+(\w+)`)
	for _, name := range Names() {
		for _, found := range changes.FindAllStringSubmatch(plain(Text(name)), -1) {
			if slices.Contains(spread, found[1]) && !OnShards(Text(name)) && name != neverSpread {
				t.Errorf("sql/%s: want %q, since it changes %s", name, strings.TrimSpace(onShards), found[1])
			}
		}
	}
}

// latestViews are the migrations that make the views as they are, by view.
func latestViews() map[string]string {
	latest := map[string]string{}
	for _, name := range Names() {
		for _, view := range createdView.FindAllStringSubmatch(Text(name), -1) {
			latest[view[1]] = max(latest[view[1]], name)
		}
	}
	return latest
}

// onlySystem tells that a statement reads what a server says of itself.
func onlySystem(statement string) bool {
	tables := source.FindAllStringSubmatch(plain(statement), -1)
	return len(tables) > 0 && !slices.ContainsFunc(tables, func(found []string) bool {
		return !strings.HasPrefix(found[1], "system.")
	})
}

// plain is a statement without its comments.
func plain(statement string) string {
	var kept strings.Builder
	for line := range strings.Lines(statement) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
