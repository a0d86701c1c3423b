package invoice

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// terms are what the oracle knows of a catalog: credits per token by model, and by product what is included and what a
// credit beyond costs.
type terms struct {
	catalog            *schemas.Catalog
	medium, small      string
	included, overCost map[string]string
}

// edits are catalogs that differ in a price, an allowance, a price of overage, or in the feature of a model.
func edits(t *testing.T) []terms {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	base := strings.Replace(string(text), "included: 10000", "included: 100", 1) + `
  - id: max
    name: Max
    price: {amount: "200.00", every: month, stripe_price: price_max}
    credits: {system: ai-credits, included: 300, every: month, overage: {per_credit: "0.007"}}
`
	var all []terms
	for _, edit := range []struct{ old, with, medium, small, included, overCost string }{
		{"", "", "1", "0.1", "100", "0.01"},
		{"medium-model-tokens: 1", "medium-model-tokens: 1.5", "1.5", "0.1", "100", "0.01"},
		{"included: 100\n", "included: 60\n", "1", "0.1", "60", "0.01"},
		{`per_credit: "0.01"`, `per_credit: "0.023"`, "1", "0.1", "100", "0.023"},
		{
			"models: [small-model]}\n  - {id: medium-model-tokens, models: [medium-model]}",
			"models: [medium-model]}\n  - {id: medium-model-tokens, models: [small-model]}", "0.1", "1", "100", "0.01",
		},
	} {
		catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(strings.Replace(base, edit.old, edit.with, 1)))
		if catalog == nil {
			t.Fatal(problems)
		}
		all = append(all, terms{
			catalog, edit.medium, edit.small,
			map[string]string{"pro": edit.included, "max": "300"},
			map[string]string{"pro": edit.overCost, "max": "0.007"},
		})
	}
	return all
}

// tokensAt is usage of a model.
type tokensAt struct {
	at     time.Time
	medium bool
	tokens uint64
}

// ages is a history of a customer whose months are closed while everything around them is changed.
type ages struct {
	*shop
	random *rand.Rand
	all    []terms
	asOf   time.Time
	used   []tokensAt
	walk   []string
	closed int // periods that were looked at
}

func (a *ages) at() *Runner {
	runner := a.runner(fmt.Sprint("run_", len(a.walk)))
	runner.config.AsOf = a.asOf
	return runner
}

// act lets one thing happen.
func (a *ages) act() {
	ctx := context.Background()
	first := utc("2026-10-01T00:00:00Z")
	past := first.Add(time.Duration(a.random.Int64N(int64(a.asOf.Sub(first))))).Truncate(time.Second)
	switch x := a.random.IntN(10); {
	case x < 3:
		used := tokensAt{past, a.random.IntN(2) == 0, 1 + a.random.Uint64N(200)}
		a.used = append(a.used, used)
		model := map[bool]string{true: "medium-model", false: "small-model"}[used.medium]
		a.load(used.at.Format(time.RFC3339), model, used.tokens)
		a.walk = append(a.walk, fmt.Sprintf("%d tokens at %s", used.tokens, past))
	case x < 5:
		a.catalog = a.all[a.random.IntN(len(a.all))].catalog
		a.walk = append(a.walk, "catalog "+a.catalog.SHA256[:6])
	case x < 7:
		closed, err := ClosedTime(ctx, a.w, a.at().account(), []string{"acme"})
		a.must(err)
		product := []string{"pro", "max", "free"}[a.random.IntN(3)]
		result, err := subscription.Attach(ctx, a.w, subscription.Change{
			CustomerID: "acme", Product: product, At: past, Catalog: a.catalog, Closed: closed,
		}, time.Now())
		a.walk = append(a.walk, fmt.Sprintf("attach %s at %s: %s, %v", product, past, result.EffectiveAt, err))
	case x < 8:
		_, err := subscription.ImportCustomers(ctx, a.w, subscription.Import{
			File: "customers.csv", Catalog: a.catalog, Body: strings.NewReader(
				"customer_id,product,starts_at,ends_at,anchor\n" +
					"acme,pro,2026-10-01T00:00:00Z,," + past.Format(time.RFC3339) + "\n"),
		}, time.Now())
		a.walk = append(a.walk, fmt.Sprintf("anchor %s: %v", past, err))
	default:
		a.asOf = a.asOf.Add(time.Duration(a.random.IntN(30*24)) * time.Hour)
		runner := a.at()
		plan, err := runner.Plan(ctx)
		a.must(err)
		_, err = runner.Post(ctx, plan)
		a.must(err)
		a.walk = append(a.walk, "post as of "+a.asOf.String())
	}
}

