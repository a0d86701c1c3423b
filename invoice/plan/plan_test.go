package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestChargeID holds the encoding of identities: a charge that was posted must be recognized forever.
func TestChargeID(t *testing.T) {
	october := Identity{
		StripeAccount: "acct_1", CustomerID: "acme", Currency: "usd", LineCode: "overage:ai-credits",
		PeriodStart: utc("2026-10-01T00:00:00Z"), PeriodEnd: utc("2026-11-01T00:00:00Z"),
	}
	change := func(edit func(*Identity)) Identity {
		changed := october
		edit(&changed)
		return changed
	}
	tests := []struct {
		name, want string
		identity   Identity
	}{
		{"october", "oc_6k6g4bp5wulee7dpzgb57ujj5v", october},
		{"live", "oc_nspbqngm334in4rvin2pfmz3ia", change(func(i *Identity) { i.Livemode = true })},
		{"account", "oc_imtqv535yxda3tlgelekkiizog", change(func(i *Identity) { i.StripeAccount = "acct_2" })},
		{"customer", "oc_7f75odmzkcmogg3tdj2acirrhd", change(func(i *Identity) { i.CustomerID = "acme|" })},
		{"start", "oc_i64dz2zjfa7r2rjwuakp6qbpq2", change(func(i *Identity) {
			i.PeriodStart = utc("2026-10-10T12:00:00.000000001Z")
		})},
		{"end", "oc_mkz67q47nbiqao3eja2yvwgihm", change(func(i *Identity) { i.PeriodEnd = utc("2026-10-31T00:00:00Z") })},
		{"currency", "oc_ecndzq4btqm7bmokshamwrxpfu", change(func(i *Identity) { i.Currency = "eur" })},
		{"line", "oc_hbj6mm7d5wpcuwmkamip3h5ubo", change(func(i *Identity) { i.LineCode = "adjustment:ai-credits:1" })},
		{"part", "oc_hg4ab65d3qbmrjuuetewh6m352", change(func(i *Identity) { i.Part = 1 })},
	}
	for _, test := range tests {
		if got := test.identity.ChargeID(); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	zoned := october
	zoned.PeriodStart = october.PeriodStart.In(time.FixedZone("", 3600))
	if zoned.ChargeID() != october.ChargeID() {
		t.Error("the same instant in another zone is another charge")
	}
}

func seedInputs(t testing.TB, periods ...aggregate.PeriodBalance) Inputs {
	return Inputs{
		AsOf: utc("2026-11-02T00:00:00Z"), Catalog: seedCatalog(t), StripeAccount: "acct_1", Periods: periods,
		StripeCustomers: map[string]string{"acme": "cus_1", "beta": "cus_2"},
	}
}

func mustPlan(t testing.TB, in Inputs) Plan {
	t.Helper()
	plan, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestPlanAmounts are the rows of the seed scenario that end in an invoice, and those around them.
func TestPlanAmounts(t *testing.T) {
	catalog := seedCatalog(t)
	tests := []struct {
		name                 string
		small, medium, large string
		minor                int64
		exact, residual      string
		lines                []int64
	}{
		{"20,000 used", "5000", "10000", "5000", 10000, "100", "0", []int64{2500, 5000, 2500}},
		{"exactly 10,000 used", "0", "10000", "0", 0, "", "", nil},
		{"10,000.9 used", "9999.9", "1", "0", 1, "0.009", "0.001", []int64{0, 1}},
		{
			"a 10^-18 above", "0.000000000000000001", "10000", "0", 1, "0.00000000000000000001",
			"0.00999999999999999999",
			[]int64{1, 0},
		},
		{"1 above", "1", "10000", "0", 1, "0.01", "0", []int64{1, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := mustPlan(t, seedInputs(t, proOctober(catalog, "acme", test.small, test.medium, test.large)))
			if test.lines == nil {
				if len(plan.Charges) != 0 {
					t.Fatalf("charged %+v", plan.Charges)
				}
				return
			}
			charge := plan.Charges[0]
			var lines []int64
			for _, line := range charge.Lines {
				lines = append(lines, line.AmountMinor)
			}
			if charge.AmountMinor != test.minor || charge.AmountExact.String() != test.exact ||
				charge.Residual.String() != test.residual || !slices.Equal(lines, test.lines) {
				t.Fatalf("minor %d, exact %s, residual %s, lines %v",
					charge.AmountMinor, charge.AmountExact, charge.Residual, lines)
			}
		})
	}
}

// TestPlanUnitsAndLimit: credits are sold by the hundred, and never above the limit.
func TestPlanUnitsAndLimit(t *testing.T) {
	catalog := seedCatalog(t)
	tests := []struct {
		name, billable, limit, billed string
		units, minor                  int64
	}{
		{"rounded up", "1", "0", "100", 100, 100},
		{"whole", "200", "0", "200", 100, 200},
		{"not above the limit", "201", "250", "250", 100, 250},
		{"half a cent goes up", "0.5", "0.5", "0.5", 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			balance := proOctober(catalog, "acme", "0", "30000", "0")
			credits := *balance.Terms.Credits
			credits.Overage = &schemas.Overage{PerCredit: number("0.01"), BillingUnits: test.units, Limit: number(test.limit)}
			balance.Terms.Credits = &credits
			balance.Billable = number(test.billable)
			charge := mustPlan(t, seedInputs(t, balance)).Charges[0]
			if charge.BilledCredits.String() != test.billed || charge.AmountMinor != test.minor {
				t.Fatalf("billed %s, %d", charge.BilledCredits, charge.AmountMinor)
			}
		})
	}
}

// TestPlanHolds: each reason holds its own charge and no other.
func TestPlanHolds(t *testing.T) {
	catalog := seedCatalog(t)
	good := proOctober(catalog, "acme", "0", "20000", "0")
	stranger := proOctober(catalog, "stranger", "0", "20000", "0")
	unrated := proOctober(catalog, "beta", "0", "20000", "0")
	unrated.UnratedEvents = 3
	unratedOnly := proOctober(catalog, "beta", "0", "0", "0")
	unratedOnly.UnratedEvents = 1
	tests := []struct {
		name, reason string
		edit         func(*Inputs)
		held         aggregate.PeriodBalance
	}{
		{"no Stripe customer", "no Stripe customer", nil, stranger},
		{"unrated", "unrated usage (3 events)", nil, unrated},
		{"only unrated", "unrated usage (1 events)", nil, unratedOnly},
		{
			"above max_charge", "$500.00 is above max_charge $200.00; release it",
			func(in *Inputs) { in.MaxChargeMinor = 20000 },
			proOctober(catalog, "beta", "0", "60000", "0"),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := seedInputs(t, good, test.held)
			if test.edit != nil {
				test.edit(&in)
			}
			plan := mustPlan(t, in)
			if len(plan.Charges) != 2 || plan.Charges[0].Status != StatusReady {
				t.Fatalf("%+v", plan.Charges)
			}
			held := plan.Charges[1]
			if held.Status != StatusHeld || !strings.Contains(held.HoldReason, test.reason) {
				t.Fatalf("%s: %s", held.Status, held.HoldReason)
			}
			if totals := plan.Totals()["usd"]; totals.ReadyMinor != 10000 || totals.HeldMinor != held.AmountMinor {
				t.Fatalf("%+v", totals)
			}
		})
	}
}

