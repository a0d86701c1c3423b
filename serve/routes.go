package serve

import (
	"net/http"
	"slices"
)

// Route is an endpoint: who may call it, and what it does.
type Route struct {
	Method, Path string
	// Roles may call it, beside admin. None: everybody.
	Roles []string
	// Summary says what it does, Command which command answers it; empty for none.
	Summary, Command string
	// Query names its parameters, Body the fields of its JSON.
	Query, Body []Field
	// answers is a value of the type of its JSON, where no command makes that.
	answers any
	upload  bool
	// now: where no time is asked for, it is now.
	now    bool
	handle func(s *Server, w http.ResponseWriter, r *http.Request, by call)
}

// call is a request that was let through: its endpoint, and whose token it has.
type call struct {
	route  Route
	caller Token
}

// Field is a parameter or a field of a body.
type Field struct {
	Name, Type, About string
	Required          bool
}

// takes tells whether a role may call it.
func (r Route) takes(role string) bool {
	return len(r.Roles) == 0 || role == RoleAdmin || slices.Contains(r.Roles, role)
}

var (
	reading   = []string{RoleFinance, RoleApprover}
	approving = []string{RoleApprover}
	uploading = []string{RoleUploader}
	gateway   = []string{RoleGateway}
	asOfField = Field{Name: "as_of", Type: "string", About: "RFC 3339 or a date; default now"}
	atField   = Field{Name: "at", Type: "string", About: "RFC 3339 or a date; default now"}
	// What was seen of a charge that is decided about.
	amountField = Field{
		Name: "amount_minor", Type: "number", About: "what the charge is to come to; where it does not, 409",
	}
	customerField = Field{
		Name: "stripe_customer", Type: "string", About: "whom the charge is to be for; where it is for another, 409",
	}
	whyField = Field{Name: "reason", Type: "string", About: "why; it is recorded with the token's name", Required: true}
)

// Routes is every endpoint.
func Routes() []Route {
	return slices.Concat(operating(), usage(), selling(), looking(), earning(), billing())
}

// operating are for those who run the process.
func operating() []Route {
	return []Route{
		{Method: "GET", Path: "/healthz", Summary: "The process is alive", answers: health{}, handle: healthy},
		{Method: "GET", Path: "/readyz", Summary: "The warehouse answers", answers: health{}, handle: ready},
		{Method: "GET", Path: "/metrics", Summary: "Figures for Prometheus", answers: "", handle: showMetrics},
		{Method: "GET", Path: "/openapi.json", Summary: "This description", answers: object{}, handle: describe},
	}
}

// usage takes usage in, and says who may go on.
func usage() []Route {
	return []Route{
		{
			Method: "POST", Path: "/v1/entitled", Roles: gateway, Command: "entitled --fresh",
			Summary: "May a customer use so much more? Counts what /v1/events took a moment ago",
			Body: []Field{
				{Name: "customer_id", Type: "string", Required: true},
				{Name: "feature", Type: "string", Required: true},
				{Name: "required", Type: "number", About: "default 1"},
				{Name: "pool", Type: "string", About: "unit; default input"},
			},
			handle: entitled,
		},
		{
			Method: "POST", Path: "/v1/events", Roles: gateway,
			Summary: "Take usage: one row, an array of rows, or JSON Lines. On disk when it is answered with 202",
			Query:   []Field{{Name: "source", Type: "string", About: "default creditmill"}},
			answers: accepted{},
			handle:  takeEvents,
		},
		{
			Method: "POST", Path: "/v1/loads", Roles: uploading, Command: "load", upload: true,
			Summary: "Upload a log of any format, streamed",
			Query: []Field{
				{Name: "source", Type: "string", About: "default creditmill"},
				{Name: "name", Type: "string", About: "file name; tells the format and the compression", Required: true},
			},
			handle: upload,
		},
		{
			Method: "GET", Path: "/v1/loads", Roles: append(uploading, reading...), Command: "loads",
			Summary: "List the loads", handle: command("loads"),
		},
		{
			Method: "GET", Path: "/v1/loads/{id}", Roles: append(uploading, reading...), Command: "loads",
			Summary: "One load", handle: oneOf("load_id", "loads"),
		},
		{
			Method: "GET", Path: "/v1/loads/{id}/rejects", Roles: append(uploading, reading...), Command: "rejects",
			Summary: "The rows that were refused, and why", handle: command("rejects", "--", "{id}"),
		},
		{
			Method: "DELETE", Path: "/v1/loads/{id}", Roles: uploading, Command: "unload",
			Summary: "Withdraw a load", Query: []Field{{Name: "reason", Type: "string"}},
			handle: writing("unload", "--reason={reason}", "--", "{id}"),
		},
	}
}

