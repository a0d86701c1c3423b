package subscription

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// grantIntervals are how often a grant can be given again.
var grantIntervals = []schemas.Interval{
	schemas.IntervalDay, schemas.IntervalWeek, schemas.IntervalMonth, schemas.IntervalQuarter, schemas.IntervalYear,
}

func (g Grant) checkRecurrence() error {
	switch {
	case g.Every == "" && g.Keeps:
		return fmt.Errorf("%w: unused credits are kept of a grant that is given again; say how often", ErrInvalidGrant)
	case g.Every == "" && !g.Until.IsZero():
		return fmt.Errorf("%w: it is given until a time; say how often", ErrInvalidGrant)
	case g.Every == "":
		return nil
	case !slices.Contains(grantIntervals, g.Every):
		return fmt.Errorf("%w: it can be given every %s, not every %q", ErrInvalidGrant, strings.Join(intervalNames(), ", "),
			g.Every)
	case !g.ExpiresAt.IsZero():
		return fmt.Errorf("%w: one that is given again expires with the next, or never: it has no time of its own",
			ErrInvalidGrant)
	case !g.Until.IsZero() && !g.Until.After(g.StartsAt):
		return fmt.Errorf("%w: the time until which it is given must be after %s, when it starts", ErrInvalidGrant,
			g.StartsAt.Format(time.RFC3339))
	case g.Until.After(schemas.Never):
		return fmt.Errorf("%w: the time until which it is given must be before the year %d", ErrInvalidGrant,
			schemas.Never.Year())
	}
	return nil
}

func intervalNames() []string {
	names := make([]string, len(grantIntervals))
	for i, interval := range grantIntervals {
		names[i] = string(interval)
	}
	return names
}

// Given is what customers have beside their products' allowances: the grants, those that recur as one for each time
// that begins by asOf, and at least their first, and what add-ons give.
func Given(grants []Grant, addOns []Subscription, catalog *schemas.Catalog, asOf time.Time) []Grant {
	loc := catalog.Timezone
	given := make([]Grant, 0, len(grants))
	for _, grant := range grants {
		if grant.Every == "" {
			given = append(given, grant)
			continue
		}
		anchor := grant.StartsAt
		for n := 0; ; n++ {
			at := grant.Every.Start(&anchor, loc, n)
			if n > 0 && (at.After(asOf) || !grant.Until.IsZero() && !at.Before(grant.Until)) {
				break
			}
			given = append(given, grant.again(at, grant.Every.Start(&anchor, loc, n+1)))
		}
	}
	return append(given, addOnGrants(addOns, catalog, asOf)...)
}

// again is the grant as it is given at one of its times. No grant has an id with a line break.
func (g Grant) again(at, next time.Time) Grant {
	g.ID += "\n" + at.Format(time.RFC3339Nano)
	g.StartsAt = at
	if !g.Keeps {
		g.ExpiresAt = next
	}
	return g
}

// Useful tells whether any of it can be used at any time.
func (g Grant) Useful() bool {
	return (g.ExpiresAt.IsZero() || g.StartsAt.Before(g.ExpiresAt)) && !g.RevokedBefore(g.StartsAt.Add(1))
}

// RevokedBefore tells whether it was taken back for a time before t.
func (g Grant) RevokedBefore(t time.Time) bool { return !g.RevokedAt.IsZero() && g.RevokedAt.Before(t) }

// revokedID stands in a closed stretch for what it knows of the grant's being taken back.
func (g Grant) revokedID() string {
	return g.revokedMark() + g.RevokedAt.UTC().Format(time.RFC3339Nano)
}

func (g Grant) revokedMark() string { return g.ID + "\nrevoked\n" }

// revokedIn is when a closed stretch knows that the grant was taken back; false if it does not know of it.
func (g Grant) revokedIn(c *Closed) (time.Time, bool) {
	for _, id := range c.Grants {
		if at, marked := strings.CutPrefix(id, g.revokedMark()); marked {
			t, err := time.Parse(time.RFC3339Nano, at)
			return t, err == nil
		}
	}
	return time.Time{}, false
}

// AfterClosed is the grant, which begins before the end of a closed stretch, as far as it can change that: what was not
// known when the stretch was billed takes effect at its end.
func (g Grant) AfterClosed(c *Closed) Grant {
	at, known := g.revokedIn(c)
	switch {
	case !slices.Contains(c.Grants, g.ID):
		g.StartsAt = c.End
	case known:
		g.RevokedAt = at
	case g.RevokedBefore(c.End):
		g.RevokedAt = c.End
	}
	return g
}
