package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/serve"
)

// alertRules is what a test looks at of a file of alert rules.
type alertRules struct {
	Groups []struct {
		Rules []struct {
			Alert string `yaml:"alert"`
			Expr  string `yaml:"expr"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// dashboard is what a test looks at of Grafana's dashboard.
type dashboard struct {
	Panels []struct {
		Title   string `json:"title"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

var (
	metricName   = regexp.MustCompile(`creditmill_[a-z_]+`)
	ofHistograms = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// TestMonitoring: the alerts and the dashboard are read by Prometheus's own parser, ask for figures that there are, and
// docs/operate.md says what to do when an alert fires.
func TestMonitoring(t *testing.T) {
	folder := filepath.Join("..", "..", "serve", "monitoring")
	var alerts alertRules
	var board dashboard
	readWith(t, yaml.Unmarshal, filepath.Join(folder, "alerts.yaml"), &alerts)
	readWith(t, json.Unmarshal, filepath.Join(folder, "dashboard.json"), &board)
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	if n := strings.Count(string(guide), "\n\n**`Creditmill"); len(alerts.Groups) != 1 ||
		n != len(alerts.Groups[0].Rules) {
		t.Errorf("docs/operate.md has paragraphs of %d alerts in %d groups", n, len(alerts.Groups))
	}
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			queries = append(queries, rule.Expr)
			_, paragraph, _ := strings.Cut(string(guide), "\n\n**`"+rule.Alert+"`** ")
			if paragraph, _, _ = strings.Cut(paragraph, "\n\n"); len(paragraph) < 200 {
				t.Errorf("docs/operate.md says of %s only %q", rule.Alert, paragraph)
			}
		}
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}
	known := servedMetrics(t)
	for _, query := range queries {
		for _, name := range metricName.FindAllString(query, -1) {
			if !known[ofHistograms.ReplaceAllString(name, "")] {
				t.Errorf("there is no %s, for which %s asks", name, query)
			}
		}
	}
	checker := filepath.Join(t.TempDir(), "rulecheck")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(folder, "rulecheck"), "-o", checker, ".")
	build.Env = append(os.Environ(), "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build rulecheck: %v\n%s", err, output)
	}
	check := func(queries string) (string, error) {
		command := exec.CommandContext(t.Context(), checker, filepath.Join(folder, "alerts.yaml"))
		command.Stdin = strings.NewReader(queries)
		output, err := command.CombinedOutput()
		return string(output), err
	}
	if output, err := check(strings.Join(queries, "\n")); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if output, err := check("rate(creditmill_events"); err == nil {
		t.Errorf("a query that is none passes: %s", output)
	}
}

// readWith reads a file.
func readWith(t *testing.T, decode func([]byte, any) error, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = decode(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestHeldMetrics: /metrics, the textfile of a job and `status --held` count held charges by code, and the list of the
// web app finds them by it.
func TestHeldMetrics(t *testing.T) {
	s := serveScene(t)
	var preview struct {
		Charges []struct {
			Customer string   `json:"customer_id"`
			Codes    []string `json:"hold_codes"`
		} `json:"charges"`
	}
	s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/invoices/preview", "", &preview)
	want := map[string]int{}
	for _, charge := range preview.Charges {
		for _, code := range charge.Codes {
			want[code]++
		}
	}
	if want["no_stripe_customer"] < 2 || want["unrated"] != 1 || want["above_max_charge"] < 1 {
		t.Fatalf("%v", want)
	}
	counted := func(figures string) {
		t.Helper()
		found := map[string]int{}
		for _, line := range regexp.MustCompile(`(?m)^creditmill_charges_held\{reason="(\w+)"\} (\d+)$`).
			FindAllStringSubmatch(figures, -1) {
			count, err := strconv.Atoi(line[2])
			if err != nil {
				t.Fatal(err)
			}
			if found[line[1]] = count; count != want[line[1]] {
				t.Errorf("%s: %d, want %d", line[1], count, want[line[1]])
			}
		}
		if len(found) != len(plan.PlannedHoldCodes()) {
			t.Errorf("%d codes: %v", len(found), found)
		}
	}
	counted(s.want(http.StatusOK, serve.RoleAdmin, "GET", "/metrics", "", nil).body)
	anna := s.browse().signIn(serve.RoleFinance)
	anna.shows(anna.get("/invoices?hold=unrated"), "unrated usage", "delta")
	if page := anna.get("/invoices?hold=unrated"); strings.Contains(page.body, ">acme<") {
		t.Error("the filter by code shows what it does not hold")
	}
	s.stop()
	file := filepath.Join(s.directory, "creditmill.prom")
	s.creditmill("run", "--once", "aggregate", "--metrics-file", file)
	counted(s.read("creditmill.prom"))
	var status statusResult
	if err := json.Unmarshal([]byte(s.creditmill("status", "--held", "--json")), &status); err != nil ||
		status.Charges.Held[plan.HoldUnrated] != 1 || len(status.Charges.Held) != len(plan.PlannedHoldCodes()) {
		t.Errorf("%v %v", status.Charges.Held, err)
	}
	if text := s.creditmill("status", "--held"); !strings.Contains(text, "held unrated") ||
		strings.Contains(text, "held credit") {
		t.Error(text)
	}
	if text := s.creditmill("status", "--json"); !strings.Contains(text, `"held":null`) {
		t.Error(text)
	}
}

// servedMetrics are the names at /metrics of a server that has loaded, run a job and been asked.
func servedMetrics(t *testing.T) map[string]bool {
	t.Helper()
	s := serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events",
		row("a1", "2026-10-05T10:00:00Z", "acme", "small-model", 2000), nil)
	s.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, nil)
	s.stop()
	s.creditmill("run", "--once", "aggregate")
	s.start()
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events",
		row("a2", "2026-10-05T10:00:00Z", "acme", "small-model", 2000), nil)
	s.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, nil)
	names := map[string]bool{}
	figures := s.want(http.StatusOK, serve.RoleAdmin, "GET", "/metrics", "", nil).body
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(figures, -1) {
		names[found[1]] = true
	}
	return names
}
