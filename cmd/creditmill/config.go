package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/retention"
	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

const (
	defaultConfigFile = "creditmill.yaml"
	defaultCatalog    = "catalog.yaml"
	defaultWarehouse  = "embedded:creditmill-data"
)

// config is creditmill.yaml, with the flags of the command line laid over it. Paths in the file are relative to the
// file.
type config struct {
	File      string // empty: there is none
	Text      []byte // the file as it was read, for schemas.ParseSources
	Warehouse string
	Catalog   string
	Inbox     string // folder that the cron job loads from; empty: none
	Ingest    ingestConfig
	Stripe    stripeConfig
	Schedule  scheduleConfig
	Invoice   invoiceConfig
	Analyst   analystConfig
	Entitled  entitledConfig
	Serve     serveConfig
	Notify    notifyConfig
	Retention retention.Rules // without LateWindow
}

// serveConfig is how people sign in to the pages of serve without a token of their own, and what is taken at most.
type serveConfig struct {
	UserHeader string         // a proxy's header with the name of a token; empty: there is none
	Trusted    []netip.Prefix // networks of proxies beside loopback
	Requests   int            // of a token in a second; 0: the default of package serve
	Spool      string         // folder where accepted rows wait to be loaded; empty: see spoolDirectory
	SpoolBytes int            // that may wait to be loaded; 0: the default of package serve
	// SQL lets analysts in, on ports that are the defaults where they are 0; nil: nobody is.
	SQL                        *bool
	SQLNativePort, SQLHTTPPort int
}

type entitledConfig struct {
	PastDue string // allow or deny customers whose subscription is past due or unpaid; empty: allow
}

type ingestConfig struct {
	MaxLineBytes int               // 0: the default of package ingest, 16 MiB
	Workers      int               // 0: as many as there are cores
	Jobs         int               // 0: as many as there are workers; --jobs has the last word
	Settle       time.Duration     // how long a file of the inbox must not have changed
	MaxRejects   ingest.MaxRejects // of load and inbox alike; --max-rejects has the last word
}

type analystConfig struct {
	Properties *bool // whether the views show the properties of log rows; nil: as the warehouse has it
	// What a query of the user analyst may take; 0: the defaults of package warehouse.
	MaxMemoryBytes, MaxSeconds, MaxRows int
}

func (c analystConfig) limits() warehouse.AnalystLimits {
	return warehouse.AnalystLimits{
		MemoryBytes: uint64(c.MaxMemoryBytes), Seconds: uint64(c.MaxSeconds), Rows: uint64(c.MaxRows), //nolint:gosec // ≥ 0
	}
}

type stripeConfig struct {
	BaseURL    string // empty: Stripe itself
	Account    string // acct_…, empty: the key's own; posting refuses a key of another account
	APIKeyFile string // read where the environment has no key
	SuccessURL string // where Checkout sends a customer who paid; empty: a page that says so
	CancelURL  string // where Checkout sends one who went back
	Limits     stripe.Limits
}

type scheduleConfig struct {
	Load      string // cron expression; empty: each minute where there is an inbox
	Aggregate string // empty: not run by itself
	Invoice   string
	Expire    string // empty: not run by itself
	Renewals  string // empty: every ten minutes where Invoice is set and charges go on renewals
}

type invoiceConfig struct {
	LateWindow    time.Duration       // how long after a period's end its late usage is still billed
	MaxCharge     decimal.NullDecimal // in the currency; larger charges are held. Not valid: no bound
	AnomalyFactor decimal.NullDecimal // spend above this times the trailing median is held. Not valid: no bound
	Tolerance     decimal.NullDecimal // percent of a provider's usage that the logs may lack. Not valid: not looked at
	Timing        string              // renewal, next_invoice, cutoff or bill_now; empty: renewal
	Settle        time.Duration       // how long after a period's end its usage may still arrive, with renewal
	Credits       string              // next_invoice or credit_note: how credits are posted; empty: next_invoice
	Detail        string              // charge or feature: what one item is; empty: charge
	Approval      string              // none or required; empty: none
	Finalize      *bool               // false: invoices of their own stay drafts for a person; nil: they are finalized
	AutomaticTax  *bool               // true: Stripe computes the tax on invoices of their own
	DaysUntilDue  int                 // of invoices that are mailed; 0: the default of package invoice
}

