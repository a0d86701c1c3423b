package costs

import (
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

const (
	openAICosts = `{"object":"page","data":[{"object":"bucket","start_time":1790812800,"end_time":1790899200,"results":[
		{"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-5, input"},
		{"object":"organization.costs.result","amount":{"value":1e-05,"currency":"usd"},"line_item":null}]}],
		"has_more":false,"next_page":null}`
	openAIUsage = `{"object":"page","data":[{"object":"bucket","start_time":1790812800,"end_time":1790899200,"results":[
		{"object":"organization.usage.completions.result","input_tokens":1000,"output_tokens":500,
		"input_cached_tokens":800,"num_model_requests":5,"model":"gpt-5"}]}],"has_more":false}`
	anthropicCosts = `{"data":[{"starting_at":"2026-10-01T00:00:00Z","ending_at":"2026-10-02T00:00:00Z","results":[
		{"currency":"USD","amount":"123.78912","description":"Claude Usage - Input Tokens","cost_type":"tokens",
		"model":"claude-5","token_type":"uncached_input_tokens"}]}],"has_more":false,"next_page":null}`
	anthropicUsage = `{"data":[{"starting_at":"2026-10-01T00:00:00Z","ending_at":"2026-10-02T00:00:00Z","results":[
		{"uncached_input_tokens":1500,"cache_creation":{"ephemeral_1h_input_tokens":1000,"ephemeral_5m_input_tokens":500},
		"cache_read_input_tokens":200,"output_tokens":500,"server_tool_use":{"web_search_requests":10},
		"model":"claude-5"}]}],"has_more":false}`
	ownCSV = "provider,day,model,currency,amount,customer_id,input_tokens\nazure,2026-10-01,gpt-5,EUR,1.50,acme,7\n"
)

var day = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// TestParse: each report as its provider documents it.
func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		source, text string
		want         []Line
	}{
		"openai costs": {"openai", openAICosts, []Line{
			{
				Provider: "openai", Kind: KindCost, Day: day, Model: "gpt-5", Item: "gpt-5, input", Currency: "usd",
				Amount: amount("0.06"),
			},
			{Provider: "openai", Kind: KindCost, Day: day, Currency: "usd", Amount: amount("0.00001")},
		}},
		"openai usage": {"openai", openAIUsage, []Line{
			{Provider: "openai", Kind: KindUsage, Day: day, Model: "gpt-5", InputTokens: 1000, OutputTokens: 500, Requests: 5},
		}},
		"anthropic costs, in cents": {"anthropic", anthropicCosts, []Line{{
			Provider: "anthropic", Kind: KindCost, Day: day, Model: "claude-5", Item: "Claude Usage - Input Tokens",
			Currency: "usd", Amount: amount("1.2378912"),
		}}},
		"anthropic usage": {"anthropic", anthropicUsage, []Line{
			{Provider: "anthropic", Kind: KindUsage, Day: day, Model: "claude-5", InputTokens: 3200, OutputTokens: 500},
		}},
		"csv": {"csv", ownCSV, []Line{
			{
				Provider: "azure", Kind: KindCost, Day: day, Model: "gpt-5", Customer: "acme", Currency: "eur",
				Amount: amount("1.5"),
			},
			{Provider: "azure", Kind: KindUsage, Day: day, Model: "gpt-5", Customer: "acme", InputTokens: 7},
		}},
		"pages": {"openai", openAIUsage + openAIUsage, []Line{
			{Provider: "openai", Kind: KindUsage, Day: day, Model: "gpt-5", InputTokens: 1000, OutputTokens: 500, Requests: 5},
			{Provider: "openai", Kind: KindUsage, Day: day, Model: "gpt-5", InputTokens: 1000, OutputTokens: 500, Requests: 5},
		}},
	} {
		lines, err := Parse(test.source, []byte(test.text))
		if err != nil || len(lines) != len(test.want) {
			t.Errorf("%s: %d lines: %v", name, len(lines), err)
			continue
		}
		for i, line := range lines {
			want := test.want[i]
			same := line.Amount.Equal(want.Amount)
			line.Amount, want.Amount = decimal.Zero, decimal.Zero
			if !same || line != want {
				t.Errorf("%s: line %d is %+v, want %+v", name, i, line, want)
			}
		}
	}
}

