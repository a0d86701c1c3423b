package event

import (
	"bytes"
	"strconv"
	"time"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

const (
	second = int64(time.Second)
	// Times lie in [firstInstant, endInstant), whatever today is.
	firstInstant = 946_684_800 * second
	endInstant   = 4_102_444_800 * second
)

// dayCache remembers the last date: rows of a log lie close together.
type dayCache struct {
	text  [10]byte
	start int64 // seconds since 1970 at its midnight, UTC
}

// parse reads a time as nanoseconds since 1970.
func (d *dayCache) parse(found Value, layout string, location *time.Location) (instant int64, reason string) {
	if found.Kind == KindInstant { // whatever the layout, which is for texts and numbers
		return d.parseRFC3339(found.Bytes, location)
	}
	switch layout {
	case schemas.LayoutUnix:
		return parseUnix(found, 9)
	case schemas.LayoutUnixMS:
		return parseUnix(found, 6)
	case schemas.LayoutUnixUS:
		return parseUnix(found, 3)
	case schemas.LayoutUnixNS:
		return parseUnix(found, 0)
	}
	if found.Kind != KindString && found.Kind != KindText {
		return 0, "want a time as a string, found " + found.Kind.String()
	}
	if layout == schemas.LayoutRFC3339 || layout == "" {
		return d.parseRFC3339(found.Bytes, location)
	}
	if location == nil {
		location = time.UTC
	}
	parsed, err := time.ParseInLocation(layout, string(found.Bytes), location)
	if err != nil {
		return 0, "is not a time like " + quote([]byte(layout)) + ": " + quote(found.Bytes)
	}
	if schemas.NamesZone(layout) && parsed.Location() != location && parsed.Location() != time.UTC {
		// Go reads the time as UTC where it does not know the abbreviation, and GMT+3 too.
		if zone := parsed.Location().String(); zone != "GMT" {
			return 0, "has the zone " + strconv.Quote(zone) + ", which is none of " + location.String() + ": " +
				quote(found.Bytes)
		}
	}
	return nanoseconds(parsed)
}

func nanoseconds(instant time.Time) (int64, string) {
	if year := instant.UTC().Year(); year < 2000 || year >= 2100 {
		return 0, outsideTime + instant.UTC().Format(time.DateOnly)
	}
	return instant.UnixNano(), ""
}

// parseUnix reads a count of 10^-9 × 10^scale seconds since 1970, whole or with a fraction.
func parseUnix(found Value, scale int) (int64, string) {
	text := found.Bytes
	switch found.Kind {
	case KindNumber:
	case KindString, KindText:
		text = bytes.TrimSpace(text)
		if end, ok := jsontext.ScanNumber(text, 0); !ok || end != len(text) {
			return 0, "is not a Unix time: " + quote(found.Bytes)
		}
		if maybeRounded(text) {
			return 0, quote(text) + rounded
		}
	default:
		return 0, "want a Unix time, found " + found.Kind.String()
	}
	n, flags := parseDecimal(text, scale)
	if !flags.fits || flags.negative {
		return 0, outsideTime + quote(text)
	}
	return int64(n), ""
}

const outsideTime = "outside of 2000-01-01 to 2100-01-01: "

// unixUnits are the layouts of Unix times, whose count is one of 10^-9 × 10^scale seconds.
var unixUnits = []struct {
	layout, name string
	scale        int
}{
	{schemas.LayoutUnix, "seconds", 9},
	{schemas.LayoutUnixMS, "milliseconds", 6},
	{schemas.LayoutUnixUS, "microseconds", 3},
	{schemas.LayoutUnixNS, "nanoseconds", 0},
}

// likelyUnit names the layout by which a number that is no time, or one out of range, would be a time in it. At most
// one fits a number.
func likelyUnit(text []byte) string {
	text = bytes.TrimSpace(text)
	if end, ok := jsontext.ScanNumber(text, 0); !ok || end != len(text) {
		return ""
	}
	for _, unit := range unixUnits {
		n, flags := parseDecimal(text, unit.scale)
		if instant := int64(n); flags.fits && !flags.negative && instant >= firstInstant && instant < endInstant {
			return ", which would be a time in " + unit.name + ": declare layout: " + unit.layout
		}
	}
	return ""
}

const notRFC3339 = "is not a time like 2026-10-01T00:00:00Z: "

// parseRFC3339 reads YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm) and its relatives in ISO 8601 and databases' exports: a
// comma before the fraction, ±hhmm, ±hh, " UTC". Without an offset the location is needed. Digits beyond the nanosecond
// are cut off.
func (d *dayCache) parseRFC3339(text []byte, location *time.Location) (int64, string) {
	if len(text) < len("2006-01-02T15:04:05") || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
		text[13] != ':' || text[16] != ':' {
		return 0, notRFC3339 + quote(text)
	}
	if string(d.text[:]) != string(text[:10]) {
		if reason := d.setDay(text); reason != "" {
			return 0, reason
		}
	}
	hour, minute, seconds := twoDigits(text[11:]), twoDigits(text[14:]), twoDigits(text[17:])
	if hour < 0 || minute < 0 || seconds < 0 {
		return 0, notRFC3339 + quote(text)
	}
	if hour > 23 || minute > 59 || seconds > 59 {
		return 0, "has an hour, minute or second that does not exist: " + quote(text)
	}
	rest := text[19:]
	fraction := 0
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		digits := 1
		for unit := 100_000_000; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
			fraction += int(rest[digits]-'0') * unit
			unit /= 10
		}
		if digits == 1 {
			return 0, notRFC3339 + quote(text)
		}
		rest = rest[digits:]
	}
	offset, given, ok := parseOffset(rest)
	if !ok {
		return 0, notRFC3339 + quote(text)
	}
	if !given {
		if location == nil {
			return 0, "has no offset, and the source declares no timezone: " + quote(text)
		}
		day := time.Unix(d.start, 0).UTC()
		return nanoseconds(time.Date(day.Year(), day.Month(), day.Day(), hour, minute, seconds, fraction, location))
	}
	instant := d.start + int64(hour*3600+minute*60+seconds-offset)
	if instant < firstInstant/second || instant >= endInstant/second {
		return 0, outsideTime + quote(text)
	}
	return instant*second + int64(fraction), ""
}