// TestPlanLeavesOut: periods that go on, that begin before billing_from, and products that sell no overage.
func TestPlanLeavesOut(t *testing.T) {
	catalog := seedCatalog(t)
	running := proOctober(catalog, "acme", "0", "20000", "0")
	running.Period.End = utc("2026-11-02T00:00:00.000000001Z")
	early := proOctober(catalog, "acme", "0", "20000", "0")
	early.Period.Start = utc("2026-09-30T23:59:59Z")
	free := proOctober(catalog, "acme", "0", "20000", "0")
	free.Terms = catalog.DefaultProduct().At(free.Period.Start)
	free.Billable = decimal.Zero
	endless := proOctober(catalog, "acme", "0", "20000", "0")
	endless.Period.End = time.Time{}
	for _, balance := range []aggregate.PeriodBalance{running, early, free, endless} {
		if plan := mustPlan(t, seedInputs(t, balance)); len(plan.Charges) != 0 {
			t.Errorf("charged %+v", plan.Charges)
		}
	}
}

// TestPlanGolden holds the JSON of a plan and its CSV.
func TestPlanGolden(t *testing.T) {
	catalog := seedCatalog(t)
	in := seedInputs(t, proOctober(catalog, "acme", "5000", "10000", "5000"),
		proOctober(catalog, "beta", "9999.9", "1", "0"), proOctober(catalog, "=stranger", "0", "10001", "0"))
	plan := mustPlan(t, in)
	var pretty, table, lines bytes.Buffer
	if err := json.Indent(&pretty, body(t, plan), "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteString("\n")
	if err := WriteCSV(&table, plan); err != nil {
		t.Fatal(err)
	}
	if err := WriteLinesCSV(&lines, plan); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.json", pretty.Bytes())
	golden(t, "plan.csv", table.Bytes())
	golden(t, "plan_lines.csv", lines.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(string(want), string(got)); difference != "" {
		t.Fatal(difference)
	}
}

// TestPlanBroken: figures that do not agree hold their own period.
func TestPlanBroken(t *testing.T) {
	catalog := seedCatalog(t)
	wrong := proOctober(catalog, "acme", "0", "20000", "0")
	wrong.Used = number("20001")
	plan := mustPlan(t, seedInputs(t, wrong, proOctober(catalog, "beta", "0", "20000", "0")))
	if acme := plan.Charges[0]; acme.Status != StatusHeld || acme.AmountMinor != 0 ||
		!strings.Contains(acme.HoldReason, "features used 20000 credits, the period 20001") {
		t.Errorf("%+v", acme)
	}
	if beta := plan.Charges[1]; beta.Status != StatusReady || beta.AmountMinor != 10000 {
		t.Errorf("%+v", beta)
	}
}

func body(t *testing.T, plan Plan) []byte {
	t.Helper()
	text, err := plan.Body()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
