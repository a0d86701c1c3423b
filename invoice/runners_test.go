package invoice

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
)

// TestLedgerLost restores a warehouse that knows nothing of what was posted: the item that is there is taken for it.
func TestLedgerLost(t *testing.T) {
	for _, subscribed := range []bool{true, false} {
		s := newShop(t, subscribed)
		s.post("run_1")
		sent := s.posts()
		for _, table := range []string{"plans", "charge_plan", "charge_event"} {
			s.must(s.w.Conn().Exec(t.Context(), "TRUNCATE TABLE "+table))
		}
		_, err := s.w.AcceptLoss(t.Context()) // without a backup, a person says so; until then nothing is frozen
		s.must(err)
		report := s.post("run_2")[0]
		if report.Status != plan.StatusPosted && report.Status != plan.StatusAlreadyPosted || s.posts() != sent {
			t.Fatalf("subscribed %t: %+v, %d requests more", subscribed, report, s.posts()-sent)
		}
		s.assertAmounts(10000)
	}
}

// TestRunnersAtOnce lets runs that hold no lock post the same plan on one engine at the same time.
func TestRunnersAtOnce(t *testing.T) {
	const runs = 8
	s := newShop(t, true)
	var group sync.WaitGroup
	for i := range runs {
		runner := s.runner(fmt.Sprintf("run_%d", i))
		group.Go(func() {
			plan, err := runner.Plan(context.Background())
			if err == nil {
				_, err = runner.Post(context.Background(), plan)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s.assertAmounts(10000)
	if report := s.post("run_last")[0]; report.Status != plan.StatusAlreadyPosted {
		t.Fatalf("%+v", report)
	}
	s.assertAmounts(10000)
}
