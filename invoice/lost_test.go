package invoice

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/invoice/plan"
)

// TestRestoredParts: a ledger is restored to before a charge was posted in parts, or whole, and the config divides it
// otherwise by now. Nothing is sent until it is divided as it was.
func TestRestoredParts(t *testing.T) {
	for _, byFeature := range []bool{true, false} {
		catalog := invoicetest.SeedCatalog(t)
		d := &drill{shop: newShopIn(t, "embedded:"+t.TempDir(), true, catalog, "2026-10-01T00:00:00Z")}
		d.load("2026-10-05T10:00:00Z", "medium-model", 15000)
		d.load("2026-10-06T10:00:00Z", "small-model", 50000)
		backup := d.backUp()
		d.byFeature = byFeature
		d.runAsOf("run_1", "2026-11-02T00:00:00Z")
		sent := len(d.fake.Items())
		if sent != map[bool]int{true: 2, false: 1}[byFeature] {
			t.Fatalf("by feature %t: %d items", byFeature, sent)
		}
		d.restore(backup, 2)
		d.byFeature = !byFeature
		for _, report := range d.runAsOf("run_2", "2026-11-02T00:00:00Z") {
			if report.Status != plan.StatusHeld || !strings.Contains(report.Reason, "other parts") ||
				plan.JoinCodes(report.HoldCodes) != string(plan.HoldAfterRestore) {
				t.Errorf("by feature %t: %+v", byFeature, report)
			}
		}
		d.byFeature = byFeature
		for _, report := range d.runAsOf("run_3", "2026-11-02T00:00:00Z") {
			if !report.Adopted {
				t.Errorf("by feature %t: %+v", byFeature, report)
			}
		}
		if now := len(d.fake.Items()); now != sent {
			t.Errorf("by feature %t: %d items, want %d", byFeature, now, sent)
		}
	}
}
