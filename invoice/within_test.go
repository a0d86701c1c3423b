package invoice

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
)

// runAsOf plans and posts as of an instant.
func (d *drill) runAsOf(id, asOf string) []post.Report {
	d.t.Helper()
	runner := d.runner(id)
	runner.config.AsOf, runner.config.Policy.ByFeature = utc(asOf), d.byFeature
	planned, err := runner.Plan(context.Background())
	d.must(err)
	reports, err := runner.Post(d.t.Context(), planned)
	d.must(err)
	return reports
}

// TestRestoredWithin: a ledger is restored to before a charge within a period, and the next post comes when the period
// has ended. What it would charge at the period's end waits until the charge within it is taken up again.
func TestRestoredWithin(t *testing.T) {
	catalog := invoicetest.EditedCatalog(t, `per_credit: "0.01"`, `per_credit: "0.01", charge_every: "30.00"`)
	d := &drill{shop: newShopIn(t, "embedded:"+t.TempDir(), true, catalog, "2026-10-01T00:00:00Z")}
	d.load("2026-10-05T10:00:00Z", "medium-model", 17000)
	backup := d.backUp()
	d.runAsOf("run_1", "2026-10-10T00:00:00Z")
	d.assertAmounts(6000)

	d.restore(backup, 1)
	for _, id := range []string{"run_2", "run_3"} {
		reports := d.runAsOf(id, "2026-11-02T00:00:00Z")
		if len(reports) != 1 || reports[0].Status != plan.StatusHeld || !strings.Contains(reports[0].Reason, "restored") {
			t.Fatalf("%s: %+v", id, reports)
		}
		d.assertAmounts(6000)
	}
	if reports := d.runAsOf("run_4", "2026-10-20T00:00:00Z"); len(reports) != 1 || !reports[0].Adopted {
		t.Fatalf("%+v", reports)
	}
	d.runAsOf("run_5", "2026-11-02T00:00:00Z")
	d.assertAmounts(6000, 1000)
	if restored, err := d.runner("run_6").Restored(context.Background()); err != nil || !restored.IsZero() {
		t.Errorf("nothing has caught up since %s (%v)", restored, err)
	}
}

// TestWithinAtOnce: of two charges of one subscription the one within its period asks for the invoice.
func TestWithinAtOnce(t *testing.T) {
	catalog := invoicetest.EditedCatalog(t, `per_credit: "0.01"`, `per_credit: "0.01", charge_every: "30.00"`)
	d := &drill{shop: newShopIn(t, "embedded:"+t.TempDir(), true, catalog, "2026-09-15T00:00:00Z")}
	d.load("2026-10-20T10:00:00Z", "medium-model", 17000)
	d.load("2026-11-20T10:00:00Z", "medium-model", 15000)
	reports := d.runAsOf("run_1", "2026-11-25T00:00:00Z")
	kinds := map[string]string{}
	for _, charge := range d.plan().Inputs.Frozen {
		kinds[fmt.Sprint(charge.Kind, " ", charge.AmountMinor)] = charge.Mode
	}
	if len(reports) != 2 || kinds["threshold 3000"] != plan.ModeBillNow {
		t.Fatalf("%+v %v", reports, kinds)
	}
}