// TestParseRefuses: what cannot be read as a whole is not read at all.
func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ source, text string }{
		"no such source": {"bedrock", openAICosts},
		"not JSON":       {"openai", "{"},
		"error answer":   {"openai", `{"error":{"message":"no"}}`},
		"nothing":        {"openai", `{"data":[]}`},
		"a page lacks":   {"openai", `{"data":[{"start_time":1,"results":[]}],"has_more":true}`},
		"usage unnamed":  {"openai", `{"data":[{"start_time":1,"results":[{"input_tokens":1}]}]}`},
		"no amount":      {"openai", `{"data":[{"start_time":1,"results":[{"amount":{"currency":"usd"}}]}]}`},
		"no time":        {"anthropic", `{"data":[{"results":[{"amount":"1","currency":"USD"}]}]}`},
		"yen": {"anthropic", `{"data":[{"starting_at":"2026-10-01T00:00:00Z",
			"results":[{"amount":"1","currency":"JPY"}]}]}`},
		"column unknown":  {"csv", "provider,day,cost\na,2026-10-01,1\n"},
		"negative tokens": {"csv", "provider,day,input_tokens\na,2026-10-01,-1\n"},
		"no day":          {"csv", "provider,day,input_tokens\na,yesterday,1\n"},
		"no currency":     {"csv", "provider,day,amount\na,2026-10-01,1\n"},
	} {
		if lines, err := Parse(test.source, []byte(test.text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, lines, err)
		}
	}
}

// TestLoad: a content counts once; of a day the report loaded last counts.
func TestLoad(t *testing.T) {
	w := warehousetest.New(t)
	for i, step := range []struct {
		source, text, status, sum string
	}{
		{"anthropic", anthropicCosts, "loaded", "1.2378912"},
		{"anthropic", anthropicCosts, "already_loaded", "1.2378912"},
		{"csv", "provider,day,currency,amount\nazure,2026-10-01,usd,1\nazure,2026-10-02,usd,2\n", "loaded", "4.2378912"},
		{"csv", "provider,day,currency,amount\nazure,2026-10-02,usd,5\n", "loaded", "7.2378912"},
	} {
		report, err := Load(t.Context(), w, step.source, "file", []byte(step.text), day.Add(time.Duration(i)*time.Hour))
		if err != nil || report.Status != step.status {
			t.Fatalf("step %d: %+v, %v", i, report, err)
		}
		var sum decimal.Decimal
		if err := w.Conn().QueryRow(t.Context(), "SELECT sum(amount) FROM v_costs").Scan(&sum); err != nil {
			t.Fatal(err)
		}
		if !sum.Equal(amount(step.sum)) {
			t.Errorf("step %d: costs add up to %s, want %s", i, sum, step.sum)
		}
	}
}

// TestWithin: the tolerance is in percent of what was billed, of input and output each.
func TestWithin(t *testing.T) {
	d := Difference{
		BilledInput: amount("1000"), LoggedInput: amount("990"), BilledOutput: amount("10"), LoggedOutput: amount("10"),
	}
	for percent, want := range map[string]bool{"0": false, "0.9": false, "1": true} {
		if d.Within(amount(percent)) != want {
			t.Errorf("%s%%: within is %t", percent, !want)
		}
	}
	d.LoggedOutput = amount("11")
	if d.Within(amount("9.9")) || !d.Within(amount("10")) {
		t.Error("output is not looked at")
	}
}

// TestLacks: only what the logs lack counts, of input and output each by itself, and the tolerance is within.
func TestLacks(t *testing.T) {
	for _, test := range []struct {
		billedInput, loggedInput, billedOutput, loggedOutput int64
		percent                                              string
		want                                                 bool
	}{
		{100, 99, 0, 0, "1", false},
		{100, 98, 0, 0, "1", true},
		{0, 0, 1000, 994, "0.5", true},
		{0, 0, 1000, 995, "0.5", false},
		{100, 300, 100, 300, "0", false},
		{100, 300, 100, 99, "0", true},
		{0, 5, 0, 0, "0", false},
		{7, 0, 0, 0, "100", false},
	} {
		d := Difference{
			BilledInput: decimal.NewFromInt(test.billedInput), LoggedInput: decimal.NewFromInt(test.loggedInput),
			BilledOutput: decimal.NewFromInt(test.billedOutput), LoggedOutput: decimal.NewFromInt(test.loggedOutput),
		}
		if d.Lacks(decimal.RequireFromString(test.percent)) != test.want {
			t.Errorf("%+v: want %v", test, test.want)
		}
	}
}
