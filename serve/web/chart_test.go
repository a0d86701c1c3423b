package web

import (
	"strings"
	"testing"
	"time"
)

func day(text string) time.Time {
	at, _ := time.Parse(time.DateOnly, text) // tests give days
	return at
}

// TestSpan: charts show whole months, the last of which is the present one.
func TestSpan(t *testing.T) {
	from, to := span(time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC), 3)
	if from != day("2026-11-01") || to != day("2027-02-01") {
		t.Errorf("%s to %s", from, to)
	}
}

// TestStacked: the bars of a day stand on one another, and fewer than five features are drawn apart.
func TestStacked(t *testing.T) {
	var rows []daily
	for _, feature := range []string{"a", "b", "c", "d", "e", "f"} {
		rows = append(rows, daily{Day: day("2026-10-31"), FeatureID: feature, Credits: "100"})
	}
	chart := stacked("Credits", rows, day("2026-10-01"), day("2026-11-01"))
	if len(chart.Bars) != 6 || len(chart.Legend) != 5 || chart.Legend[4].Name != "others" {
		t.Fatalf("%+v", chart)
	}
	if top, base := chart.Bars[5].Y, chart.Bars[0]; top != at(chartRoof) || base.Class != "s0" {
		t.Errorf("%+v", chart.Bars)
	}
	if last := chart.Ticks[0].Label; last != "1 Oct" || chart.Grid[0].Label != "0" {
		t.Errorf("%+v", chart.Ticks)
	}
}

// TestBurnDown: the line begins with what was granted less what was used before, ends at now, and rises with the next
// period; an unlimited period has none.
func TestBurnDown(t *testing.T) {
	granted, end := "100", day("2026-11-01")
	now := day("2026-11-02").Add(time.Hour)
	periods := []period{
		{PeriodStart: day("2026-09-20"), PeriodEnd: &end, Granted: &granted, Used: "60"},
		{PeriodStart: end, Granted: &granted, Used: "10"},
		{PeriodStart: end, Used: "10"},
	}
	rows := []daily{
		{Day: day("2026-10-01"), Credits: "20"},
		{Day: day("2026-10-31"), Credits: "30"},
		{Day: day("2026-11-01"), Credits: "10"},
	}
	chart := burnDown("Credits left", periods, rows, day("2026-10-01"), day("2026-12-01"), now, time.UTC)
	if len(chart.Lines) != 2 {
		t.Fatalf("%+v", chart.Lines)
	}
	s := newScale(day("2026-10-01"), day("2026-12-01"), 100)
	first, second := strings.Fields(chart.Lines[0].Points), strings.Fields(chart.Lines[1].Points)
	for name, test := range map[string][2]string{
		"begins with 90 of 100":     {first[0], at(s.x(day("2026-10-01"))) + "," + at(s.y(90))},
		"70 after the first day":    {first[1], at(s.x(day("2026-10-02"))) + "," + at(s.y(70))},
		"40 at the end":             {first[len(first)-1], at(s.x(end)) + "," + at(s.y(40))},
		"100 when the next begins":  {second[0], at(s.x(end)) + "," + at(s.y(100))},
		"90 at the end of this day": {second[len(second)-1], at(s.x(day("2026-11-03"))) + "," + at(s.y(90))},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: %s, want %s", name, test[0], test[1])
		}
	}
	if burnDown("none", periods[2:], rows, day("2026-10-01"), day("2026-12-01"), now, time.UTC) != nil {
		t.Error("an unlimited period has a line")
	}
}

// TestNiceStep: a grid has at most five steps, of 1, 2 or 5 times a power of ten.
func TestNiceStep(t *testing.T) {
	for top, want := range map[float64]float64{1: 0.2, 3: 1, 100: 20, 23000: 5000, 51: 20, 1e-18: 1e-18, 999: 200} {
		if got := niceStep(top); got < want*0.999 || got > want*1.001 {
			t.Errorf("%g: %g, want %g", top, got, want)
		}
	}
}
