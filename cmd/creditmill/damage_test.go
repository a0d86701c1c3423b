package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

// moneyCommands are commands that show or change money.
var moneyCommands = [][]string{
	{"balance"},
	{"entitled", "acme", "small-model"},
	{"invoice", "preview"},
	{"explain", "oc_1"},
	{"customers"},
	{"grants"},
	{"whatif", "--catalog", "catalog.yaml"},
	{"attach", "acme", "pro"},
	{"grant", "acme", "5"},
	{"aggregate"},
	{"load", "usage.jsonl"},
}

// storedRows put rows into the tables that loading and aggregating leave empty.
var storedRows = []string{
	"INSERT INTO customers (customer_id, revision) VALUES ('acme', 1)",
	"INSERT INTO customers (customer_id, revision) VALUES ('acme', 2)",
	"INSERT INTO subscriptions (customer_id, product, starts_at, anchor, removed, revision) VALUES " +
		"('acme', 'pro', '2026-09-01 00:00:00', '2026-09-01 00:00:00', 1, 1)",
	"INSERT INTO grants (grant_id, customer_id, credit_system, credits) VALUES ('g', 'acme', 'ai-credits', 1)",
	"INSERT INTO grant_revocations (grant_id, customer_id) VALUES ('g', 'acme')",
	"INSERT INTO plans (plan_sha, body, inputs) VALUES ('p', '{}', '{}')",
	"INSERT INTO charge_plan (charge_id, plan_sha) VALUES ('oc_1', 'p')",
	"INSERT INTO charge_event (charge_id, kind, step) VALUES ('oc_1', 'ACK', 'ii')",
	// One that does not hold: its charge was never frozen.
	"INSERT INTO closed_periods (customer_id, charge_id, plan_sha) VALUES ('nobody', 'oc_2', 'none')",
	"INSERT INTO rebills (rebill_id, customer_id, undone) VALUES ('rb', 'nobody', 1)",
	"INSERT INTO stripe_states (stripe_id, revision) VALUES ('cus_nobody', 1)",
	"INSERT INTO decisions (charge_id) VALUES ('oc_1')",
	"INSERT INTO job_runs (job, revision) VALUES ('aggregate', 1)",
	"INSERT INTO settings (name, value) VALUES ('analyst_properties', 'shown')",
	"INSERT INTO costs (report_id, provider) VALUES ('cr_none', 'nobody')",
	"INSERT INTO cost_reports (report_id, rows) VALUES ('cr_none', 1)",
	"INSERT INTO removals (removal_id, step, kind) VALUES ('rm_none', 'done', 'rejects')",
	"INSERT INTO expired_loads (load_seq, step, rows_removed, days_kept) VALUES (999, 'begun', 1, 1)",
	"INSERT INTO expired_events (load_seq, row_number) VALUES (999, 1)",
	"INSERT INTO kept_days (load_seq, customer_id) VALUES (999, 'nobody')",
	"INSERT INTO api_tokens (token_hash, revision, name, role) VALUES ('none', 1, 'nobody', 'gateway')",
	"INSERT INTO loads SELECT * REPLACE (revision + 1 AS revision, 1 AS objects) FROM loads FINAL WHERE load_seq = 1",
	"INSERT INTO load_objects (load_seq, url) VALUES (1, 's3://none/none')",
	"INSERT INTO prices (catalog_sha, model) VALUES ('none', 'none')",
	"INSERT INTO usage_totals (totals_seq) VALUES (1)",
	"INSERT INTO totals (totals_seq, timezone, rows) VALUES (1, 'none', 1)",
}

