package schemas

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// Circumstances are what a price may depend on besides the unit. They stand behind a list of units as a query and a
// fragment stand behind a URL's path: "input,output?geo=us&tier=batch#context>272000=1".
type Circumstances struct {
	// Dimensions are the event's, by name.
	Dimensions Dimensions
	// Tests tell which tests the event passes, of those that were made, by Test.String.
	Tests map[string]bool
}

// Test is a question to an event that its dimensions do not answer: is its context longer, or does its time of day lie
// within some hours. Its zero value is no test.
type Test struct {
	// ContextOver is what the event's tokens put in are more than, all units of them together.
	ContextOver decimal.Decimal
	// Hours is set for a test of the time, and ContextOver then means nothing.
	Hours Hours
}

// Hours are a part of each day by the clock of a timezone, from From until before To, both in minutes since midnight.
// Where To is not after From they last over midnight. Its zero value are none.
type Hours struct {
	From, To int
	Zone     string
}

const minutesPerDay = 24 * 60

// Hold tells whether an instant is within the hours.
func (h Hours) Hold(at time.Time) bool {
	local := at.In(h.location())
	minute := local.Hour()*60 + local.Minute()
	if h.From < h.To {
		return h.From <= minute && minute < h.To
	}
	return h.From <= minute || minute < h.To
}

// within tells whether the hours are a part of others of the same zone.
func (h Hours) within(other Hours) bool {
	if h.Zone != other.Zone {
		return false
	}
	last := func(of Hours) int { // minutes from h.From on, through which it lasts
		return (of.To - h.From + minutesPerDay - 1) % minutesPerDay
	}
	begun := (h.From - other.From + minutesPerDay) % minutesPerDay
	length := (other.To - other.From + minutesPerDay) % minutesPerDay
	return begun < length && last(h) <= last(other)
}

// zones are the locations that hours name: the system's files are read once.
var zones sync.Map

// location is that of the zone, which the catalog has loaded before.
func (h Hours) location() *time.Location {
	if known, ok := zones.Load(h.Zone); ok {
		return known.(*time.Location) //nolint:forcetypeassert // nothing else is stored
	}
	loc, err := time.LoadLocation(h.Zone)
	if err != nil {
		panic(fmt.Sprintf("hours in the zone %q, which no catalog can name: %v", h.Zone, err))
	}
	zones.Store(h.Zone, loc)
	return loc
}

// Changes are the instants in [from, to) at which the hours begin or end, in order.
func (h Hours) Changes(from, to time.Time) []time.Time {
	loc := h.location()
	var changes []time.Time
	for start := from; start.Before(to); {
		_, end := start.In(loc).ZoneBounds() // within, the clock goes straight on
		if end.IsZero() || end.After(to) {
			end = to
		}
		_, offset := start.In(loc).Zone()
		for _, minute := range []int{h.From, h.To} {
			local := (start.Unix() + int64(offset)) / secondsPerDay * secondsPerDay
			at := time.Unix(local+int64(minute)*60-int64(offset), 0).UTC()
			for ; at.Before(end); at = at.Add(secondsPerDay * time.Second) {
				if !at.Before(start) {
					changes = append(changes, at)
				}
			}
		}
		changes = append(changes, start.UTC())
		start = end
	}
	slices.SortFunc(changes, time.Time.Compare)
	return slices.CompactFunc(changes, time.Time.Equal)
}

const secondsPerDay = 24 * 60 * 60

// String is "16:30-00:30 Asia/Shanghai".
func (h Hours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d %s", h.From/60, h.From%60, h.To/60, h.To%60, h.Zone)
}

// String names the test: "context>272000", or the hours.
func (t Test) String() string {
	if t.Hours != (Hours{}) {
		return t.Hours.String()
	}
	return "context>" + t.ContextOver.String()
}

// passes tells whether an event passes the test.
func (t Test) passes(e *Event) bool {
	if t.Hours != (Hours{}) {
		return t.Hours.Hold(e.OccurredAt)
	}
	return e.Context().GreaterThan(t.ContextOver)
}

// contextUnits are the units of tokens that are put in.
var contextUnits = []string{
	UnitInput, UnitCachedInput, UnitCacheWrite, UnitCacheWrite1h, UnitInputAudio, UnitCachedInputAudio, UnitInputImage,
	UnitInputVideo,
}

// ContextUnits are the units that make an event's context.
func ContextUnits() []string { return slices.Clone(contextUnits) }

