package aggregate

import (
	"testing"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

func TestQueryWants(t *testing.T) {
	q := Query{AsOf: instant("2026-11-01T00:00:00Z"), From: instant("2026-09-01T00:00:00Z"), EndedOnly: true}
	tests := []struct {
		start, end string
		used, want bool
	}{
		{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", true, true},
		{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", false, false},
		{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00.000000001Z", true, false},
		{"2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z", true, false},
	}
	for _, test := range tests {
		period := subscription.Span{Period: schemas.Period{Start: instant(test.start), End: instant(test.end)}}
		if got := q.wants(period, test.used); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
