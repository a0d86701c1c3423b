package main

import (
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
)

// stripeCommands are those that ask or tell Stripe something.
var stripeCommands = [][]string{
	postArguments,
	{"invoice", "reconcile", "--as-of", "2026-11-01"},
	{"invoice", "reconcile", "--as-of", "2026-11-01", "--settle"},
	{"invoice", "reconcile", "--as-of", "2026-11-01", "--repair"},
	{"sync", "--yes"},
	{"attach", "customer_000", "pro", "--checkout"},
	{"invoice", "resolve", "oc_1", "--reason", "paid by wire"},
}

// TestDamagedTableKeepsFromStripe loses a part of each table that a command at Stripe works with, while one charge is
// posted and one is ready. The command refuses and names the table, and Stripe hears of nothing.
func TestDamagedTableKeepsFromStripe(t *testing.T) {
	s := newShop(t)
	s.owe(plan.ModeSubscription)
	s.post()
	s.owe(plan.ModeInvoice)
	s.want(t, exitOK, "balance")
	folders := foldersOf(t, s.w)
	s.must(s.w.Close())
	heard := len(s.fake.Requests())
	for _, table := range []string{
		"usage_events", "loads", "subscriptions", "customers", "plans", "charge_plan", "charge_event", "closed_periods",
	} {
		t.Run(table, func(t *testing.T) {
			restore := loseParts(t, partsOf(t, folders[table])[:1])
			w := s.open(t, 0)
			for _, command := range stripeCommands {
				words := []string{"the warehouse is damaged: " + table, "are missing", "restore a backup"}
				s.wantWords(t, exitError, words, command...)
			}
			s.must(w.Close())
			restore()
			if made := s.fake.Requests()[heard:]; len(made) > 0 {
				t.Errorf("%d requests were made, the first is %s %s", len(made), made[0].Method, made[0].Path)
			}
		})
	}
	s.post()
	s.wantAtStripe()
}

// TestFrozenIsExpected: what a run froze is missed from then on, although the run was killed before it sent anything.
func TestFrozenIsExpected(t *testing.T) {
	for _, table := range []string{"charge_plan", "plans", "closed_periods"} {
		t.Run(table, func(t *testing.T) {
			s := newShop(t)
			s.owe(plan.ModeInvoice)
			s.killed("S3:1")
			folders := foldersOf(t, s.w)
			s.must(s.w.Close())
			restore := lose(t, folders[table])
			s.wantWords(t, exitError, []string{"the warehouse is damaged: " + table, "are missing"}, postArguments...)
			if s.posts() != 0 {
				t.Errorf("%d requests were made", s.posts())
			}
			restore()
			s.post()
			s.wantAtStripe()
		})
	}
}
