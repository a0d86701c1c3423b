package post

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
)

// TestSpread: which of a subscription's charges ask for an invoice, by what is pending before them.
func TestSpread(t *testing.T) {
	for _, test := range []struct {
		name     string
		before   waiting
		charges  int
		minor    int64
		mode     string
		wantAt   string
		wantLeft int
	}{
		{name: "few wait", charges: 3, minor: 100, mode: plan.ModeSubscription},
		{name: "few are billed together", charges: 3, minor: 100, mode: plan.ModeBillNow, wantAt: "2"},
		{name: "one has its invoice", charges: 1, minor: 100, mode: plan.ModeBillNow, wantAt: "0"},
		{name: "every 200th", charges: 450, minor: 1, mode: plan.ModeSubscription, wantAt: "199 399"},
		{name: "every 200th and the last", charges: 250, minor: 1, mode: plan.ModeBillNow, wantAt: "199 249"},
		{
			name: "what is pending counts", before: waiting{items: 198}, charges: 3, minor: 1,
			mode: plan.ModeSubscription, wantAt: "1",
		},
		{
			name: "far too much is pending", before: waiting{items: 600}, charges: 4, minor: 1,
			mode: plan.ModeSubscription, wantAt: "0 1",
		},
		{name: "Stripe's largest amount", charges: 3, minor: 60_000_000, mode: plan.ModeSubscription, wantAt: "0 1"},
		{
			name: "a large amount is pending", before: waiting{items: 1, minor: 96_999_999}, charges: 2, minor: 2,
			mode: plan.ModeSubscription, wantAt: "0",
		},
		{
			name: "more than a day's invoices", charges: 3010, minor: 1,
			mode: plan.ModeSubscription, wantLeft: 10,
			wantAt: "199 399 599 799 999 1199 1399 1599 1799 1999 2199 2399 2599 2799 2999",
		},
	} {
		ours := make([]*chosen, test.charges)
		for i := range ours {
			ours[i] = &chosen{charge: plan.Charge{AmountMinor: test.minor}, way: target{mode: test.mode, subscription: "sub"}}
		}
		left := spread(ours, test.before)
		var at []string
		for i, one := range ours[:len(ours)-len(left)] {
			if one.way.mode == plan.ModeBillNow {
				at = append(at, strconv.Itoa(i))
			}
		}
		if got := strings.Join(at, " "); got != test.wantAt || len(left) != test.wantLeft {
			t.Errorf("%s: at once are %q, want %q; %d are left, want %d", test.name, got, test.wantAt, len(left), test.wantLeft)
		}
	}
}

// TestDayFull: what no invoice of the day has room for is held with its code, and nothing else of the subscription.
func TestDayFull(t *testing.T) {
	all := make([]chosen, invoicesInRun+2)
	for i := range all {
		all[i] = chosen{
			charge: plan.Charge{ID: "oc_" + strconv.Itoa(i), AmountMinor: plan.MaxPartMinor},
			way:    target{mode: plan.ModeBillNow, subscription: "sub_1"},
		}
	}
	p := &Poster{now: time.Now}
	if err := p.spread(t.Context(), plan.Plan{}, all); err != nil {
		t.Fatal(err)
	}
	for i, one := range all {
		held := one.report != nil && one.report.Status == plan.StatusHeld &&
			plan.JoinCodes(one.report.HoldCodes) == string(plan.HoldDayFull)
		if held != (i >= invoicesInRun) || held == (one.way.mode != "") {
			t.Errorf("%d: %+v, %q", i, one.report, one.way.mode)
		}
	}
}
