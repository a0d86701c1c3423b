package main

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
)

// postWithoutEngine posts and kills the engine while the request is at Stripe, before Stripe does anything.
func (s *shop) postWithoutEngine(dsn string, request heldRequest) (command *exec.Cmd, stdout, stderr string) {
	s.t.Helper()
	arrived, release := s.gate.hold(request)
	defer release()
	command = s.command(s.t, dsn, postArguments...)
	var output bytes.Buffer
	command.Stdout = &output
	s.must(command.Start())
	ended := make(chan struct{})
	go func() {
		command.Wait() //nolint:errcheck // its exit code is looked at
		close(ended)
	}()
	select {
	case <-arrived:
	case <-ended:
		s.t.Fatalf("the post ended before %+v\n%s%s", request, &output, command.Stderr)
	}
	s.must(syscall.Kill(enginePID(s.t, s.directory), syscall.SIGKILL))
	release()
	<-ended
	return command, output.String(), command.Stderr.(*bytes.Buffer).String()
}

// events counts the events of a kind in the ledger.
func (s *shop) events(kind string) int {
	s.t.Helper()
	var count uint64
	row := s.w.Conn().QueryRow(s.t.Context(), "SELECT count() FROM charge_event WHERE kind = ?", kind)
	s.must(row.Scan(&count))
	return int(count)
}

// TestServerGone: the server that holds the ledger goes away for good in the middle of a post. The run ends and says
// so, what it had not announced it does not send, and the next run does what is left.
func TestServerGone(t *testing.T) {
	tests := []struct {
		name, mode string
		request    heldRequest
		words      string
		// sent counts the requests that write, announced those that the ledger knows of.
		sent, announced int
	}{
		{"before a freeze", plan.ModeSubscription, heldRequest{"GET", "/v1/customers/", 1}, "close periods", 0, 0},
		{"before a read", plan.ModeSubscription, heldRequest{"GET", "/v1/subscriptions/", 2}, "events", 0, 0},
		{"before an announcement", plan.ModeDraft, heldRequest{"GET", "/v1/invoices", 1}, "write down", 0, 0},
		{"before the answer", plan.ModeSubscription, heldRequest{"POST", "/v1/invoiceitems", 1}, "write down", 1, 1},
		{"before the last answer", plan.ModeInvoice, heldRequest{"POST", "/v1/invoices/", 1}, "write down", 3, 3},
	}
	s := newShop(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			charge := s.owe(test.mode)
			sent, announced := s.posts(), s.events("INTENT")
			address, _, user, password, _ := s.w.Options()
			server := "clickhouse://" + user + ":" + password + "@" + address + "/creditmill"
			command, stdout, stderr := s.postWithoutEngine(server, test.request)
			if code := command.ProcessState.ExitCode(); code != exitError {
				t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
			}
			if !strings.Contains(stderr, `{"error":{"message":`) || !strings.Contains(stderr, test.words) ||
				strings.Contains(stderr, password) {
				t.Fatalf("it says %q, want a word of %q", stderr, test.words)
			}
			s.must(s.revive("TRUNCATE TABLE locks")) // what a minute does
			sent, announced = s.posts()-sent, s.events("INTENT")-announced
			if sent != test.sent || announced != test.announced {
				t.Fatalf("%d requests were sent and %d announced, want %d and %d", sent, announced, test.sent, test.announced)
			}
			if report := s.post()[charge.customer]; report.Status != plan.StatusPosted {
				t.Fatalf("%+v", report)
			}
			s.wantAtStripe()
		})
		if t.Failed() {
			return // those after it would find the same
		}
	}
}

// revive has the warehouse's engine started again and runs a statement on it.
func (s *shop) revive(statement string) error {
	return s.w.OutliveEngine(s.t.Context(), func() error { return s.w.Conn().Exec(s.t.Context(), statement) })
}

// TestEngineKilled: an embedded engine that is killed in the middle of a post is started again. What the post was about
// to write down it then writes down; what it was about to read may fail, and then the next run does what is left.
func TestEngineKilled(t *testing.T) {
	tests := []struct {
		request heldRequest
		goesOn  bool
	}{
		{heldRequest{"GET", "/v1/customers/", 1}, false},
		{heldRequest{"GET", "/v1/subscriptions/", 2}, false},
		{heldRequest{"GET", "/v1/invoiceitems", 1}, true},
		{heldRequest{"POST", "/v1/invoiceitems", 1}, true},
	}
	s := newShop(t)
	for n, test := range tests {
		s.owe(plan.ModeSubscription)
		command, stdout, stderr := s.postWithoutEngine(s.dsn, test.request)
		code := command.ProcessState.ExitCode()
		if code != exitOK && (test.goesOn || code != exitError || !strings.Contains(stderr, `{"error":{"message":`)) {
			t.Fatalf("%+v: exit code %d\n%s%s", test.request, code, stdout, stderr)
		}
		s.must(s.revive("SELECT 1"))
		want := n
		if code == exitOK {
			want++
		}
		if s.posts() != want || s.events("INTENT") != want || s.events("ACK") != want {
			t.Fatalf("%+v: exit code %d, %d requests, %d announced, %d answers, want %d of each",
				test.request, code, s.posts(), s.events("INTENT"), s.events("ACK"), want)
		}
		s.post()
		s.wantAtStripe()
	}
}
