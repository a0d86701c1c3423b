package subscription

import (
	"encoding/binary"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Closed is a stretch of a customer's time that was billed: one period or several in a row. They keep the catalog, the
// product and the anchor they were billed by, whatever becomes of those; only usage can change their figures. The
// stretches of a customer do not overlap, and all other time follows today's rules between them.
type Closed struct {
	CustomerID string
	schemas.Period
	Product string
	// Anchor is what the periods are counted from. Nil: the calendar.
	Anchor *time.Time
	// Trial says that it is a trial, which is one period.
	Trial bool
	// Seats are those that multiplied the allowance and the limit of overage.
	Seats uint64
	// Catalog is what it was billed by. Nil: the stretch is billed again, by today's rules within its bounds.
	Catalog *schemas.Catalog
	// Unreadable says why there is no Catalog although the stretch is not billed again: its text is lost, or this
	// version does not take it. The customer has no figures then.
	Unreadable string
	// Grants are the ids of those that were known and had begun; others count from the end of the stretch on.
	Grants []string
	// Window is the period that the stretch was billed with as a whole, after it was billed again. Zero: each of its
	// periods was billed by itself.
	Window schemas.Period
}

// Again says that the stretch must be billed again.
func (c *Closed) Again() bool { return c.Catalog == nil && c.Unreadable == "" }

// BilledBy is the catalog that keeps a stretch's prices; nil for open time, and for what is billed again.
func (c *Closed) BilledBy() *schemas.Catalog {
	if c == nil {
		return nil
	}
	return c.Catalog
}

// AppendShape writes down all that spans take from the stretch. Customers of one shape can share them.
func (c *Closed) AppendShape(shape []byte) []byte {
	anchor := time.Time{}
	if c.Anchor != nil {
		anchor = *c.Anchor
	}
	for _, t := range []time.Time{c.Start, c.End, anchor, c.Window.Start, c.Window.End} {
		shape = binary.AppendVarint(binary.AppendVarint(shape, t.Unix()), int64(t.Nanosecond()))
	}
	shape = append(binary.AppendUvarint(shape, c.Seats), bit(c.Trial), bit(c.Anchor != nil), bit(c.Catalog != nil))
	if c.Catalog != nil {
		shape = append(append(shape, c.Catalog.SHA256...), 0)
	}
	return append(append(shape, c.Product...), 0)
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// FirstOpen is t where that is in none of a customer's closed stretches, else where they end.
func FirstOpen(closed []Closed, t time.Time) time.Time {
	open := t
	for _, c := range closed { // in order of time
		if !c.Again() && c.Contains(open) {
			open = c.End
		}
	}
	return open
}

// Extend makes one stretch of two that follow each other and were billed alike, and tells whether they are such.
func (c *Closed) Extend(next Closed) bool {
	sameAnchor := c.Anchor == nil && next.Anchor == nil ||
		c.Anchor != nil && next.Anchor != nil && c.Anchor.Equal(*next.Anchor)
	if !sameAnchor || c.CustomerID != next.CustomerID || !c.End.Equal(next.Start) || c.Product != next.Product ||
		c.Trial || next.Trial || c.Seats != next.Seats || c.Window != next.Window {
		return false
	}
	c.End, c.Grants = next.End, next.Grants
	return true
}