// setDay reads the date at the beginning of the text.
func (d *dayCache) setDay(text []byte) string {
	century, year, month, day := twoDigits(text), twoDigits(text[2:]), twoDigits(text[5:]), twoDigits(text[8:])
	if century < 0 || year < 0 || month < 0 || day < 0 || text[4] != '-' || text[7] != '-' {
		return notRFC3339 + quote(text)
	}
	date := time.Date(century*100+year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if int(date.Month()) != month || date.Day() != day {
		return "has a date that does not exist: " + quote(text)
	}
	copy(d.text[:], text)
	d.start = date.Unix()
	return ""
}

// parseOffset reads Z, UTC, ±hh:mm, ±hhmm, ±hh or nothing, in seconds east of UTC. A blank may stand before it.
func parseOffset(text []byte) (offset int, given, ok bool) {
	if len(text) == 0 {
		return 0, false, true
	}
	if text[0] == ' ' {
		text = text[1:]
	}
	switch string(text) {
	case "Z", "z", "UTC":
		return 0, true, true
	}
	if len(text) < len("+00") || (text[0] != '+' && text[0] != '-') {
		return 0, false, false
	}
	hour, minute := twoDigits(text[1:]), 0
	switch {
	case len(text) == len("+00"):
	case len(text) == len("+0000"):
		minute = twoDigits(text[3:])
	case len(text) == len("+00:00") && text[3] == ':':
		minute = twoDigits(text[4:])
	default:
		return 0, false, false
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, false, false
	}
	offset = hour*3600 + minute*60
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// twoDigits is -1 unless the text begins with two digits.
func twoDigits(text []byte) int {
	tens, ones := text[0]-'0', text[1]-'0'
	if tens > 9 || ones > 9 {
		return -1
	}
	return int(tens)*10 + int(ones)
}
