package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// hour is an instant on the axis of these tests.
func hour(n int) time.Time { return time.Date(2026, 10, 1, n, 0, 0, 0, time.UTC) }

// drawSpan is a stretch of some hours of 24.
func drawSpan(t *rapid.T, label string) schemas.Period {
	start := rapid.IntRange(0, 22).Draw(t, label+" from")
	return schemas.Period{Start: hour(start), End: hour(rapid.IntRange(start+1, 24).Draw(t, label+" to"))}
}

// TestWithout: what is left of stretches is each instant of theirs that is not in the period, and no other.
func TestWithout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stretches []subscription.Closed
		for i := range rapid.IntRange(0, 3).Draw(t, "stretches") {
			stretches = append(stretches, subscription.Closed{Period: drawSpan(t, fmt.Sprint("stretch ", i))})
		}
		cut := drawSpan(t, "cut")
		left := without(stretches, cut)
		for n := range 24 {
			count := func(of []subscription.Closed) (times int) {
				for _, stretch := range of {
					if stretch.Contains(hour(n)) {
						times++
					}
				}
				return times
			}
			want := count(stretches)
			if cut.Contains(hour(n)) {
				want = 0
			}
			if got := count(left); got != want {
				t.Fatalf("hour %d is in %d stretches, want %d: %v without %v is %v", n, got, want, stretches, cut, left)
			}
		}
		for _, stretch := range left {
			if !stretch.Start.Before(stretch.End) {
				t.Fatalf("%v is empty", stretch.Period)
			}
		}
	})
}

// TestEffectiveClosings: however runs overlap, each instant that any of them closed is closed once, by the first to do
// so, and customers stay apart.
func TestEffectiveClosings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all Closings
		for i := range rapid.IntRange(0, 5).Draw(t, "closings") {
			closing := Closing{RunID: fmt.Sprint("run_", i), ClosedAt: hour(100 + i)}
			closing.CustomerID = rapid.SampledFrom([]string{"acme", "beta"}).Draw(t, "customer")
			closing.Period = drawSpan(t, fmt.Sprint("closing ", i))
			closing.Product = closing.RunID
			all.Stretches = append(all.Stretches, closing)
		}
		closed, rebills := all.Effective()
		if len(rebills) > 0 {
			t.Fatalf("nobody asked for %v", rebills)
		}
		for n := range 24 {
			for _, customer := range []string{"acme", "beta"} {
				first := ""
				for _, closing := range all.Stretches {
					if first == "" && closing.CustomerID == customer && closing.Contains(hour(n)) {
						first = closing.RunID
					}
				}
				var by []string
				for _, stretch := range closed {
					if stretch.CustomerID == customer && stretch.Contains(hour(n)) {
						by = append(by, stretch.Product)
					}
				}
				if strings.Join(by, " ") != first {
					t.Fatalf("hour %d of %s is closed by %v, want %q", n, customer, by, first)
				}
			}
		}
		for _, customer := range []string{"acme", "beta", "gamma"} {
			for _, closing := range all.OfCustomer(customer).Stretches {
				if closing.CustomerID != customer {
					t.Fatalf("a stretch of %s is among those of %s", closing.CustomerID, customer)
				}
			}
		}
	})
}

// TestClosingsAsOf: what a run knew is what the runs and rebills before it had written.
func TestClosingsAsOf(t *testing.T) {
	all := Closings{
		Stretches: []Closing{{RunID: "run_b"}, {RunID: "run_a"}, {RunID: "run_b"}},
		Rebills:   []Rebill{{ID: "rb_1"}, {ID: "rb_2"}},
	}
	if got := fmt.Sprint(all.runs(), all.ids()); got != "[run_a run_b] [rb_1 rb_2]" {
		t.Error(got)
	}
	known := all.asOf([]string{"run_b"}, []string{"rb_2"})
	if got := fmt.Sprint(known.runs(), len(known.Stretches), known.ids()); got != "[run_b] 2 [rb_2]" {
		t.Error(got)
	}
	if nothing := (Closings{}).asOf(all.runs(), nil); len(nothing.Stretches)+len(nothing.Rebills) > 0 {
		t.Error(nothing)
	}
}

// TestFindNothingClosed: a customer without closed time is told what closes a period.
func TestFindNothingClosed(t *testing.T) {
	october := schemas.Period{Start: hour(0), End: hour(24)}
	_, err := (Closings{}).Find("acme", october)
	if !errors.Is(err, ErrNotClosed) || !strings.Contains(err.Error(), "one closes when a plan that holds it is posted") {
		t.Error(err)
	}
}

// TestCell: a text that a spreadsheet would run is marked as text; any other stays as it is.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "acme": "acme", "a=b": "a=b", " =a": " =a", "é": "é",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@sum": "'@sum", "\tx": "'\tx", "\rx": "'\rx",
	} {
		if got := Cell(text); got != want {
			t.Errorf("Cell(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestShorten: as many characters as Stripe takes, whatever bytes they are made of.
func TestShorten(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"äöü", 3, "äöü"},
		{"äöüß", 3, "äö…"},
		{"", 3, ""},
		{"😀😀", 1, "…"},
	} {
		if got := Shorten(test.text, test.most); got != test.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", test.text, test.most, got, test.want)
		}
	}
}