// look says what is wrong: each closed period comes to what its own terms make of its usage, and time is divided.
func (a *ages) look() string {
	ctx := context.Background()
	runner := a.at()
	plan, err := runner.Plan(ctx)
	a.must(err)
	closed, err := ClosedTime(ctx, a.w, runner.account(), []string{"acme"})
	a.must(err)
	var periods []schemas.Period
	for _, stretch := range closed {
		own, err := stretch.Periods()
		a.must(err)
		periods = append(periods, own...)
		for _, period := range own {
			a.closed++
			charged := int64(0)
			for _, charge := range plan.Charges {
				if charge.PeriodStart.Equal(period.Start) && charge.PeriodEnd.Equal(period.End) {
					charged += charge.AmountMinor
				}
			}
			for _, charge := range plan.in.Frozen {
				listed := slices.ContainsFunc(plan.Charges, func(c Charge) bool { return c.ID == charge.ID })
				if !listed && charge.PeriodStart.Equal(period.Start) && charge.PeriodEnd.Equal(period.End) {
					charged += charge.AmountMinor
				}
			}
			if want := a.due(stretch, period); charged != want {
				return fmt.Sprintf("%s to %s comes to %d, want %d", period.Start, period.End, charged, want)
			}
		}
	}
	query := runner.query(plan.loads)
	query.Known = &plan.known
	open, err := aggregate.New(aggregate.Config{Warehouse: a.w, Now: time.Now}).Ended(ctx, query, []string{"acme"})
	a.must(err)
	for _, period := range open {
		periods = append(periods, period.Period)
	}
	slices.SortFunc(periods, func(a, b schemas.Period) int { return a.Start.Compare(b.Start) })
	for i := 1; i < len(periods); i++ {
		if !periods[i].Start.Equal(periods[i-1].End) {
			return fmt.Sprintf("a period ends at %s, and the next begins at %s", periods[i-1].End, periods[i].Start)
		}
	}
	for _, charge := range plan.Charges {
		if !slices.ContainsFunc(periods, func(p schemas.Period) bool {
			return p.Start.Equal(charge.PeriodStart) && p.End.Equal(charge.PeriodEnd)
		}) {
			return fmt.Sprintf("charge %s is of %s to %s, which is no period", charge.ID, charge.PeriodStart, charge.PeriodEnd)
		}
	}
	return ""
}

// due is what a closed period comes to by the terms it was closed by.
func (a *ages) due(stretch subscription.Closed, period schemas.Period) int64 {
	by := a.all[slices.IndexFunc(a.all, func(t terms) bool { return t.catalog.SHA256 == stretch.Catalog.SHA256 })]
	if by.included[stretch.Product] == "" {
		return 0
	}
	used := decimal.Zero
	for _, u := range a.used {
		if period.Contains(u.at) {
			price := map[bool]string{true: by.medium, false: by.small}[u.medium]
			used = used.Add(decimal.RequireFromString(price).Mul(decimal.NewFromUint64(u.tokens)))
		}
	}
	over := decimal.Max(used.Sub(decimal.RequireFromString(by.included[stretch.Product])), decimal.Zero)
	cents := over.Ceil().Mul(decimal.RequireFromString(by.overCost[stretch.Product])).Shift(2)
	return cents.Round(0).IntPart() // whole credits are billed; half a cent is rounded up
}

// TestClosedHistories: whatever becomes of catalogs, products and anchors, a closed period comes to what the terms it
// was closed by make of its usage, in charges and adjustments together, and each instant is in one period.
// CREDITMILL_HISTORIES runs that many.
func TestClosedHistories(t *testing.T) {
	all := edits(t)
	looked := 0
	for seed := range histories(t, 4) {
		a := &ages{
			shop: newShopOf(t, false, all[0].catalog, "2026-10-01T00:00:00Z"), all: all, asOf: utc("2026-11-02T00:00:00Z"),
			random: rand.New(rand.NewPCG(seed, 3)),
		}
		for range 12 {
			a.act()
			if wrong := a.look(); wrong != "" {
				t.Errorf("seed %d: %s, after\n%s", seed, wrong, strings.Join(a.walk, "\n"))
				break
			}
		}
		looked += a.closed
	}
	if looked == 0 {
		t.Error("no period was closed")
	}
	t.Logf("%d closed periods were looked at", looked)
}