// loadConfig reads the config file, if there is one, and lays the flags over it. All mistakes are reported at once.
func loadConfig(flags globalFlags) (*config, error) {
	read := &config{Warehouse: defaultWarehouse, Catalog: defaultCatalog}
	read.Invoice.LateWindow, read.Invoice.Settle = plan.DefaultLateWindow, plan.DefaultSettle
	read.Ingest.Settle = defaultSettle
	name := flags.configFile
	if name == "" {
		name = defaultConfigFile
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flags.configFile == "":
	case err != nil:
		return nil, usagef("read config: %w", err)
	default:
		if problems := read.parse(name, text); problems.Err() != nil {
			return nil, &usageError{err: problems.Err()}
		}
	}
	if flags.warehouse != "" {
		read.Warehouse = flags.warehouse
	}
	if flags.catalog != "" {
		read.Catalog = flags.catalog
	}
	if address := os.Getenv(notifyURLKey); address != "" {
		if !isWebAddress(address) { // it is a secret, so it is not quoted
			return nil, usagef("read %s: want an address such as https://hooks.example.com/…", notifyURLKey)
		}
		read.Notify.URL = address
	}
	return read, nil
}

// parse fills the config from the text of its file and resolves its paths.
func (c *config) parse(name string, text []byte) schemas.Problems {
	c.File, c.Text = name, text
	problems := readSettings(name, text, c.settings())
	directory := filepath.Dir(name)
	for _, path := range []*string{&c.Catalog, &c.Inbox, &c.Stripe.APIKeyFile, &c.Serve.Spool} {
		if *path != "" && !filepath.IsAbs(*path) && !objects.IsURL(*path) {
			*path = filepath.Join(directory, *path)
		}
	}
	if kept, is := strings.CutPrefix(c.Warehouse, "embedded:"); is && kept != "" && !filepath.IsAbs(kept) {
		c.Warehouse = "embedded:" + filepath.Join(directory, kept)
	}
	return problems
}

// sourcesKey is read by schemas.ParseSources.
const sourcesKey = "sources"

// settings is every key of the file but sourcesKey: what it is, and what it sets.
func (c *config) settings() map[string]setting {
	known := map[string]setting{
		"warehouse": textSetting(&c.Warehouse,
			"embedded:DIR or clickhouse://user@host:9000/database."),
		"catalog": textSetting(&c.Catalog, "The price book. Default catalog.yaml."),
		"inbox": textSetting(&c.Inbox,
			"Folder that creditmill run empties into loads, or s3://bucket/prefix/, which it reads."),
		"analyst": settingGroup("What readers of the views see, and what their queries may take."),
		"analyst.properties": boolSetting(&c.Analyst.Properties,
			"Whether the views show the properties of log rows. Default true."),
		"analyst.max_memory_bytes": countSetting(&c.Analyst.MaxMemoryBytes,
			"Memory of a query of the user analyst. Default 1000000000."),
		"analyst.max_seconds": countSetting(&c.Analyst.MaxSeconds,
			"How long a query of the user analyst may take. Default 300."),
		"analyst.max_rows": countSetting(&c.Analyst.MaxRows,
			"Rows that a query of the user analyst may answer. Default 1000000."),
		"stripe": settingGroup("Which Stripe account, and where its key is."),
		"stripe.base_url": textSetting(&c.Stripe.BaseURL,
			"Address of Stripe's API, for tests."),
		"stripe.account": textSetting(&c.Stripe.Account,
			"acct_…: a key of any other account is refused."),
		"stripe.api_key_file": textSetting(&c.Stripe.APIKeyFile,
			"File that holds the secret key."),
		"stripe.success_url": urlSetting(&c.Stripe.SuccessURL,
			"Where Checkout sends a customer who has paid."),
		"stripe.cancel_url": urlSetting(&c.Stripe.CancelURL,
			"Where Checkout sends a customer who has turned back."),
		"stripe.requests_per_second": countSetting(&c.Stripe.Limits.Account,
			"Requests of all kinds. Default 96, 24 with a test key."),
		"stripe.endpoint_requests_per_second": countSetting(&c.Stripe.Limits.Endpoint,
			"Requests of each kind, a method and a path. Default 24."),
		"stripe.writes_per_second": countSetting(&c.Stripe.Limits.Writes,
			"Requests that write. Default: as many as the others allow."),
		"stripe.reads_per_second": countSetting(&c.Stripe.Limits.Reads,
			"Requests that read. Default: as many as the others allow."),
		"schedule": settingGroup("What creditmill run does by itself, and when."),
		"schedule.load": cronSetting(&c.Schedule.Load,
			"Cron expression; default each minute where there is an inbox, every ten for s3://."),
		"schedule.aggregate": cronSetting(&c.Schedule.Aggregate,
			"Cron expression, such as \"15 2 * * *\"."),
		"schedule.invoice": cronSetting(&c.Schedule.Invoice,
			"Cron expression, such as \"0 6 2 * *\"."),
		"schedule.renewals": cronSetting(&c.Schedule.Renewals,
			"Cron expression; default every 10 minutes where schedule.invoice is set."),
	}
	maps.Copy(known, c.invoiceSettings())
	maps.Copy(known, c.ingestSettings())
	maps.Copy(known, c.answerSettings())
	return known
}

