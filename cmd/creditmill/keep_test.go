package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// replacements are corruptions of rows that later loads replace.
var replacements = map[string]corruption{
	"replacement lost": {
		"replaced_events", "DELETE WHERE replaced_row_number = 1",
		[]string{
			"loads: ld_5: rows_masked: 2 stored, 1 found",
			"identities: source stream, event_id s1 counts 2 times: ld_4 row 1, ld_5 row 1",
		},
	},
	"tokens of a replacement changed": {
		"replaced_events", moreTokens + " WHERE replaced_row_number = 1",
		[]string{
			"superseded: ld_5 row 1 replaces ld_4 row 1 of source stream, event_id s1, but one of the two says something else",
			"rollups: ld_5 on 2026-10-05 (UTC), customer acme, model small-model: input_tokens: 50 stored, 51 found",
			"usage: customer acme: input_tokens",
		},
	},
	"replacement of another row": {
		"usage_events", "UPDATE event_id = 'gone' WHERE load_seq = 5 AND row_number = 1",
		[]string{"superseded: ld_5 row 1 replaces ld_4 row 1 of source stream, event_id s1, but one of the two"},
	},
	"rollup of a replacement lost": {
		"usage_daily", "DELETE WHERE load_seq = 5 AND replaced_load_seq = 4",
		[]string{"rollups: ld_5 on 2026-10-05 (UTC), customer acme, model small-model: events: 0 stored, 2 found; " +
			"input_tokens: 0 stored, 50 found"},
	},
}

// TestVerifyReplaced corrupts what says that later rows replace earlier ones; each has to be named.
func TestVerifyReplaced(t *testing.T) {
	s := newSample(t)
	config, err := os.ReadFile(s.config)
	s.must(err)
	s.configure(string(config) + "sources:\n  - {id: stream, extends: creditmill, keep: largest}\n")
	for name, tokens := range map[string][]string{"a.jsonl": {"20", "30"}, "b.jsonl": {"25", "31"}} {
		var rows strings.Builder
		for i, id := range []string{"s1", "s2"} {
			rows.WriteString(`{"event_id":"` + id + `","occurred_at":"2026-10-05T00:00:00Z","customer_id":"acme",` +
				`"model":"small-model","input_tokens":` + tokens[i] + "}\n")
		}
		s.must(os.WriteFile(filepath.Join(filepath.Dir(s.config), name), []byte(rows.String()), 0o600))
	}
	for _, name := range []string{"a.jsonl", "b.jsonl"} {
		s.creditmill(exitOK, "load", "--source", "stream", filepath.Join(filepath.Dir(s.config), name))
	}
	s.creditmill(exitOK, "aggregate", "--as-of", "2026-10-20")
	if out := s.creditmill(exitOK, "verify", "--deep"); strings.Contains(out, "wrong") {
		t.Fatal(out)
	}
	for name, test := range replacements {
		t.Run(name, func(t *testing.T) { s.corrupted(t, test) })
	}
}