// newDamaged makes a warehouse in which each table has rows, and returns the folder of each table.
func newDamaged(t *testing.T) (p *program, folders map[string]string) {
	t.Helper()
	p, w := newProgram(t)
	p.want(t, exitOK, "init")
	p.write(t, "usage.jsonl", event("a", 1), event("b", 2), "bad", event("b", 2))
	p.want(t, exitPartial, "load", "usage.jsonl")
	p.want(t, exitOK, "aggregate")
	for _, statement := range storedRows {
		if err := w.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	p.want(t, exitOK, "balance") // which records what there is now
	p.want(t, exitOK, "balance")
	folders = foldersOf(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return p, folders
}

// foldersOf is where the tables are whose rows may be missed.
func foldersOf(t *testing.T, w *warehouse.Warehouse) map[string]string {
	t.Helper()
	var tables []struct {
		Name  string   `ch:"name"`
		Paths []string `ch:"data_paths"`
	}
	err := w.Conn().Select(t.Context(), &tables, "SELECT name, data_paths FROM system.tables "+
		"WHERE database = 'creditmill' AND endsWith(engine, 'MergeTree')")
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{}
	for _, table := range tables {
		if !slices.Contains([]string{"schema_migrations", "locks", "candidate_ids", "notices"}, table.Name) {
			folders[table.Name] = table.Paths[0]
		}
	}
	return folders
}

// partsOf are the folders of the parts. In the order of their names, one that a mutation made follows the one that it
// was made of.
func partsOf(t *testing.T, table string) []string {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(table, "*_*_*"))
	if err != nil || len(parts) == 0 {
		t.Fatalf("no parts in %s: %v", table, err)
	}
	return parts
}

// write makes a file of lines in the folder that the program runs in.
func (p *program) write(t *testing.T, name string, lines ...string) {
	t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(p.directory), name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func event(id string, tokens int) string {
	line, err := json.Marshal(map[string]any{
		"event_id": id, "occurred_at": "2026-10-05T10:00:00Z", "customer_id": "acme", "model": "small-model",
		"input_tokens": tokens,
	})
	if err != nil {
		panic(err)
	}
	return string(line)
}

// want runs a command, which must end with the code, and returns what it wrote.
func (p *program) want(t *testing.T, code int, arguments ...string) (output string) {
	t.Helper()
	stdout, stderr, got := p.run(t, p.dsn, arguments...)
	if got != code {
		t.Fatalf("%s: exit code %d, want %d: %s%s", strings.Join(arguments, " "), got, code, stdout, stderr)
	}
	return stdout + stderr
}

func (p *program) wantWords(t *testing.T, code int, words []string, arguments ...string) {
	t.Helper()
	output := p.want(t, code, arguments...)
	for _, word := range words {
		if !strings.Contains(output, word) {
			t.Errorf("%s says %q, want %q in it", strings.Join(arguments, " "), output, word)
		}
	}
}

// TestLostPartIsToldByEveryTable takes away the parts of each table in turn, as a disk does that forgets a folder.
func TestLostPartIsToldByEveryTable(t *testing.T) {
	p, folders := newDamaged(t)
	p.write(t, "keep.yaml", "sources: [{id: stream, extends: creditmill, keep: largest}]")
	for i, name := range []string{"early.jsonl", "late.jsonl"} { // a row of the second replaces one of the first
		p.write(t, name, event("c", i+1))
		p.want(t, exitOK, "load", "--config", "keep.yaml", "--source", "stream", name)
	}
	p.want(t, exitOK, "aggregate")
	delete(folders, "known_customers") // nothing that counts depends on it
	tables := slices.Sorted(maps.Keys(folders))
	if want := int(warehouse.StoredTables()) + 2; len(tables) != want {
		t.Fatalf("rows are in %d tables, want %d: %v", len(tables), want, tables)
	}
	for _, table := range tables {
		t.Run(table, func(t *testing.T) {
			restore := lose(t, folders[table])
			if strings.HasPrefix(table, "expected_rows") {
				// The other copy has it all; it is told, and written again.
				p.wantWords(t, exitOK, []string{"a_copy_of_the_record_lacked_rows"}, "balance")
				output := p.want(t, exitOK, "balance")
				if strings.Contains(output, "lacked_rows") {
					t.Errorf("the copy is not written again: %s", output)
				}
				return
			}
			w := p.open(t, 0) // the engine stays for both
			p.wantWords(t, exitError, []string{"the warehouse is damaged: " + table, "are missing", "creditmill verify --deep"},
				"invoice", "preview")
			p.wantWords(t, exitError, []string{"tables: " + table, "missing"}, "verify")
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			restore()
		})
	}
	p.want(t, exitOK, "balance")
}

// TestLostRecordIsTold: without any row in either copy, everything would seem to be complete.
func TestLostRecordIsTold(t *testing.T) {
	p, folders := newDamaged(t)
	lose(t, folders["expected_rows"], folders["expected_rows_copy"])
	p.wantWords(t, exitError, []string{"the warehouse is damaged", "expected_rows", "is gone"}, "balance")
	p.wantWords(t, exitError, []string{"accepted: expected_rows"}, "verify", "--accept-loss")
	p.want(t, exitOK, "balance")
}

// TestLossIsAccepted: without a backup, a person may go on with what is left, where nothing else brings it back.
func TestLossIsAccepted(t *testing.T) {
	p, folders := newDamaged(t)
	restore := lose(t, folders["usage_events"])
	p.wantWords(t, exitError, []string{"usage_events of ld_1"}, "verify", "--accept-loss")
	p.wantWords(t, exitError, []string{"usage_events of ld_1"}, "balance")
	restore()
	lose(t, folders["grants"])
	p.wantWords(t, exitError, []string{"grants: 1 of 1 rows are missing"}, "balance")
	p.wantWords(t, exitError, []string{"accepted: grants: 1 of 1 rows are missing"}, "verify", "--accept-loss")
	p.want(t, exitOK, "balance")
	p.want(t, exitOK, "grant", "acme", "5")
	lose(t, folders["grants"])
	p.wantWords(t, exitError, []string{"grants: 1 of 1 rows are missing"}, "balance")
}

// TestDamagedTableStopsEveryCommand loses the row that commits a load, and lets each command have its try.
func TestDamagedTableStopsEveryCommand(t *testing.T) {
	p, folders := newDamaged(t)
	lose(t, folders["loads"])
	w := p.open(t, 0) // the engine stays for all of them
	for _, command := range moneyCommands {
		p.wantWords(t, exitError, []string{"the warehouse is damaged: loads: 1 of 1 rows are missing"}, command...)
	}
	p.wantWords(t, exitOK, []string{"warning: ", "damage          loads: 1 of 1 rows are missing"}, "status")
	p.wantWords(t, exitOK, []string{`"damage":[{"table":"loads","of":"","rows_expected":1,"rows_found":0,` +
		`"reason":"loads: 1 of 1 rows are missing"}]`}, "status", "--json")
	p.wantWords(t, exitOK, []string{"warning: ", "loads: 1 of 1 rows are missing"}, "sql", "SELECT count() FROM v_events")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCutFileKeepsEngineFromStarting cuts a file short, which the engine notices when it starts.
func TestCutFileKeepsEngineFromStarting(t *testing.T) {
	p, folders := newDamaged(t)
	for _, table := range []string{"subscriptions", "usage_events", "expected_rows"} {
		t.Run(table, func(t *testing.T) {
			file := dataFile(t, folders[table])
			whole := read(t, file)
			write(t, file, whole[:len(whole)/2])
			p.wantWords(t, exitError, []string{"the warehouse is damaged", "creditmill." + table, "restore", "--set-aside"},
				"balance")
			write(t, file, whole)
			p.want(t, exitOK, "balance")
		})
	}
	file := dataFile(t, folders["subscriptions"])
	write(t, file, read(t, file)[:9])
	p.wantWords(t, exitError, []string{"tables: subscriptions: 1 of 1 rows are missing", "set aside a damaged part"},
		"verify", "--set-aside")
	p.wantWords(t, exitError, []string{"subscriptions: 1 of 1 rows are missing"}, "balance")
}

// TestFlippedBitIsFoundByVerifyDeep: the file has its length, so the engine starts.
func TestFlippedBitIsFoundByVerifyDeep(t *testing.T) {
	p, folders := newDamaged(t)
	p.wantWords(t, exitError, []string{"hashes"}, "verify", "--deep") // the made-up charge does not add up
	for _, table := range []string{"charge_plan", "usage_events"} {
		t.Run(table, func(t *testing.T) {
			file := dataFile(t, folders[table])
			whole := read(t, file)
			flipped := slices.Clone(whole)
			flipped[len(flipped)/2] ^= 1
			write(t, file, flipped)
			p.wantWords(t, exitError, []string{"files: " + table + ", part all_", "hecksum"}, "verify", "--deep")
			write(t, file, whole)
			if output := p.want(t, exitError, "verify", "--deep"); strings.Contains(output, "files: ") {
				t.Errorf("the file is as it was: %s", output)
			}
		})
	}
}

// TestLostLoadIsLoadedAgain: the rows of a load need no backup while its file is there.
func TestLostLoadIsLoadedAgain(t *testing.T) {
	p, folders := newDamaged(t)
	lose(t, folders["usage_events"], folders["usage_daily"], folders["balances"])
	p.wantWords(t, exitError, []string{"usage_events of ld_1: 2 of 2 rows are missing"}, "load", "usage.jsonl")
	p.want(t, exitOK, "unload", "ld_1")
	p.wantWords(t, exitError, []string{"balances of ag_1", "run creditmill aggregate"}, "balance")
	p.want(t, exitOK, "aggregate")
	p.want(t, exitPartial, "load", "usage.jsonl")
	p.want(t, exitOK, "aggregate")
	p.wantWords(t, exitOK, []string{"acme"}, "balance")
}

// lose puts all parts of the tables out of the engine's sight; restore puts them back.
func lose(t *testing.T, tables ...string) (restore func()) {
	t.Helper()
	var parts []string
	for _, table := range tables {
		parts = append(parts, partsOf(t, table)...)
	}
	return loseParts(t, parts)
}

func loseParts(t *testing.T, parts []string) (restore func()) {
	t.Helper()
	for _, part := range parts {
		err := os.RemoveAll(away(part)) // of an earlier loss
		if err == nil {
			err = os.Rename(part, away(part))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, part := range parts {
			if err := os.Rename(away(part), part); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// away is where a part, DIR/data/store/xxx/TABLE/PART, is while it is lost: beside DIR/data.
func away(part string) string {
	table := filepath.Dir(part)
	return filepath.Join(table, "..", "..", "..", "..", filepath.Base(table)+"."+filepath.Base(part))
}

// dataFile is the file of the columns of the newest part.
func dataFile(t *testing.T, table string) string {
	t.Helper()
	parts := partsOf(t, table)
	return filepath.Join(parts[len(parts)-1], "data.bin")
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