// invoiceSettings are those of what is charged, and how.
func (c *config) invoiceSettings() map[string]setting {
	return map[string]setting{
		"invoice": settingGroup("What is held back instead of charged."),
		"invoice.late_window": durationSetting(&c.Invoice.LateWindow,
			"How long after a period's end late usage is billed. Default 60d."),
		"invoice.max_charge": decimalSetting(&c.Invoice.MaxCharge,
			"Larger charges are held. In the catalog's currency."),
		"invoice.anomaly_factor": decimalSetting(&c.Invoice.AnomalyFactor,
			"Spend above this times the customer's usual is held."),
		"invoice.usage_tolerance": percentSetting(&c.Invoice.Tolerance,
			"What the logs may lack of a model's tokens in a provider's usage report, a day: 1%. Default: not compared."),
		"invoice.timing": choiceSetting(&c.Invoice.Timing,
			"Which invoice the overage is on. Default renewal.", timingRenewal, "next_invoice", timingCutoff, timingBillNow),
		"invoice.settle": durationSetting(&c.Invoice.Settle,
			"How long after a period's end usage may arrive, with timing renewal. Default 10m."),
		"invoice.credits": choiceSetting(&c.Invoice.Credits,
			"How negative adjustments are posted: next_invoice (default), or credit_note on the invoice of their period.",
			"next_invoice", creditNote),
		"invoice.detail": choiceSetting(&c.Invoice.Detail,
			"What one line of an invoice is: a charge, or a feature's share of it. Default charge.", "charge", detailFeature),
		"invoice.approval": choiceSetting(&c.Invoice.Approval,
			"Whether charges need an approval before they are posted. Default none.", approvalNone, approvalRequired),
		"invoice.finalize": boolSetting(&c.Invoice.Finalize,
			"Whether invoices of their own are finalized. Default true; false: drafts."),
		"invoice.automatic_tax": boolSetting(&c.Invoice.AutomaticTax,
			"true: Stripe computes the tax on invoices of their own. Default: as the account has it."),
		"invoice.days_until_due": countSetting(&c.Invoice.DaysUntilDue,
			"Days to pay an invoice that is mailed. Default 30."),
	}
}

func (c *config) ingestSettings() map[string]setting {
	return map[string]setting{
		"ingest": settingGroup("How log files are read."),
		"ingest.max_line_bytes": countSetting(&c.Ingest.MaxLineBytes,
			"Longest line that is loaded. Default 16777216."),
		"ingest.workers": countSetting(&c.Ingest.Workers,
			"Chunks decoded at a time, of all files. Default: as many as there are cores."),
		"ingest.jobs": countSetting(&c.Ingest.Jobs,
			"Files read side by side. Default: as many as ingest.workers."),
		"ingest.settle": durationSetting(&c.Ingest.Settle,
			"How long a file of the inbox must not have changed. Default 5s."),
		"ingest.max_rejects": rejectsSetting(&c.Ingest.MaxRejects,
			"Most rejected rows of a file that is loaded: a number, or 1%."),
	}
}