// selling is about customers and what they have.
func selling() []Route {
	return []Route{
		{
			Method: "GET", Path: "/v1/customers", Roles: reading, Command: "customers",
			Summary: "List the customers", handle: command("customers"),
		},
		{
			Method: "GET", Path: "/v1/customers/{id}", Roles: reading, Command: "customers",
			Summary: "One customer", handle: oneOf("customer_id", "customers"),
		},
		{
			Method: "GET", Path: "/v1/customers/{id}/balances", Roles: append(gateway, reading...), Command: "balance",
			Summary: "The credits of a customer", Query: []Field{atField}, now: true,
			handle: command("balance", "--at={at}", "--", "{id}"),
		},
		{
			Method: "POST", Path: "/v1/customers/{id}/attach", Command: "attach", Roles: []string{RoleAdmin},
			Summary: "Subscribe a customer to a product, or make a Stripe Checkout link",
			Body: []Field{
				{Name: "product", Type: "string", Required: true},
				atField,
				{Name: "checkout", Type: "boolean", About: "answer {checkout_url} in place of subscribing"},
			},
			handle: writing("attach", "--at={at}", "--checkout={checkout}", "--", "{id}", "{product}"),
		},
		{
			Method: "POST", Path: "/v1/customers/{id}/cancel", Command: "cancel", Roles: []string{RoleAdmin},
			Summary: "End a customer's product at the period's end, or now",
			Body:    []Field{atField, {Name: "now", Type: "boolean"}},
			handle:  writing("cancel", "--at={at}", "--now={now}", "--", "{id}"),
		},
		{
			Method: "POST", Path: "/v1/customers/{id}/grants", Command: "grant", Roles: []string{RoleAdmin},
			Summary: "Give a customer credits",
			Body: []Field{
				{Name: "credits", Type: "number", Required: true},
				atField,
				{Name: "expires", Type: "string"},
				{Name: "system", Type: "string"},
				{Name: "reason", Type: "string"},
				{Name: "id", Type: "string", About: "your id: the same one is granted once"},
			},
			handle: writing("grant", "--at={at}", "--expires={expires}", "--system={system}", "--reason={reason}",
				"--id={id_of_grant}", "--", "{id}", "{credits}"),
		},
	}
}

// looking are the lists that people read.
func looking() []Route {
	return []Route{
		{
			Method: "GET", Path: "/v1/status", Roles: append(uploading, reading...), Command: "status",
			Summary: "How fresh the figures are and what is still open", handle: command("status"),
		},
		{
			Method: "GET", Path: "/v1/audit", Roles: reading,
			Summary: "Who decided what, when and why, the latest 1,000", answers: []decision{},
			handle: selected[decision]("serve/audit.sql", latest),
		},
		{
			Method: "GET", Path: "/v1/usage", Roles: reading,
			Summary: "Credits by accounting day, credit system and feature",
			Query: []Field{
				{Name: "from", Type: "string", Required: true, About: "first day"},
				{Name: "to", Type: "string", Required: true, About: "day after the last"},
				{Name: "customer", Type: "string", About: "default all"},
			},
			answers: []dailyCredits{},
			handle:  selected[dailyCredits]("serve/daily_credits.sql", betweenDays),
		},
		{
			Method: "GET", Path: "/v1/customers/{id}/periods", Roles: reading,
			Summary: "A customer's periods, the latest first",
			answers: []customerPeriod{},
			handle:  selected[customerPeriod]("serve/customer_periods.sql", ofCustomer),
		},
		{
			Method: "GET", Path: "/v1/customers/{id}/charges", Roles: reading,
			Summary: "A customer's charges that were frozen for posting, the latest first",
			answers: []customerCharge{},
			handle:  selected[customerCharge]("serve/customer_charges.sql", ofCustomer),
		},
		{
			Method: "GET", Path: "/v1/customers/{id}/grants", Roles: reading, Command: "grants",
			Summary: "What a customer was given", handle: command("grants", "--", "{id}"),
		},
		{
			Method: "POST", Path: "/v1/catalog/proposal", Roles: reading, Command: "check --against",
			Summary: "What another catalog would do to the last closed and the open period of each customer. Nothing is stored",
			Body: []Field{
				{Name: "catalog", Type: "string", Required: true, About: "its YAML"},
				asOfField,
			},
			handle: propose,
		},
	}
}

