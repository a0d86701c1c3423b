package invoice

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// TestHeldByDataEnds: what the reason of a customer whose data cannot be billed says to do ends the hold.
func TestHeldByDataEnds(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, true)
			broken[name].make(s, name)
			find := func() plan.Charge {
				for _, charge := range s.plan().Charges {
					if charge.CustomerID == name {
						return charge
					}
				}
				return plan.Charge{}
			}
			held := find()
			if held.Status != plan.StatusHeld {
				t.Fatalf("%+v", held)
			}
			s.must(broken[name].mend(s, held))
			if now := find(); now.Status == plan.StatusHeld {
				t.Errorf("%s", now.HoldReason)
			}
			for _, report := range s.post("run_1") {
				if report.Status != plan.StatusPosted && report.Status != plan.StatusAlreadyPosted {
					t.Errorf("%+v", report)
				}
			}
		})
	}
}

// settledByHand settles a period by hand whose amount is not known.
func settledByHand(s *shop, charge plan.Charge) error {
	_, err := s.runner("run_resolve").Resolve(context.Background(),
		Release{ChargeID: charge.ID, Reason: "billed by hand", By: "anna"})
	return err
}

// imported corrects a subscription.
func imported(row string) func(*shop, plan.Charge) error {
	return func(s *shop, charge plan.Charge) error {
		_, err := subscription.ImportCustomers(context.Background(), s.w, subscription.Import{
			File: "customers.csv", Catalog: s.catalog, Body: strings.NewReader("customer_id,product,starts_at,ends_at\n" +
				charge.CustomerID + "," + row + "\n"),
		}, time.Now())
		return err
	}
}

// productAdded puts the product that the customer had back into the catalog.
func productAdded(s *shop, _ plan.Charge) error {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "catalogs", "seed.yaml"))
	s.must(err)
	pro := string(text[strings.Index(string(text), "  - id: pro"):])
	catalog, problems := schemas.ParseCatalog("catalog.yaml", append(text, strings.NewReplacer("id: pro", "id: gone",
		"price_pro", "price_gone").Replace(pro)...))
	s.catalog = catalog
	return problems.Err()
}

// grantsRemoved takes back what no command would have granted.
func grantsRemoved(s *shop, _ plan.Charge) error {
	grant := subscription.Grant{
		CustomerID: "acme", CreditSystem: "ai-credits", Credits: decimal.New(9, 57), StartsAt: utc("2026-09-01T00:00:00Z"),
	}
	if _, _, err := subscription.AddGrant(context.Background(), s.w, s.catalog, grant, time.Now()); err == nil {
		s.t.Error("a command grants such credits")
	}
	s.exec("ALTER TABLE grants DELETE WHERE customer_id = 'granted' SETTINGS mutations_sync = 1")
	return nil
}
