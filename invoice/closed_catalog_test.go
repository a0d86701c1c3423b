package invoice

import (
	"context"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// TestUnreadableCatalog: a catalog that periods were closed by cannot be read, or is gone. That holds the customers of
// these periods and says how they get on; others are billed.
func TestUnreadableCatalog(t *testing.T) {
	tests := []struct{ name, damage, reason string }{
		{
			"of another version", "INSERT INTO catalogs SELECT catalog_sha, concat(text, '\nnovelty: 1'), now64(3) " +
				"FROM catalogs WHERE catalog_sha = ?", "cannot be read by this version of creditmill (catalog.yaml:",
		},
		{
			"lost", "ALTER TABLE catalogs DELETE WHERE catalog_sha = ? SETTINGS mutations_sync = 1",
			"is not in the warehouse: restore its table catalogs",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx := context.Background()
			s := newShop(t, true)
			s.post("run_acme") // closes acme's October by the seed catalog
			old := s.catalog.SHA256
			s.catalog = invoicetest.EditedCatalog(t, `per_credit: "0.01"`, `per_credit: "0.02"`)
			s.loadOf("beta", "2026-10-05T10:00:00Z", "medium-model", 5)
			s.post("run_beta") // and beta's by that of today
			s.must(s.w.Conn().Exec(ctx, test.damage, old))
			s.must(s.w.Conn().Exec(ctx, "OPTIMIZE TABLE catalogs FINAL"))
			s.load("2026-10-06T10:00:00Z", "medium-model", 100)

			runner := s.runner("run_plan")
			planned, err := runner.Plan(ctx)
			s.must(err)
			reasons := map[string]string{}
			for _, charge := range planned.Charges {
				if charge.Status == plan.StatusHeld {
					reasons[charge.CustomerID] += charge.HoldReason
				}
			}
			way := "`creditmill invoice rebill acme 2026-10-01T00:00:00Z --reason …`"
			if len(reasons) != 1 || !strings.Contains(reasons["acme"], test.reason) ||
				!strings.Contains(reasons["acme"], way) {
				t.Fatalf("held: %q", reasons)
			}
			closed, err := ledger.ClosedTime(ctx, s.w, runner.config.account(), []string{"beta"})
			s.must(err)
			if len(closed) == 0 || closed[0].Unreadable != "" {
				t.Fatalf("beta has %+v", closed)
			}

			october := schemas.Period{Start: utc("2026-10-01T00:00:00Z")}
			rebill, err := runner.Rebill(ctx, Rebilling{CustomerID: "acme", Period: october, Reason: "lost", By: "anna"})
			s.must(err)
			differences := s.plan().Differences(rebill)
			// 20,100 credits less 10,000 at $0.02, of which $100.00 are charged.
			if len(differences) != 1 || differences[0].AmountMinor != 10200 || differences[0].Status != plan.StatusHeld {
				t.Fatalf("%+v", differences)
			}
		})
	}
}