// earning is about what usage brings and costs.
func earning() []Route {
	return []Route{
		{
			Method: "GET", Path: "/v1/margin", Roles: reading, Command: "margin",
			Summary: "A month's revenue without what providers bill for it",
			Query: []Field{
				{Name: "period", Type: "string", Required: true, About: "the month, such as 2026-10"},
				{Name: "by", Type: "string", About: "customer (the default), model or product"},
				{Name: "test_mode", Type: "boolean", About: "charges of Stripe's test mode instead of live ones"},
			},
			handle: command("margin", "--period={period}", "--by={by}", "--test-mode={test_mode}"),
		},
		{
			Method: "GET", Path: "/v1/reconcile-usage", Roles: reading, Command: "reconcile-usage",
			Summary: "What a provider billed that the logs lack, by day and model",
			Query: []Field{
				{Name: "provider", Type: "string", Required: true},
				{Name: "from", Type: "string", About: "first day in UTC; default all"},
				{Name: "to", Type: "string", About: "day after the last; default all"},
				{Name: "tolerance", Type: "string", About: "share of what was billed; default 1%"},
			},
			handle: command("reconcile-usage", "--provider={provider}", "--from={from}", "--to={to}",
				"--tolerance={tolerance}"),
		},
		{
			Method: "GET", Path: "/v1/costs", Roles: reading,
			Summary: "Whose reports are loaded, and of which days: bills (cost) and counts of tokens (usage)",
			answers: []costReports{},
			handle:  selected[costReports]("serve/cost_reports.sql", noParams),
		},
	}
}

// billing is about charges, up to Stripe.
func billing() []Route {
	return []Route{
		{
			Method: "GET", Path: "/v1/invoices/preview", Roles: reading, Command: "invoice preview",
			Summary: "What would be charged, and why", Query: []Field{asOfField, {Name: "customer", Type: "string"}},
			handle: command("invoice", "preview", "--as-of={as_of}", "--customer={customer}"),
		},
		{
			Method: "GET", Path: "/v1/charges/{id}/explain", Roles: reading, Command: "explain",
			Summary: "A charge down to days, prices, files and rows",
			Query:   []Field{asOfField, {Name: "rows", Type: "boolean"}},
			handle:  command("explain", "--as-of={as_of}", "--rows={rows}", "--", "{id}"),
		},
		{
			Method: "GET", Path: "/v1/reconcile", Roles: reading, Command: "invoice reconcile",
			Summary: "What was posted against what Stripe holds", Query: []Field{asOfField},
			handle: command("invoice", "reconcile", "--as-of={as_of}"),
		},
		{
			Method: "POST", Path: "/v1/plans/{sha}/approve", Roles: approving, Command: "invoice approve",
			Summary: "Agree to a plan that was previewed, or to one charge by its id",
			Body:    []Field{whyField, asOfField, amountField, customerField},
			handle: writing("invoice", "approve", "--as-of={as_of}", "--reason={reason}", "--by={caller}",
				"--amount-minor={amount_minor}", "--stripe-customer={stripe_customer}", "--", "{sha}"),
		},
		{
			Method: "POST", Path: "/v1/plans/{sha}/post", Roles: approving, Command: "invoice post",
			Summary: "Post exactly the plan that was previewed", Body: []Field{
				{Name: "reason", Type: "string", About: "why; it is recorded with the token's name"}, asOfField,
			},
			handle: posting("invoice", "post", "--as-of={as_of}", "--plan={sha}", "--live={live}", "--reason={reason}",
				"--by={caller}"),
		},
		{
			Method: "POST", Path: "/v1/charges/{id}/release", Roles: approving, Command: "invoice release",
			Summary: "Let a held charge be posted",
			Body:    []Field{whyField, asOfField, {Name: "undo", Type: "boolean"}, amountField, customerField},
			handle: writing("invoice", "release", "--as-of={as_of}", "--undo={undo}", "--reason={reason}",
				"--by={caller}", "--amount-minor={amount_minor}", "--stripe-customer={stripe_customer}", "--", "{id}"),
		},
		{
			Method: "POST", Path: "/v1/charges/{id}/hold", Roles: approving, Command: "invoice hold",
			Summary: "Keep a charge back", Body: []Field{whyField, asOfField},
			handle: writing("invoice", "hold", "--as-of={as_of}", "--reason={reason}", "--by={caller}", "--", "{id}"),
		},
		{
			Method: "POST", Path: "/v1/stripe/webhook", Summary: "Events of Stripe; their signature is checked",
			answers: hooked{}, handle: webhook,
		},
	}
}
