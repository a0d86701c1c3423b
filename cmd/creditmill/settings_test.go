package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/warehouse"
)

func TestConfigFile(t *testing.T) {
	c := &config{Warehouse: defaultWarehouse, Catalog: defaultCatalog}
	problems := c.parse("/etc/mill/creditmill.yaml", []byte(`
warehouse: embedded:data
catalog: prices/catalog.yaml   # beside this file
inbox: /srv/inbox
analyst: {properties: false, max_memory_bytes: 5, max_seconds: 6, max_rows: 7}
sources:
  - {id: gateway, anything: goes}
ingest: {max_line_bytes: 2097152, workers: 3, max_rejects: 2%}
stripe:
  base_url: "http://127.0.0.1:1"
  account: acct_1
  api_key_file: key
schedule:
  aggregate: "15 2 * * *"
invoice:
  late_window: 45d
  max_charge: 1e3
  anomaly_factor: "2.50"
  timing: cutoff
  finalize: false
  usage_tolerance: 0.5%
  days_until_due: 14
serve:
  user_header: X-Forwarded-User
  trusted_networks: "10.1.2.3/8, fd00::/8"
  requests_per_second: 7
  spool: spool   # beside this file
  max_spool_bytes: 900
  sql: false
  sql_native_port: 8
  sql_http_port: 9
notify: {url: "https://hooks.example.com/secret", shape: slack, usage_missing_after: 2h}
`))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	got := []string{
		c.Warehouse, c.Catalog, c.Inbox, c.Stripe.BaseURL, c.Stripe.Account, c.Stripe.APIKeyFile,
		c.Schedule.Aggregate, c.Schedule.Invoice, c.Invoice.MaxCharge.Decimal.String(),
		c.Invoice.AnomalyFactor.Decimal.String(), c.Invoice.Timing,
	}
	want := []string{
		"embedded:/etc/mill/data", "/etc/mill/prices/catalog.yaml", "/srv/inbox", "http://127.0.0.1:1", "acct_1",
		"/etc/mill/key", "15 2 * * *", "", "1000", "2.5", "cutoff",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	limit := ingest.MaxRejects{Set: true, Limit: 2, Percent: true}
	if c.Ingest != (ingestConfig{MaxLineBytes: 2 << 20, Workers: 3, MaxRejects: limit}) {
		t.Errorf("ingest: %+v", c.Ingest)
	}
	if c.Analyst.limits() != (warehouse.AnalystLimits{MemoryBytes: 5, Seconds: 6, Rows: 7}) {
		t.Errorf("analyst: %+v", c.Analyst)
	}
	if c.Analyst.Properties == nil || *c.Analyst.Properties {
		t.Errorf("analyst.properties: %v", c.Analyst.Properties)
	}
	if c.Invoice.Finalize == nil || *c.Invoice.Finalize || c.Invoice.DaysUntilDue != 14 {
		t.Errorf("finalize: %v, days_until_due: %d", c.Invoice.Finalize, c.Invoice.DaysUntilDue)
	}
	if got := c.Invoice.Tolerance; !got.Valid || got.Decimal.String() != "0.5" {
		t.Errorf("usage_tolerance: %v", got)
	}
	if c.Invoice.LateWindow != 45*24*time.Hour {
		t.Errorf("late_window: %v", c.Invoice.LateWindow)
	}
	if c.Notify != (notifyConfig{"https://hooks.example.com/secret", shapeSlack, 2 * time.Hour}) {
		t.Errorf("notify: %+v", c.Notify)
	}
	if c.Serve.SQL == nil || *c.Serve.SQL {
		t.Errorf("serve.sql: %v", c.Serve.SQL)
	}
	c.Serve.SQL = nil
	if got := fmt.Sprint(c.Serve); got != "{X-Forwarded-User [10.0.0.0/8 fd00::/8] 7 /etc/mill/spool 900 <nil> 8 9}" {
		t.Errorf("serve: %s", got)
	}
}

// TestConfigAnchors: anchors, aliases and merged keys work in settings as they do in a catalog.
func TestConfigAnchors(t *testing.T) {
	c := &config{}
	problems := c.parse("c.yaml", []byte(`
invoice: {max_charge: &amount "500.00", anomaly_factor: *amount}
stripe: &limits
  writes_per_second: 7
  <<: {reads_per_second: 9, writes_per_second: 8}
`))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if got := c.Invoice.AnomalyFactor.Decimal.String(); got != "500" ||
		c.Stripe.Limits.Writes != 7 || c.Stripe.Limits.Reads != 9 {
		t.Errorf("anomaly_factor %s, %d writes and %d reads a second", got, c.Stripe.Limits.Writes, c.Stripe.Limits.Reads)
	}
}

func TestConfigMistakesAreReportedAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"unknown fields": {
			"warehose: x\nstripe: {acount: y}\n",
			[]string{
				`c.yaml:1:1: unknown field "warehose" (known here: analyst, catalog, entitled, inbox, ingest, invoice, ` +
					`notify, retention, schedule, serve, ` +
					`sources, stripe, warehouse)`,
				`c.yaml:2:10: unknown field "acount" (known here: account, api_key_file, base_url, cancel_url, ` +
					`endpoint_requests_per_second, reads_per_second, requests_per_second, success_url, writes_per_second)`,
			},
		},
		"values": {
			"ingest: {workers: 0, max_line_bytes: many, max_rejects: 101%}\nschedule: {invoice: daily}\n" +
				"invoice:\n  late_window: soon\n  max_charge: -1\n  timing: now\nanalyst: {properties: no}\n",
			[]string{
				`c.yaml:1:19: ingest.workers: want a whole number from 1, not "0"`,
				`c.yaml:1:38: ingest.max_line_bytes: want a whole number from 1, not "many"`,
				`c.yaml:1:57: ingest.max_rejects: want a number of rows such as 10, or a share such as 1%, not "101%"`,
				`c.yaml:2:21: schedule.invoice: want a cron expression such as "15 2 * * *", not "daily"`,
				`c.yaml:4:16: invoice.late_window: want days such as 60d, or hours such as 36h, not "soon"`,
				`c.yaml:5:15: invoice.max_charge: want a number above 0 such as "500.00", not "-1"`,
				`c.yaml:6:11: invoice.timing: want renewal or next_invoice or cutoff or bill_now, not "now"`,
				`c.yaml:7:23: analyst.properties: want true or false, not "no"`,
			},
		},
		"shapes": {
			"warehouse: [a]\nstripe: key\n",
			[]string{
				`c.yaml:1:12: warehouse takes one value`,
				`c.yaml:2:9: stripe takes settings of its own, such as account`,
			},
		},
		"a list": {"- a\n", []string{`c.yaml:1:1: the file takes settings of its own, such as analyst`}},
		"second one": {
			"inbox: a\n---\ninbox: b\n", []string{`c.yaml:3:1: second YAML document: write one document a file`},
		},
		"repeated key":   {"inbox: a\ninbox: b\n", []string{`c.yaml:2:1: field "inbox" is repeated (first at 1:1)`}},
		"unknown anchor": {"inbox: *nowhere\n", []string{`c.yaml:1:8: unknown anchor "nowhere"`}},
		"a mistake behind an anchor, once": {
			"ingest: &i {workers: 0}\nstripe: {writes_per_second: &n many, reads_per_second: *n}\n",
			[]string{
				`c.yaml:1:22: ingest.workers: want a whole number from 1, not "0"`,
				`c.yaml:2:29: stripe.writes_per_second: want a whole number from 1, not "many"`,
				`c.yaml:2:56: stripe.reads_per_second: want a whole number from 1, not "many"`,
			},
		},
		"who signs people in": {
			"serve:\n  user_header: 'X User'\n  trusted_networks: 10.0.0.0/8, everybody\n",
			[]string{
				`c.yaml:2:16: serve.user_header: want a header such as X-Forwarded-User, not "X User"`,
				`c.yaml:3:21: serve.trusted_networks: want networks such as 10.0.0.0/8, fd00::/8, not "10.0.0.0/8, everybody"`,
			},
		},
		"comments only": {"# nothing\n", nil},
		"empty":         {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			problems := readSettings("c.yaml", []byte(test.text), (&config{}).settings())
			if len(problems) > 0 {
				got = strings.Split(problems.Error(), "\n")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
