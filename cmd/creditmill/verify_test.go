package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// corruption is a change behind the program's back, and what verify has to say of it.
type corruption struct {
	table   string
	corrupt string   // the rest of ALTER TABLE
	want    []string // parts of the output
}

// moreTokens is how one token more is written down behind the program's back.
const moreTokens = "UPDATE quantities = arrayMap((quantity, unit) -> quantity + (unit = 'input'), quantities, " +
	"splitByChar(',', units))"

var corruptions = map[string]corruption{
	"event lost": {
		"usage_events", "DELETE WHERE load_seq = 1 AND row_number = 7",
		[]string{
			"loads: ld_1: rows_loaded: 60 stored, 59 found", "rollups: ld_1 on 2026-09", "usage: customer ",
			"recompute: ",
		},
	},
	"tokens changed": {
		"usage_events", moreTokens + " WHERE load_seq = 2 AND row_number = 3",
		[]string{"loads: ld_2: input_tokens: ", "rollups: ld_2 on 2026-10-02", "usage: customer globex: input_tokens"},
	},
	"identity twice": {
		"usage_events", "UPDATE event_id = 'e0089' WHERE load_seq = 1 AND row_number = 1",
		[]string{"identities: source creditmill, event_id e0089 counts 2 times: ld_1 row 1, ld_2 row 1"},
	},
	"superseded without a reason": {
		"duplicate_events", "UPDATE event_id = 'gone' WHERE kind = 'conflict'",
		[]string{"superseded: ld_3 row 5 is set aside as a repetition of source creditmill, event_id gone"},
	},
	"reject lost": {
		"rejects", "DELETE WHERE load_seq = 3",
		[]string{"loads: ld_3: rows_rejected: 1 stored, 0 found; rows_read: 6 stored, 5 found"},
	},
	"load without a row": {
		"loads", "DELETE WHERE load_seq = 2",
		[]string{"loads: ld_2: 47 rows belong to it", "usage: run ag_2 counted 3 loads, 2 are there"},
	},
	"rollup row lost": {
		"usage_daily", "DELETE WHERE load_seq = 1 AND day = '2026-09-02' AND customer_id = 'umbrella'",
		[]string{
			"rollups: ld_1 in UTC: ",
			"rollups: ld_1 on 2026-09-02 (UTC), customer umbrella, model small-model: events: 0",
		},
	},
	"rollup moved to another customer": {
		"usage_daily", "UPDATE events = events + 1 WHERE load_seq = 1 AND day = '2026-09-02' AND customer_id = 'umbrella'",
		[]string{"rollups: ld_1 on 2026-09-02 (UTC), customer umbrella, model small-model: events: 2 stored, 1 found"},
	},
	"balance changed": {
		"balances", "UPDATE balance = balance + 1 WHERE run_seq = 2 AND customer_id = 'umbrella'",
		[]string{
			"balances: customer umbrella, ai-credits, period from 2026-09-", "is not balance",
			"recompute: balance of umbrella",
		},
	},
	"balance changed to fit": {
		"balances", "UPDATE granted = granted + 1, balance = balance + 1, remaining = remaining + 1 WHERE run_seq = 2 " +
			"AND customer_id = 'umbrella' AND balance > 0",
		[]string{"recompute: balance of umbrella, ai-credits, 2026-"},
	},
	"balance lost": {
		"balances", "DELETE WHERE run_seq = 2 AND customer_id = 'hooli'",
		[]string{
			"recompute: balance of hooli, ai-credits, 2026-09-01T00:00:00.000000000Z is missing",
			"spend: customer hooli",
		},
	},
	"spend changed": {
		"period_spend", "UPDATE credits = credits + 1 WHERE run_seq = 2 AND customer_id = 'initech'",
		[]string{
			"spend: customer initech, ai-credits, period from 2026-09-01T00:00:00Z: features spent",
			"recompute: spend of initech",
		},
	},
	"spend of a stranger": {
		"period_spend", "UPDATE quantities = map('input', 0) WHERE run_seq = 2 AND credit_system = ''",
		[]string{"usage: customer acme: input_tokens: ", "recompute: spend of acme, , 2026-10-01"},
	},
	"price changed": {
		"prices", "UPDATE costs = mapApply((unit, cost) -> (unit, cost + (unit = 'output')), costs) " +
			"WHERE model = 'small-model'",
		[]string{"prices: price of small-model, , ai-credits, 2026-01-01T00:00:00.000000000Z: costs: "},
	},
	"price lost": {
		"prices", "DELETE WHERE model = 'small-model'",
		[]string{"prices: price of small-model, , ai-credits, 2026-01-01T00:00:00.000000000Z is missing"},
	},
	"catalog changed": {
		"catalogs", "UPDATE text = concat(text, '# more') WHERE 1",
		[]string{"recompute: run ag_2: the catalog"},
	},
	"charge line changed": {
		"charge_plan", `UPDATE lines = replaceOne(lines, '"amount_minor":', '"amount_minor":1') WHERE customer_id = 'acme'`,
		[]string{"charges: charge oc_", "lines add up to", "plans: charge oc_"},
	},
	"charge amount changed": {
		"charge_plan", "UPDATE amount_minor = amount_minor + 1 WHERE customer_id = 'acme'",
		[]string{"its request says", "is not the residual", "plans: plan ", "postings: charge oc_"},
	},
	"request changed": {
		"charge_plan", "UPDATE request_body = concat(request_body, ' ') WHERE customer_id = 'acme'",
		[]string{"its request is not the one that was frozen"},
	},
	"plan changed": {
		"plans", "UPDATE body = replaceOne(body, 'overage', 'coverage') WHERE 1",
		[]string{"its text is not the one that was frozen"},
	},
	"one item for two charges": {
		"charge_event", "UPDATE stripe_id = 'ii_same' WHERE kind = 'ACK'",
		[]string{"postings: ii_same: several charges: oc_"},
	},
}

