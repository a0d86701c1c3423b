package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/creditmill/creditmill/warehouse"
)

// daemon is `creditmill run` with a clock of its own and jobs that only say that they ran. Its warehouse is a real one.
type daemon struct {
	now  time.Time
	zone *time.Location
	app  *app
	w    *warehouse.Warehouse
	jobs []job
	ran  []string
	fail map[string]error
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	_, w := newProgram(t)
	d := &daemon{zone: zone, w: w, fail: map[string]error{}}
	d.restart(t)
	for _, each := range []struct{ name, spec string }{
		{"load", "0 * * * *"}, {"aggregate", "15 2 * * *"}, {"invoice", "0 6 1 * *"},
	} {
		schedule, err := cron.ParseStandard(each.spec)
		if err != nil {
			t.Fatal(err)
		}
		d.jobs = append(d.jobs, job{name: each.name, schedule: schedule, run: func(context.Context) error {
			d.ran = append(d.ran, each.name)
			return d.fail[each.name]
		}})
	}
	return d
}

// restart begins a new process: all that it knows of the past is in the warehouse.
func (d *daemon) restart(t *testing.T) {
	t.Helper()
	d.app = newApp(strings.NewReader(""), io.Discard, io.Discard)
	d.app.now, d.app.config = func() time.Time { return d.now }, &config{}
}

// wake starts what is due at a time of day in Berlin, and wants these jobs to run, in order.
func (d *daemon) wake(t *testing.T, at string, want ...string) {
	t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04", at, d.zone)
	if err != nil {
		t.Fatal(err)
	}
	d.now, d.ran = now, nil
	for _, each := range d.jobs {
		if err := d.app.registerJob(t.Context(), d.w, each); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.app.runDue(t.Context(), d.w, d.jobs, d.zone); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.ran, want) {
		t.Errorf("at %s ran %v, want %v", at, d.ran, want)
	}
}

// wantFailed wants the error with which the process would end now; empty for none.
func (d *daemon) wantFailed(t *testing.T, want string) {
	t.Helper()
	got := ""
	if err := d.app.failedJobs(t.Context(), d.w, d.jobs); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("ends with %q, want %q", got, want)
	}
}

// TestMissedJobs walks a daemon through a month: what was missed is caught up once, what failed is tried again, and
// nothing runs twice.
func TestMissedJobs(t *testing.T) {
	d := newDaemon(t)
	d.wake(t, "2026-10-20 10:00") // newly scheduled: nothing before that was missed
	d.wake(t, "2026-10-20 11:00", "load")
	d.wake(t, "2026-10-20 11:01")
	d.wake(t, "2026-10-21 02:14", "load")
	d.wake(t, "2026-10-21 02:15", "aggregate")
	d.wake(t, "2026-10-21 02:15")

	// Off for twelve days, over the end of summer time and the first of the month: each job once, in its order.
	d.restart(t)
	d.wake(t, "2026-11-02 09:30", "load", "aggregate", "invoice")
	d.wake(t, "2026-11-02 09:40")

	// A job that failed is due until it has succeeded, in another process, too; the others go on.
	d.fail["aggregate"] = errors.New("disk full")
	d.wake(t, "2026-11-03 02:15", "load", "aggregate")
	d.wake(t, "2026-11-03 02:25", "aggregate")
	d.restart(t)
	d.wake(t, "2026-11-03 02:35", "aggregate")
	d.wantFailed(t, "job aggregate failed last, at 2026-11-03T01:35:00Z: disk full")
	delete(d.fail, "aggregate")
	d.wake(t, "2026-11-03 02:45", "aggregate")
	d.wantFailed(t, "")
	d.wake(t, "2026-11-03 02:55")

	// A charge that is held is for people and the job is done; one that is open is for the next try.
	d.fail["invoice"] = &partialError{Reason: "1 charge open", Open: true}
	d.wake(t, "2026-12-01 06:00", "load", "aggregate", "invoice")
	d.fail["invoice"] = &partialError{Reason: "1 charge held"}
	d.wake(t, "2026-12-01 06:10", "invoice")
	d.wake(t, "2026-12-01 06:20")

	// Of a job whose process was killed it is only known that it began. An empty inbox is neither loaded nor recorded.
	d.wake(t, "2026-12-02 02:10", "load")
	began := time.Date(2026, 12, 2, 1, 15, 0, 0, time.UTC)
	if err := writeJob(t.Context(), d.w, "aggregate", began, began, "running", ""); err != nil {
		t.Fatal(err)
	}
	d.jobs[0].ready = func() (bool, error) { return false, nil }
	d.wake(t, "2026-12-02 08:00", "aggregate")
	d.wake(t, "2026-12-02 08:10")
	d.jobs[0].ready = nil
	d.wake(t, "2026-12-02 08:20", "load")
}
