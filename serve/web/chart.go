package web

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// months are whole calendar months by day, drawn on the server. Heights are floating point; figures beside them stay as
// the API has them.
type months struct {
	Title, About  string
	Width, Height int
	Grid          []gridLine
	Ticks         []tick
	Bars          []bar
	Lines         []path
	Legend        []legend
}

type gridLine struct {
	Y     string
	Label string
}

type tick struct{ X, Label string }

// bar is a day's credits of one series. Class is s0 to s4.
type bar struct{ X, Y, Width, Height, Class, Title string }

type path struct{ Points, Class string }

type legend struct{ Class, Name string }

// daily is a row of /v1/usage.
type daily struct {
	Day          time.Time `json:"day"`
	CreditSystem string    `json:"credit_system"`
	FeatureID    string    `json:"feature_id"`
	Credits      string    `json:"credits"`
}

const (
	chartWidth  = 1000
	chartHeight = 230
	chartLeft   = 70
	chartRoof   = 10
	chartFloor  = 24
	// mostSeries are drawn apart; the rest is one series.
	mostSeries = 5
)

// span is the first day and the one after the last of some whole months, the last of which holds a time.
func span(now time.Time, count int) (from, to time.Time) {
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 1-count, 0), first.AddDate(0, 1, 0)
}

// scale places days and heights.
type scale struct {
	from time.Time
	days int
	top  float64
}

func newScale(from, to time.Time, top float64) scale {
	return scale{from: from, days: int(to.Sub(from).Hours() / 24), top: max(top, 1e-18)}
}

func (s scale) slot() float64 { return float64(chartWidth-chartLeft) / float64(s.days) }

func (s scale) x(day time.Time) float64 {
	return chartLeft + day.Sub(s.from).Hours()/24*s.slot()
}

func (s scale) y(value float64) float64 {
	room := float64(chartHeight - chartRoof - chartFloor)
	return chartRoof + room - min(max(value/s.top, 0), 1)*room
}

// frame draws the grid and the ticks: the first of each month, and every week.
func (s scale) frame(title, about string) *months {
	m := &months{Title: title, About: about, Width: chartWidth, Height: chartHeight}
	step := niceStep(s.top)
	for i := 0; float64(i)*step <= s.top*1.0000001; i++ {
		m.Grid = append(m.Grid, gridLine{Y: at(s.y(float64(i) * step)), Label: label(float64(i) * step)})
	}
	for i := range s.days {
		day := s.from.AddDate(0, 0, i)
		if day.Day() == 1 || day.Day()%7 == 1 && day.Day() < 28 {
			m.Ticks = append(m.Ticks, tick{X: at(s.x(day)), Label: day.Format("2 Jan")})
		}
	}
	return m
}

// niceStep is 1, 2 or 5 times a power of ten, so that at most five lines are drawn.
func niceStep(top float64) float64 {
	power := 1e-18
	for power*50 < top {
		power *= 10
	}
	for _, times := range []float64{1, 2, 5, 10, 20} {
		if top <= power*times*5 {
			return power * times
		}
	}
	return power * 50
}

func at(value float64) string { return strconv.FormatFloat(value, 'f', 1, 64) }

func label(value float64) string {
	text := strconv.FormatFloat(value, 'g', 6, 64)
	if value >= 1e6 {
		return strconv.FormatFloat(value/1e6, 'g', 6, 64) + " M"
	}
	return figure(text)
}

// height is a decimal text as a height: where it cannot be one there is none.
func height(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return value
}

// stacked draws credits by day, one colour a feature.
func stacked(title string, rows []daily, from, to time.Time) *months {
	byFeature, byDay := map[string]float64{}, map[time.Time]float64{}
	for _, row := range rows {
		byFeature[row.FeatureID] += height(row.Credits)
		byDay[row.Day] += height(row.Credits)
	}
	var top float64
	for _, sum := range byDay {
		top = max(top, sum)
	}
	names := make([]string, 0, len(byFeature))
	for name := range byFeature {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(byFeature[b], byFeature[a]), cmp.Compare(a, b))
	})
	class := map[string]string{}
	s := newScale(from, to, top)
	m := s.frame(title, title+" from "+from.Format("2 January 2006")+" to "+to.AddDate(0, 0, -1).Format("2 January 2006"))
	for i, name := range names {
		class[name] = "s" + strconv.Itoa(min(i, mostSeries-1))
		switch {
		case i < mostSeries-1 || len(names) == mostSeries:
			m.Legend = append(m.Legend, legend{class[name], cmp.Or(name, "no feature")})
		case i == mostSeries-1:
			m.Legend = append(m.Legend, legend{class[name], "others"})
		}
	}
	floor := map[time.Time]float64{}
	slices.SortStableFunc(rows, func(a, b daily) int {
		return slices.Index(names, a.FeatureID) - slices.Index(names, b.FeatureID)
	})
	for _, row := range rows {
		below := floor[row.Day]
		above := below + height(row.Credits)
		floor[row.Day] = above
		m.Bars = append(m.Bars, bar{
			X: at(s.x(row.Day) + s.slot()*0.1), Width: at(s.slot() * 0.8), Y: at(s.y(above)),
			Height: at(max(s.y(below)-s.y(above), 0.5)), Class: class[row.FeatureID],
			Title: row.Day.Format(time.DateOnly) + ", " + cmp.Or(row.FeatureID, "no feature") + ": " + figure(row.Credits) +
				" credits",
		})
	}
	return m
}

// burnDown draws what was left of each period at the end of each day; it rises where a period begins.
func burnDown(title string, periods []period, rows []daily, from, to, now time.Time, zone *time.Location) *months {
	used := map[time.Time]float64{}
	for _, row := range rows {
		used[row.Day] += height(row.Credits)
	}
	var top float64
	for _, one := range periods {
		if one.Granted != nil {
			top = max(top, height(*one.Granted))
		}
	}
	s := newScale(from, to, top)
	m := s.frame(title, title+" at the end of each day from "+from.Format("2 January 2006"))
	for _, one := range periods {
		if one.Granted == nil {
			continue
		}
		// What was used before the span is the rest of what the period used.
		left, points := height(*one.Granted)-height(one.Used), ""
		first, end := later(dayOf(one.PeriodStart, zone), from), to
		if one.PeriodEnd != nil && one.PeriodEnd.Before(end) {
			end = dayOf(*one.PeriodEnd, zone)
		}
		if end.After(now) {
			end = dayOf(now, zone).AddDate(0, 0, 1)
		}
		for day := first; day.Before(end); day = day.AddDate(0, 0, 1) {
			left += used[day]
		}
		for day := first; day.Before(end); day = day.AddDate(0, 0, 1) {
			points += at(s.x(day)) + "," + at(s.y(left)) + " "
			left -= used[day]
			points += at(s.x(day.AddDate(0, 0, 1))) + "," + at(s.y(left)) + " "
		}
		if points != "" {
			m.Lines = append(m.Lines, path{Points: points, Class: "burn"})
		}
	}
	if len(m.Lines) == 0 {
		return nil
	}
	return m
}

// dayOf is the day that a time shows on a clock, as the days of usage are written.
func dayOf(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
