package invoice

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

// losing is a statement for each table that a charge is made of. It takes rows away and leaves no trace in a folder.
var losing = map[string]string{
	"usage_events":  "DELETE FROM usage_events WHERE load_seq = 1",
	"loads":         "ALTER TABLE loads DELETE WHERE load_seq = 1",
	"subscriptions": "ALTER TABLE subscriptions DELETE WHERE customer_id = 'acme'",
	"customers":     "ALTER TABLE customers DELETE WHERE customer_id = 'acme'",
}

// TestDamageBeforeSending: rows that are lost while a run plans, freezes, or is about to send keep it from doing so.
// When they are back, the charge is posted once, with its amount.
func TestDamageBeforeSending(t *testing.T) {
	for _, test := range []struct {
		when, says string
		frozen     uint64
	}{
		{"planned", "nothing was frozen", 0},
		{"frozen", "nothing was sent", 1},
	} {
		for _, table := range slices.Sorted(maps.Keys(losing)) {
			t.Run(test.when+"/"+table, func(t *testing.T) {
				s := newShop(t, true)
				s.must(s.w.CheckComplete(t.Context()))
				runner := s.runner("damaged")
				lose := func(step string) {
					if step == map[string]string{"planned": "plan", "frozen": "S1"}[test.when] {
						s.keep(table)
						s.mutate(losing[table])
					}
				}
				runner.config.Fault = lose
				planned, err := runner.Plan(t.Context())
				s.must(err)
				lose("plan")
				_, err = runner.Post(t.Context(), planned)
				if !errors.Is(err, warehouse.ErrDamaged) || !strings.Contains(err.Error(), test.says) ||
					!strings.Contains(err.Error(), table) {
					t.Fatalf("%v, want that %s", err, test.says)
				}
				if items := s.fake.Items(); len(items) != 0 {
					t.Fatalf("Stripe holds %+v", items)
				}
				var frozen uint64
				s.must(s.w.Conn().QueryRow(t.Context(), "SELECT count() FROM charge_plan").Scan(&frozen))
				if frozen != test.frozen {
					t.Fatalf("%d charges are frozen, want %d", frozen, test.frozen)
				}
				s.mutate("INSERT INTO " + table + " SELECT * FROM kept")
				runner = s.runner("restored")
				planned, err = runner.Plan(t.Context())
				s.must(err)
				reports, err := runner.Post(t.Context(), planned)
				s.must(err)
				items := s.fake.Items()
				if len(reports) != 1 || reports[0].Status != plan.StatusPosted || len(items) != 1 || items[0].Amount != 10000 {
					t.Fatalf("%+v, %+v", reports, items)
				}
			})
		}
	}
}

// keep copies a table before it loses rows.
func (s *shop) keep(table string) {
	s.t.Helper()
	s.mutate("CREATE TABLE kept ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM " + table)
}

// mutate runs a statement to its end, mutations included.
func (s *shop) mutate(statement string) {
	s.t.Helper()
	s.must(s.w.Conn().Exec(clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{
		"mutations_sync": 2,
	})), statement))
}
