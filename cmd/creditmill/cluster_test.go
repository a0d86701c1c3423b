package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// onCluster are the scripts of TestScripts that run on a cluster, too: the product's own example, and keep.
var onCluster = []string{
	"seed_free_capped", "seed_free_required", "seed_free_spent", "seed_new_customer", "seed_period_end",
	"seed_pro_fraction", "seed_pro_overage", "seed_same_file", "seed_unknown_model", "seed_upgrade",
	"keep_across",
}

// TestScriptsOnCluster runs scripts of TestScripts once more, on a cluster of two shards.
func TestScriptsOnCluster(t *testing.T) {
	cluster := warehousetest.NewCluster(t, 2)
	params := scriptParams()
	params.Dir = ""
	for _, name := range onCluster {
		params.Files = append(params.Files, filepath.Join("..", "..", "testdata", "script", name+".txtar"))
	}
	params.Setup = func(env *testscript.Env) error {
		dsn := cluster.NewDSN()
		cluster.Migrate(dsn)
		env.Setenv("CREDITMILL_WAREHOUSE", dsn)
		return setupScript(env)
	}
	testscript.Run(t, params)
}

// twin is the program on a warehouse, with a Stripe of its own. Two twins differ in nothing but the warehouse.
type twin struct {
	*testing.T
	config, dsn string
	customers   string // as a file to import
	fake        *stripefake.Server
}

