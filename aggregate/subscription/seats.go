package subscription

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Seats is how many seats a subscription has had, and since when: "2026-10-20T00:00:00Z=3 2026-11-26T03:00:00Z=5".
// It is text so that subscriptions can be compared and stored. Empty: one seat.
type Seats string

type seatChange struct {
	since time.Time
	count uint64
}

// Since says that from an instant on there are so many seats.
func (s Seats) Since(at time.Time, count uint64) Seats {
	change := at.UTC().Format(time.RFC3339Nano) + "=" + strconv.FormatUint(count, 10)
	return Seats(strings.TrimSpace(string(s) + " " + change))
}

// Until is without what changes at an instant or later.
func (s Seats) Until(at time.Time) Seats {
	changes, _ := s.changes() // checked where it was read
	var kept Seats
	for _, change := range changes {
		if change.since.Before(at) {
			kept = kept.Since(change.since, change.count)
		}
	}
	return kept
}

// Latest is how many there are now.
func (s Seats) Latest() uint64 {
	changes, _ := s.changes() // damaged ones are told by brokenSubscriptions
	if len(changes) == 0 {
		return 1
	}
	return changes[len(changes)-1].count
}

// Most is the most seats held at any instant of [from, to); a zero to is open. So a seat that is added counts in the
// period that goes on, whose allowance it was bought for, and one that is given back counts until the period ends.
func (s Seats) Most(from, to time.Time) uint64 {
	changes, _ := s.changes() // as above
	if len(changes) == 0 {
		return 1
	}
	most := changes[0].count
	for _, change := range changes {
		switch {
		case !change.since.After(from):
			most = change.count
		case to.IsZero() || change.since.Before(to):
			most = max(most, change.count)
		}
	}
	return most
}

func (s Seats) changes() ([]seatChange, error) {
	var changes []seatChange
	for _, field := range strings.Fields(string(s)) {
		at, count, _ := strings.Cut(field, "=")
		since, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return nil, fmt.Errorf("read seats %q: %w", string(s), err)
		}
		number, err := strconv.ParseUint(count, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read seats %q: %w", string(s), err)
		}
		changes = append(changes, seatChange{since, number})
	}
	return changes, nil
}
