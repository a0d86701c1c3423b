package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

//go:generate go test -run ^TestConfigSchema$ -update

// settingDocs says of each setting of creditmill.yaml what it is, for the JSON Schema that editors read.
var settingDocs = map[string]struct{ kind, doc string }{
	"warehouse":                {textKind, "embedded:DIR or clickhouse://user@host:9000/database."},
	"catalog":                  {textKind, "The price book. Default catalog.yaml."},
	"inbox":                    {textKind, "Folder that creditmill run empties into loads."},
	"ingest":                   {"", "How log files are read."},
	"ingest.max_rejects":       {rejectsKind, "Most rejected rows of a file that is loaded: a number, or 1%."},
	"ingest.max_line_bytes":    {countKind, "Longest line that is loaded. Default 16777216."},
	"ingest.settle":            {durationKind, "How long a file of the inbox must not have changed. Default 5s."},
	"ingest.workers":           {countKind, "Files loaded at a time. Default: as many as there are cores."},
	"stripe":                   {"", "Which Stripe account, and where its key is."},
	"stripe.base_url":          {textKind, "Address of Stripe's API, for tests."},
	"stripe.success_url":       {textKind, "Where Checkout sends a customer who has paid."},
	"stripe.cancel_url":        {textKind, "Where Checkout sends a customer who has turned back."},
	"stripe.account":           {textKind, "acct_…: a key of any other account is refused."},
	"stripe.api_key_file":      {textKind, "File that holds the secret key."},
	"stripe.writes_per_second": {countKind, "Requests that write. Default 20, 5 with a test key."},
	"stripe.reads_per_second":  {countKind, "Requests that read. Default 80, 20 with a test key."},
	"schedule":                 {"", "What creditmill run does by itself, and when."},
	"schedule.load":            {textKind, "Cron expression; default each minute where there is an inbox."},
	"schedule.aggregate":       {textKind, "Cron expression, such as \"15 2 * * *\"."},
	"schedule.invoice":         {textKind, "Cron expression, such as \"0 6 2 * *\"."},
	"invoice":                  {"", "What is held back instead of charged."},
	"invoice.late_window":      {durationKind, "How long after a period's end late usage is billed. Default 60d."},
	"invoice.max_charge":       {numberKind, "Larger charges are held. In the catalog's currency."},
	"invoice.anomaly_factor":   {numberKind, "Spend above this times the customer's usual is held."},
	"invoice.timing":           {timingKind, "When the overage is billed. Default next_invoice."},
	"invoice.finalize":         {boolKind, "Whether invoices of their own are finalized. Default true; false: drafts."},
	"invoice.days_until_due":   {countKind, "Days to pay an invoice that is mailed. Default 30."},
	"entitled":                 {"", "Who may use more."},
	"entitled.past_due":        {pastDueKind, "Customers who are past due or unpaid at Stripe. Default allow."},
	"analyst":                  {"", "What readers of the views see. It is kept in the warehouse."},
	"analyst.properties":       {boolKind, "Whether the views show the properties of log rows. Default true."},
}

// The kinds of settings, by what their JSON Schemas are.
const (
	textKind     = "text"
	countKind    = "count"
	numberKind   = "number"
	durationKind = "duration"
	timingKind   = "timing"
	pastDueKind  = "past due"
	rejectsKind  = "rejects"
	boolKind     = "bool"
)

var settingShapes = map[string]schemas.Schema{
	"":           {"type": "object", "additionalProperties": false},
	textKind:     {"type": []string{"string", "number"}},
	countKind:    {"type": []string{"integer", "string"}, "pattern": "^[0-9]+$"},
	numberKind:   {"type": []string{"number", "string"}, "pattern": `^[0-9]*\.?[0-9]*$`},
	durationKind: {"type": []string{"string", "integer"}, "pattern": "^[0-9]"},
	timingKind:   {"type": "string", "enum": []string{"next_invoice", "cutoff", "bill_now"}},
	pastDueKind:  {"type": "string", "enum": []string{"allow", "deny"}},
	boolKind:     {"type": "boolean"},
	rejectsKind:  {"type": []string{"integer", "string"}, "pattern": "^[0-9]+%?$"},
}

// configSchema is the JSON Schema of creditmill.yaml, for editors.
func configSchema() (schemas.Schema, error) {
	properties := map[string]schemas.Schema{"sources": schemas.SourcesSchema()}
	for _, name := range slices.Sorted(maps.Keys((&config{}).settings())) {
		if name == "sources" {
			continue
		}
		shape, err := settingSchema(name)
		if err != nil {
			return nil, err
		}
		group, key, nested := strings.Cut(name, ".")
		if !nested {
			properties[name] = shape
			continue
		}
		if properties[group] == nil {
			if properties[group], err = settingSchema(group); err != nil {
				return nil, err
			}
			properties[group]["properties"] = map[string]schemas.Schema{}
		}
		properties[group]["properties"].(map[string]schemas.Schema)[key] = shape
	}
	return schemas.Schema{
		"$schema": schemas.SchemaDialect, "title": "creditmill settings", "type": "object",
		"additionalProperties": false, "properties": properties,
	}, nil
}

func settingSchema(name string) (schemas.Schema, error) {
	described, ok := settingDocs[name]
	if !ok {
		return nil, fmt.Errorf("setting %s is not described in settingDocs", name)
	}
	shape := maps.Clone(settingShapes[described.kind])
	shape["description"] = described.doc
	return shape, nil
}
