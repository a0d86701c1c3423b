package aggregate

import (
	"strings"
	"testing"
	"time"
)

func TestBurnOrder(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 10, day, 0, 0, 0, 0, time.UTC) }
	buckets := []bucket{
		{priority: 100, since: at(1), left: credits("1")},
		{priority: 100, expires: at(20), since: at(9), left: credits("2")},
		{priority: 100, expires: at(10), since: at(9), left: credits("3")},
		{priority: 100, expires: at(10), since: at(8), left: credits("4")},
		{priority: 50, since: at(9), left: credits("5.5")},
	}
	sortBuckets(buckets)
	uncovered := burn(buckets, credits("10"))
	var left []string
	for _, b := range buckets {
		left = append(left, b.left.String())
	}
	if got := strings.Join(left, " "); got != "0 0 2.5 2 1" || !uncovered.IsZero() {
		t.Errorf("left %s, uncovered %s", got, uncovered)
	}
	if uncovered = burn(buckets, credits("6")); !uncovered.Equal(credits("0.5")) {
		t.Errorf("uncovered %s", uncovered)
	}
}