// answerSettings are those of who is answered, and what.
func (c *config) answerSettings() map[string]setting {
	return map[string]setting{
		"schedule.expire": cronSetting(&c.Schedule.Expire,
			"Cron expression of creditmill expire, such as \"0 4 * * 0\"."),
		"retention": settingGroup("How long raw rows and texts are kept that no figure needs, for creditmill expire."),
		"retention.events": keepSetting(&c.Retention.Events,
			"Raw rows of billed usage, from the last event of their load on: 400d, 18mo. Default: forever."),
		"retention.properties": keepSetting(&c.Retention.Properties,
			"Properties of log rows, from the event's time on: 90d, 6mo. Default: forever."),
		"retention.rejects": keepSetting(&c.Retention.Rejects,
			"Raw text of rejected rows, from their load on: 90d, 6mo. Default: forever."),
		"serve": settingGroup("Who may ask creditmill serve, and how much."),
		"serve.user_header": headerSetting(&c.Serve.UserHeader,
			"Header in which a proxy says who is signed in: the name of a token."),
		"serve.trusted_networks": networksSetting(&c.Serve.Trusted,
			"Networks of such proxies beside loopback, with commas: 10.0.0.0/8."),
		"serve.requests_per_second": countSetting(&c.Serve.Requests,
			"Requests of each token; more are answered 429. Default 2000."),
		"serve.spool": textSetting(&c.Serve.Spool,
			"Folder where accepted rows wait to be loaded. Default: beside the data, or beside this file with a server."),
		"serve.max_spool_bytes": countSetting(&c.Serve.SpoolBytes,
			"Accepted rows that may wait on disk to be loaded. Default 1073741824."),
		"serve.sql": boolSetting(&c.Serve.SQL,
			"Whether analysts are let in by ClickHouse's protocols, beside the API. Default false."),
		"serve.sql_native_port": countSetting(&c.Serve.SQLNativePort,
			"Port of the native protocol for them. Default 9440."),
		"serve.sql_http_port": countSetting(&c.Serve.SQLHTTPPort,
			"Port of HTTP for them. Default 8443."),
		"notify": settingGroup("Whom creditmill run and serve tell, after each job, what somebody should look at."),
		"notify.url": webhookSetting(&c.Notify.URL,
			"Webhook that notices are posted to as JSON. A secret: better CREDITMILL_NOTIFY_URL."),
		"notify.shape": choiceSetting(&c.Notify.Shape,
			"What the webhook takes. Default json.", shapeJSON, shapeSlack),
		"notify.usage_missing_after": durationSetting(&c.Notify.UsageMissingAfter,
			"How old the newest event may be. Default 24h."),
		"entitled": settingGroup("Who may use more."),
		"entitled.past_due": choiceSetting(&c.Entitled.PastDue,
			"Customers who are past due or unpaid at Stripe. Default allow.", "allow", "deny"),
	}
}

// readKey reads the secret key of Stripe from its file.
func (s stripeConfig) readKey() (string, error) {
	if s.APIKeyFile == "" {
		return "", usagef("find the Stripe key: set CREDITMILL_STRIPE_KEY, " +
			"or name a file by stripe.api_key_file in the config")
	}
	text, err := os.ReadFile(s.APIKeyFile)
	if err != nil {
		return "", usagef("read the Stripe key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if key == "" {
		return "", usagef("read the Stripe key: %s is empty", s.APIKeyFile)
	}
	return key, nil
}

// parseCatalog reads a price book; warnings are not errors.
func parseCatalog(name string, text []byte) (*schemas.Catalog, error) {
	parsed, problems := schemas.ParseCatalog(name, text)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if parsed == nil {
		return nil, fmt.Errorf("read catalog %s: it holds nothing", name)
	}
	return parsed, nil
}