// Context is the size of the prompt: all tokens put in.
func (e *Event) Context() decimal.Decimal {
	sum := decimal.Zero
	for _, amount := range e.Units {
		if slices.Contains(contextUnits, amount.Unit) {
			sum = sum.Add(amount.Quantity)
		}
	}
	return sum
}

// Under are the event's circumstances, with the tests that are asked for, as ParseCircumstances reads them.
func (e *Event) Under(tests []Test) string {
	text := FormatDimensions(e.Dimensions)
	if text != "" {
		text = "?" + text
	}
	if len(tests) > 0 {
		text += "#" + FormatTests(tests, func(test Test) bool { return test.passes(e) })
	}
	return text
}

// SortTests orders tests, each once: by context, then by hours.
func SortTests(tests []Test) []Test {
	slices.SortFunc(tests, func(a, b Test) int {
		return cmp.Or(cmp.Compare(a.Hours.String(), b.Hours.String()), a.ContextOver.Cmp(b.ContextOver))
	})
	return slices.CompactFunc(tests, func(a, b Test) bool {
		return a.Hours == b.Hours && a.ContextOver.Equal(b.ContextOver)
	})
}

// SplitUnits takes a list of units apart from the circumstances behind it, which are empty or begin with ? or #.
func SplitUnits(list string) (units, circumstances string) {
	if at := strings.IndexAny(list, "?#"); at >= 0 {
		return list[:at], list[at:]
	}
	return list, ""
}

// ParseCircumstances reads what stands behind a list of units.
func ParseCircumstances(text string) Circumstances {
	query, fragment, _ := strings.Cut(text, "#")
	c := Circumstances{Dimensions: ParseDimensions(strings.TrimPrefix(query, "?")), Tests: map[string]bool{}}
	for part := range strings.SplitSeq(fragment, ",") {
		if at := strings.LastIndexByte(part, '='); at >= 0 {
			c.Tests[part[:at]] = part[at+1:] == "1"
		}
	}
	return c
}

// FormatTests is the outcome of tests as ParseCircumstances reads it behind #.
func FormatTests(tests []Test, passed func(Test) bool) string {
	parts := make([]string, len(tests))
	for i, test := range tests {
		outcome := "=0"
		if passed(test) {
			outcome = "=1"
		}
		parts[i] = test.String() + outcome
	}
	return strings.Join(parts, ",")
}

// FormatDimensions writes dimensions as a URL's query, in the order of their names; empty where there are none.
func FormatDimensions(dimensions Dimensions) string {
	query := url.Values{}
	for name, value := range dimensions {
		query.Set(name, value)
	}
	return query.Encode()
}

// ParseDimensions reads what FormatDimensions wrote.
func ParseDimensions(query string) Dimensions {
	if query == "" {
		return nil
	}
	dimensions := Dimensions{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		dimensions[name] = value
	}
	return dimensions
}

// String is "geo us, tier batch, context over 272000", without what does not hold; empty where nothing does.
func (c Circumstances) String() string {
	var parts []string
	for name, value := range c.Dimensions {
		parts = append(parts, name+" "+value)
	}
	slices.Sort(parts)
	var passed []string
	for test, holds := range c.Tests {
		if holds {
			passed = append(passed, strings.Replace(test, ">", " over ", 1))
		}
	}
	slices.Sort(passed)
	return strings.Join(append(parts, passed...), ", ")
}

// Dimensions are what prices may depend on, by name.
type Dimensions map[string]string

// String is "geo us; tier batch", empty where there are none.
func (d Dimensions) String() string {
	parts := make([]string, 0, len(d))
	for _, name := range slices.Sorted(maps.Keys(d)) {
		parts = append(parts, name+" "+d[name])
	}
	return strings.Join(parts, "; ")
}

const (
	// MaxDimensionBytes is the longest value of a dimension.
	MaxDimensionBytes = 256
	// MaxCombinations is how many combinations of dimensions a load may have.
	MaxCombinations = 1000
)

// parseMinutes reads a time of day such as 16:30, and 24:00 as midnight.
func parseMinutes(text string) (int, bool) {
	hours, minutes, found := strings.Cut(text, ":")
	h, hoursErr := strconv.Atoi(hours)
	m, minutesErr := strconv.Atoi(minutes)
	if !found || len(minutes) != 2 || hoursErr != nil || minutesErr != nil || h < 0 || m < 0 || m > 59 ||
		h*60+m > minutesPerDay {
		return 0, false
	}
	return (h*60 + m) % minutesPerDay, true
}