func newTwin(t *testing.T, dsn string) twin {
	t.Helper()
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var fake *stripefake.Server
	fake, err := stripefake.New(stripefake.Config{
		Now: func() time.Time { return start }, Date: func() time.Time { return fake.Now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	fake.AddPrice("price_pro", "usd", 10000)
	t.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_twin")
	catalog, err := filepath.Abs(filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b := twin{T: t, config: filepath.Join(t.TempDir(), "creditmill.yaml"), fake: fake, dsn: dsn}
	b.customers = "customer_id,product,starts_at,stripe_customer,stripe_subscription\n"
	for _, id := range []string{"1", "2"} {
		fake.AddCustomer("cus_" + id)
		subscription := fake.AddSubscription("cus_"+id, "price_pro", start)
		b.customers += fmt.Sprintf("cus_%s,pro,2026-10-01,cus_%s,%s\n", id, id, subscription)
	}
	text := fmt.Sprintf("warehouse: %s\ncatalog: %s\nstripe: {base_url: %q}\n", dsn, catalog, listener.URL)
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// aside is what differs between any two warehouses: their names, what the machine's clock and memory say, how many
// parts they are made of, the random names of runs that post, and in which order requests reach Stripe.
var aside = regexp.MustCompile(`"(?:warehouse|started_at|changed_at|committed_at)":"[^"]*"|"disk":\{[^}]*\}|` +
	`"(?:elapsed_ms|engine_memory_bytes)":\d+|"run_id":"run_[0-9a-f]+"|"request_id":"req_\d+"|"stripe_id":"ii_\d+"|` +
	`"name":"files","ok":true,"looked_at":\d+`)

// creditmill runs the program by Stripe's clock and returns what it says, with the exit code.
func (b twin) creditmill(args ...string) string {
	b.Helper()
	var stdout, stderr bytes.Buffer
	a := newApp(strings.NewReader(""), &stdout, &stderr)
	a.now = b.fake.Now
	root := newRootCommand(a)
	root.SetArgs(append([]string{"--config", b.config, "--json"}, args...))
	command, err := root.ExecuteContextC(b.Context())
	code := a.finish(b.Context(), command, err)
	said := fmt.Sprintf("exit %d\n%s%s", code, &stdout, &stderr)
	return aside.ReplaceAllString(said, "")
}

// usage is a row of a log.
type usage struct {
	id, customer, model string
	day, input          int
}

func (u usage) String() string {
	const row = `{"event_id":%q,"occurred_at":"2026-10-%02dT10:00:00Z","customer_id":%q,"model":%q,"input_tokens":%d}`
	return fmt.Sprintf(row, u.id, u.day, u.customer, u.model, u.input)
}

// writeTwinLogs writes the logs of the test to the folder: two of random ids, and a third with 1,000 rows of the first,
// 500 that contradict the second, 100 that it has twice itself, and 10 that cannot be understood.
func writeTwinLogs(t *testing.T, folder string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the logs are the same each time
	log := func(rows int) []usage {
		made := make([]usage, rows)
		for i := range made {
			made[i] = usage{
				id: fmt.Sprintf("%016x", random.Uint64()), customer: fmt.Sprintf("cus_%d", random.IntN(200)),
				model: []string{"small-model", "medium-model", "large-model"}[random.IntN(3)],
				day:   1 + random.IntN(31), input: random.IntN(2000),
			}
			if made[i].customer == "cus_3" {
				made[i].model = "mystery-model"
			}
		}
		return made
	}
	first, second, third, late := log(2000), log(2000), log(1000), log(500)
	third = append(third, first[:1000]...)
	for _, row := range second[:500] {
		row.input++
		third = append(third, row)
	}
	third = append(third, third[:100]...)
	late = append(late, third[900:1100]...)
	for name, rows := range map[string][]usage{"first": first, "second": second, "third": third, "late": late} {
		var text strings.Builder
		for _, row := range rows {
			fmt.Fprintln(&text, row)
		}
		if name == "third" {
			text.WriteString(strings.Repeat("{\"event_id\":\"\"}\n", 10))
		}
		if err := os.WriteFile(filepath.Join(folder, name+".jsonl"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// twinSteps are the commands that both twins are given; view NAME is a query of all that the view has.
var twinSteps = []string{
	"load first.jsonl second.jsonl", "load third.jsonl --max-rejects 10", "rejects ld_3 --repeated",
	"customers", "aggregate", "balance cus_1", "balance cus_3", "invoice preview", "load first.jsonl", "month",
	"aggregate", "invoice preview", "invoice post --yes", "verify", "status", "load late.jsonl", "aggregate",
	"invoice preview", "invoice post --yes", "invoice show 2026-10", "unload ld_2", "aggregate",
	"balance cus_1", "invoice preview", "load second.jsonl", "rejects ld_5 --repeated", "aggregate",
	"invoice preview", "forget cus_3 --reason asked", "rejects ld_3", "verify --deep", "status", "loads",
	"view v_loads", "view v_events", "view v_duplicates", "view v_usage_daily", "view v_usage_units",
	"view v_spend_daily", "view v_spend_units", "view v_period_spend", "view v_balances", "view v_charges",
	"view v_runs",
}

func (b twin) step(step string) string {
	b.Helper()
	words := strings.Fields(step)
	switch words[0] {
	case "customers":
		name := filepath.Join(b.TempDir(), "customers.csv")
		if err := os.WriteFile(name, []byte(b.customers), 0o600); err != nil {
			b.Fatal(err)
		}
		return b.creditmill("customers", "import", name)
	case "month":
		b.fake.Advance(31*24*time.Hour + 20*time.Minute)
		return ""
	case "view":
		return b.creditmill("sql", "SELECT * FROM "+words[1]+" ORDER BY ALL")
	}
	return b.creditmill(words...)
}

// TestClusterAnswersAsEmbedded gives the same commands to an embedded warehouse and to a cluster of two shards, over
// which the loads are spread, and compares what they print, byte for byte.
func TestClusterAnswersAsEmbedded(t *testing.T) {
	cluster := warehousetest.NewCluster(t, 2)
	spread := newTwin(t, cluster.NewDSN())
	cluster.Migrate(spread.dsn)
	embedded := newTwin(t, "embedded:"+filepath.Join(t.TempDir(), "data"))
	kept, err := warehouse.Open(t.Context(), warehouse.Config{DSN: embedded.dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	folder := t.TempDir()
	writeTwinLogs(t, folder)
	t.Chdir(folder)
	for _, step := range twinSteps {
		want, got := embedded.step(step), spread.step(step)
		if got != want {
			t.Errorf("creditmill %s on a cluster (+) is not as embedded (-):\n%.3000s", step, cmp.Diff(want, got))
		}
	}
	cluster.MustBeSpread(spread.dsn)
	mustSayWhichShardIsAway(t, cluster, spread)
}

// mustSayWhichShardIsAway: while a shard is away, nothing is answered without it, and nothing is changed; when it is
// back, all is as it was.
func mustSayWhichShardIsAway(t *testing.T, cluster *warehousetest.Cluster, spread twin) {
	t.Helper()
	steps := []string{
		"balance cus_1 --at 2026-11-01", "invoice preview", "view v_events", "load late.jsonl", "aggregate", "verify",
	}
	before := spread.step("view v_events") + spread.step("loads")
	cluster.Stop(1)
	for _, step := range steps {
		said := spread.step(step)
		if !strings.Contains(said, "on shard 2 (127.0.0.1:") || !strings.HasPrefix(said, "exit 10\n") {
			t.Errorf("creditmill %s without a shard: %.500s", step, said)
		}
	}
	cluster.Start(1)
	if after := spread.step("view v_events") + spread.step("loads"); after != before {
		t.Errorf("after a shard was away, the warehouse answers otherwise: %.2000s", cmp.Diff(before, after))
	}
}
