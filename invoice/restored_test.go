package invoice

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/warehouse"
)

// drill is a shop whose warehouse can be backed up and restored, on an engine of its own.
type drill struct {
	*shop
	waits     []time.Duration // those of its runs
	byFeature bool
}

func newDrill(t *testing.T, subscribed bool) *drill {
	t.Helper()
	s := newShopIn(t, "embedded:"+t.TempDir(), subscribed, seedCatalog(t), "2026-10-01T00:00:00Z")
	s.load("2026-10-05T10:00:00Z", "medium-model", 20000)
	return &drill{shop: s}
}

func (d *drill) backUp() string {
	d.t.Helper()
	folder := filepath.Join(d.t.TempDir(), "backup")
	_, err := d.w.BackUp(d.t.Context(), folder, func() {})
	d.must(err)
	return folder
}

// restore goes on with a new warehouse, made of the backup, as of which loads had been loaded.
func (d *drill) restore(folder string, loads uint64) {
	d.t.Helper()
	w, err := warehouse.Connect(d.t.Context(), warehouse.Config{DSN: "embedded:" + d.t.TempDir(), Now: time.Now})
	d.must(err)
	d.t.Cleanup(func() { d.must(w.Close()) })
	_, err = w.Restore(d.t.Context(), folder, time.Now())
	d.must(err)
	d.w, d.loads = w, loads
}

// run plans and posts, noting how long it waits.
func (d *drill) run(id string) ([]post.Report, error) {
	d.t.Helper()
	runner := d.runner(id)
	runner.config.Sleep = func(ctx context.Context, wait time.Duration) error {
		d.waits = append(d.waits, wait)
		return ctx.Err()
	}
	planned, err := runner.Plan(context.Background())
	d.must(err)
	return runner.Post(d.t.Context(), planned)
}

// mustPost posts and compares which charges Stripe was found to hold already.
func (d *drill) mustPost(id string, adopted ...bool) {
	d.t.Helper()
	reports, err := d.run(id)
	d.must(err)
	if len(reports) != len(adopted) {
		d.t.Fatalf("%s: %d charges, want %d: %+v", id, len(reports), len(adopted), reports)
	}
	for i, report := range reports {
		done := report.Status == plan.StatusPosted || report.Status == plan.StatusAlreadyPosted
		if !done || report.Adopted != adopted[i] {
			d.t.Errorf("%s: %+v, want it adopted: %t", id, report, adopted[i])
		}
	}
}

// TestRestoreDrill posts, backs up, posts late usage and restores the older state. The first post after that waits
// until Stripe is quiet, adopts what Stripe holds, and sends what it does not: each charge is there once. The next
// one waits no more.
func TestRestoreDrill(t *testing.T) {
	for _, subscribed := range []bool{true, false} {
		t.Run("subscribed "+strconv.FormatBool(subscribed), func(t *testing.T) {
			d := newDrill(t, subscribed)
			d.mustPost("run_1", false)
			backup := d.backUp()
			d.load("2026-10-06T10:00:00Z", "medium-model", 3000)
			d.mustPost("run_2", false, false)
			d.assertAmounts(10000, 3000)
			sent := d.posts()

			d.restore(backup, 1)
			d.load("2026-10-06T10:00:00Z", "medium-model", 3000)
			d.mustPost("run_3", false, true)
			if len(d.waits) != 1 || d.waits[0] < ledger.SettleTime-time.Minute || d.waits[0] > ledger.SettleTime {
				t.Errorf("it waited %v, want about %s", d.waits, ledger.SettleTime)
			}
			if now := d.posts(); now != sent {
				t.Errorf("%d requests were sent for what Stripe held", now-sent)
			}
			d.assertAmounts(10000, 3000)

			d.load("2026-10-07T10:00:00Z", "medium-model", 500)
			d.mustPost("run_4", false, false, false)
			if len(d.waits) != 1 {
				t.Errorf("it waited again: %v", d.waits)
			}
			d.assertAmounts(10000, 3000, 500)
		})
	}
}

// TestRestoreBeforeTheFirstPost: a ledger without the charge finds it at Stripe with what it came to then, and says
// so. Usage that came later, and was in the charge when it was frozen anew, is charged by the next run.
func TestRestoreBeforeTheFirstPost(t *testing.T) {
	d := newDrill(t, true)
	backup := d.backUp()
	d.mustPost("run_1", false)
	d.restore(backup, 1)
	d.load("2026-10-06T10:00:00Z", "medium-model", 3000)
	reports, err := d.run("run_2")
	d.must(err)
	if len(reports) != 1 || !reports[0].Adopted || reports[0].AmountMinor != 10000 ||
		!strings.Contains(reports[0].Reason, "10000 instead of 13000") {
		t.Errorf("it reports %+v", reports)
	}
	d.assertAmounts(10000)
	d.mustPost("run_3", false, false)
	d.assertAmounts(10000, 3000)
}

// TestRestoreInterrupted: where the wait is interrupted nothing is sent, and the next run waits as well.
func TestRestoreInterrupted(t *testing.T) {
	d := newDrill(t, true)
	d.restore(d.backUp(), 1)
	runner := d.runner("run_1")
	runner.config.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	planned, err := runner.Plan(t.Context())
	d.must(err)
	if _, err := runner.Post(t.Context(), planned); !errors.Is(err, context.Canceled) || d.posts() != 0 {
		t.Errorf("the error is %v after %d requests", err, d.posts())
	}
	d.mustPost("run_2", false)
	if len(d.waits) != 1 {
		t.Errorf("it waited %d times", len(d.waits))
	}
	d.assertAmounts(10000)
}
