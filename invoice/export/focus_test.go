package export

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/invoice/plan"
)

// rule is what the specification says of a column.
type rule struct{ name, level, kind, null, values, product string }

func readRules(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile("testdata/focus_1_2.csv")
	if err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comment = '#'
	records, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for _, r := range records[1:] {
		rules = append(rules, rule{r[0], r[1], r[2], r[3], r[4], r[5]})
	}
	return rules
}

// TestFocusColumns: the export has all columns that the specification demands, of its types, and others than those of
// the specification begin with x_.
func TestFocusColumns(t *testing.T) {
	rules := readRules(t)
	if mandatory := slices.Collect(func(yield func(string) bool) {
		for _, r := range rules {
			if r.level == "mandatory" && !yield(r.name) {
				return
			}
		}
	}); len(mandatory) != 21 {
		t.Errorf("%d columns are mandatory, FOCUS 1.2 has 21", len(mandatory))
	}
	kinds := map[string]Kind{"string": Text, "decimal": Decimal, "instant": Instant}
	known := map[string]Kind{}
	for _, column := range FocusColumns() {
		known[column.Name] = column.Kind
	}
	for _, r := range rules {
		if kind, has := known[r.name]; !has || kind != kinds[r.kind] {
			t.Errorf("%s: there: %t, kind %d, want %s", r.name, has, kind, r.kind)
		}
		delete(known, r.name)
	}
	for name := range known {
		if !strings.HasPrefix(name, "x_") {
			t.Errorf("%s is no column of FOCUS and does not begin with x_", name)
		}
	}
}

// drawCharge is any charge that can be posted.
func drawCharge(t *rapid.T) charge {
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	c := charge{
		ID: "oc_1", Customer: "acme", StripeCustomer: rapid.SampledFrom([]string{"", "cus_1"}).Draw(t, "stripe"),
		Product: "pro", System: "credits", Start: start, End: start.AddDate(0, 1, 0),
		Kind:     rapid.SampledFrom([]string{plan.KindOverage, plan.KindAdjustment}).Draw(t, "kind"),
		Currency: rapid.SampledFrom([]string{"usd", "jpy", "kwd"}).Draw(t, "currency"),
		Invoice:  rapid.SampledFrom([]string{"", "in_1"}).Draw(t, "invoice"), FrozenAt: start.AddDate(0, 1, 2),
	}
	var lines []string
	for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
		amount := rapid.Int64Range(0, 1e9).Draw(t, "amount")
		c.AmountMinor += amount
		credits := rapid.Int64Range(0, 1e12).Draw(t, "credits")
		lines = append(lines, `{"feature_id":"f`+string(rune('a'+i))+`","tokens":`+decimal.NewFromInt(credits/2).String()+
			`,"credits":"`+decimal.New(credits, -3).String()+`","amount_minor":`+decimal.NewFromInt(amount).String()+`}`)
	}
	c.Lines = "[" + strings.Join(lines, ",") + "]"
	c.BilledCredits = decimal.New(rapid.Int64Range(1, 1e16).Draw(t, "billed"), -rapid.Int32Range(0, 12).Draw(t, "scale"))
	c.PostedMinor = c.AmountMinor + rapid.SampledFrom([]int64{0, 0, -1, 500}).Draw(t, "drift")
	return c
}

// TestFocusRules: the rows of any charge keep each rule of the specification, and their costs and credits add up to
// what Stripe holds and what was billed.
func TestFocusRules(t *testing.T) {
	rules := readRules(t)
	place := map[string]int{}
	for i, column := range FocusColumns() {
		place[column.Name] = i
	}
	rapid.Check(t, func(t *rapid.T) {
		c := drawCharge(t)
		rows, err := c.usages("Example")
		if err != nil {
			t.Fatal(err)
		}
		billed, credits := decimal.Zero, decimal.Zero
		for _, row := range rows {
			values := make([]any, len(focusColumns))
			for i, column := range focusColumns {
				values[i] = column.value(row)
			}
			get := func(name string) any { return values[place[name]] }
			for _, r := range rules {
				checkRule(t, r, get)
			}
			billed = billed.Add(get("BilledCost").(decimal.Decimal))
			credits = credits.Add(get("PricingQuantity").(decimal.Decimal))
		}
		digits := map[string]int32{"usd": 2, "jpy": 0, "kwd": 3}[c.Currency]
		if !billed.Equal(decimal.New(c.PostedMinor, -digits)) || !credits.Equal(c.BilledCredits) {
			t.Errorf("billed %s %s for %s credits, want %d minor for %s", billed, c.Currency, credits, c.PostedMinor,
				c.BilledCredits)
		}
	})
}

// checkRule holds a row against what the specification says of a column.
func checkRule(t *rapid.T, r rule, get func(string) any) {
	value := get(r.name)
	correction := get("ChargeClass") != nil
	if value == nil {
		if r.null == "never" || r.null == "usage" && !correction {
			t.Errorf("%s is null", r.name)
		}
		return
	}
	switch typed := value.(type) {
	case string:
		if typed == "" || typed != strings.TrimSpace(typed) {
			t.Errorf("%s is %q", r.name, typed)
		}
		allowed := strings.Split(r.values, "|")
		if r.values == "currency" {
			if len(typed) != 3 || typed != strings.ToUpper(typed) {
				t.Errorf("%s is %q, want a code of ISO 4217", r.name, typed)
			}
		} else if r.values != "" && !slices.Contains(allowed, typed) {
			t.Errorf("%s is %q, want one of %s", r.name, typed, r.values)
		}
	case decimal.Decimal:
		if r.values == ">=0" && typed.IsNegative() {
			t.Errorf("%s is %s", r.name, typed)
		}
		if r.product != "" && !correction {
			cost := get(r.product).(decimal.Decimal)
			if product := typed.Mul(get("PricingQuantity").(decimal.Decimal)); !product.Equal(cost) {
				t.Errorf("%s is %s, and %s times PricingQuantity is %s", r.product, cost, r.name, product)
			}
		}
	}
	if start, is := value.(time.Time); is && strings.HasSuffix(r.name, "Start") {
		end := get(strings.TrimSuffix(r.name, "Start") + "End").(time.Time)
		if !start.Before(end) {
			t.Errorf("%s is %s, and its end %s", r.name, start, end)
		}
	}
}