// TestVerify corrupts one thing after the other in a real warehouse; each has to be named.
func TestVerify(t *testing.T) {
	s := newSample(t)
	if out := s.creditmill(exitOK, "verify"); strings.Contains(out, "wrong") {
		t.Fatal(out)
	}
	for name, test := range corruptions {
		t.Run(name, func(t *testing.T) { s.corrupted(t, test) })
	}

	// What changed since the run is no mistake: a load more, one less, a customer with another product.
	s.creditmill(exitOK, "unload", "ld_3")
	s.creditmill(exitOK, "attach", "hooli", "pro", "--at", "2026-10-10")
	s.creditmill(exitOK, "grant", "globex", "100", "--at", "2026-10-05")
	var result verifyResult
	s.must(json.Unmarshal([]byte(s.creditmill(exitOK, "verify", "--json")), &result))
	if !result.OK || len(result.Checks) != 13 {
		t.Errorf("%+v", result)
	}
	for _, check := range result.Checks {
		note := "customers changed since the last aggregate, left out: 2"
		if check.Name == "recompute" && (check.LookedAt == 0 || check.Note != note) {
			t.Errorf("%+v", check)
		}
	}
	s.creditmill(exitOK, "aggregate", "--as-of", "2026-10-20")
	if out := s.creditmill(exitOK, "verify"); strings.Contains(out, "changed since") {
		t.Error(out)
	}
}

// corrupted makes one change behind the program's back, which verify must name, and takes it back.
func (s sample) corrupted(t *testing.T, test corruption) {
	s.T = t
	s.exec("CREATE TABLE kept AS " + test.table)
	s.exec("INSERT INTO kept SELECT * FROM " + test.table)
	defer func() {
		s.exec("TRUNCATE TABLE " + test.table)
		s.exec("INSERT INTO " + test.table + " SELECT * FROM kept")
		s.exec("DROP TABLE kept")
	}()
	s.exec("ALTER TABLE " + test.table + " " + test.corrupt + " SETTINGS mutations_sync = 2")
	out := s.creditmill(exitError, "verify")
	for _, want := range test.want {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
