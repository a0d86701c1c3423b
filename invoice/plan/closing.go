package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// ErrNotClosed is returned for a period that cannot be billed again, since it is not closed, or is not the only one.
var ErrNotClosed = errors.New("no such closed period")

// Closing is a stretch of time as a run closed it.
type Closing struct {
	subscription.Closed
	// ChargeID is the period's charge; empty where it billed nothing. RebillID is the rebill that it was billed by.
	ChargeID, RebillID string
	PlanSHA, RunID     string
	ClosedAt           time.Time
}

// Rebill is a person's wish to have a closed period billed again, by what holds today.
type Rebill struct {
	ID         string         `json:"rebill_id"`
	CustomerID string         `json:"customer_id"`
	Period     schemas.Period `json:"period"`
	Reason     string         `json:"reason"`
	By         string         `json:"by"`
	At         time.Time      `json:"at"`
	// Undone takes back those of the same period that are pending.
	Undone bool `json:"undone"`
	// Pending: it is not posted yet.
	Pending bool `json:"pending"`
}

// Closings are all that was closed, and billed again, for an account and mode.
type Closings struct {
	Stretches []Closing
	Rebills   []Rebill
}

// Effective finds the closed time as it holds: where stretches overlap, the one closed first, and over that the last
// rebill, whose period must be billed again as long as it has not been.
func (c Closings) Effective() (closed []subscription.Closed, rebills []Rebill) {
	first, done := map[string][]Closing{}, map[string][]Closing{}
	var customers []string
	for _, stretch := range c.Stretches {
		if stretch.RebillID != "" {
			done[stretch.RebillID] = append(done[stretch.RebillID], stretch)
			continue
		}
		if first[stretch.CustomerID] == nil {
			customers = append(customers, stretch.CustomerID)
		}
		first[stretch.CustomerID] = append(first[stretch.CustomerID], stretch)
	}
	wanted := map[string][]Rebill{}
	for _, rebill := range c.Rebills {
		wanted[rebill.CustomerID] = append(wanted[rebill.CustomerID], rebill)
	}
	slices.Sort(customers)
	for _, customer := range customers {
		own := addStretches(nil, first[customer])
		for i, rebill := range wanted[customer] {
			rebill.Pending = len(done[rebill.ID]) == 0
			overtaken := slices.ContainsFunc(wanted[customer][i+1:], func(later Rebill) bool {
				return later.Period == rebill.Period
			})
			if rebill.Undone || rebill.Pending && overtaken {
				continue
			}
			rebills = append(rebills, rebill)
			own = without(own, rebill.Period)
			if rebill.Pending {
				own = append(own, subscription.Closed{CustomerID: customer, Period: rebill.Period})
				continue
			}
			own = addStretches(own, done[rebill.ID])
		}
		slices.SortFunc(own, func(a, b subscription.Closed) int { return a.Start.Compare(b.Start) })
		closed = append(closed, own...)
	}
	return closed, rebills
}

// addStretches adds what is left of each beside those there are.
func addStretches(closed []subscription.Closed, stretches []Closing) []subscription.Closed {
	slices.SortStableFunc(stretches, func(a, b Closing) int {
		return cmp.Or(a.ClosedAt.Compare(b.ClosedAt), cmp.Compare(a.RunID, b.RunID), a.Start.Compare(b.Start))
	})
	var latest time.Time
	for _, other := range closed {
		latest = maxTime(latest, other.End)
	}
	for _, stretch := range stretches {
		left := []subscription.Closed{stretch.Closed}
		if stretch.Start.Before(latest) {
			for _, other := range closed {
				left = without(left, other.Period)
			}
		}
		closed = append(closed, left...)
		latest = maxTime(latest, stretch.End)
	}
	return closed
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// without cuts a period out of the stretches.
func without(stretches []subscription.Closed, period schemas.Period) []subscription.Closed {
	var left []subscription.Closed
	for _, stretch := range stretches {
		if !stretch.Start.Before(period.End) || !period.Start.Before(stretch.End) {
			left = append(left, stretch)
			continue
		}
		before, after := stretch, stretch
		before.End, after.Start = period.Start, period.End
		if before.Start.Before(before.End) {
			left = append(left, before)
		}
		if after.Start.Before(after.End) {
			left = append(left, after)
		}
	}
	return left
}

// runs are those that closed anything, sorted.
func (c Closings) runs() []string {
	seen := map[string]bool{}
	runs := []string{}
	for _, stretch := range c.Stretches {
		if !seen[stretch.RunID] {
			seen[stretch.RunID] = true
			runs = append(runs, stretch.RunID)
		}
	}
	slices.Sort(runs)
	return runs
}

// asOf is what was known when only these runs had closed anything and only these rebills were wanted.
func (c Closings) asOf(runs []string, rebills []string) Closings {
	closedBy, wanted := setOf(runs), setOf(rebills)
	var known Closings
	for _, stretch := range c.Stretches {
		if closedBy[stretch.RunID] {
			known.Stretches = append(known.Stretches, stretch)
		}
	}
	for _, rebill := range c.Rebills {
		if wanted[rebill.ID] {
			known.Rebills = append(known.Rebills, rebill)
		}
	}
	return known
}

// OfCustomer are those of one customer.
func (c Closings) OfCustomer(customer string) Closings {
	return Closings{
		Stretches: slices.DeleteFunc(slices.Clone(c.Stretches), func(s Closing) bool { return s.CustomerID != customer }),
		Rebills:   slices.DeleteFunc(slices.Clone(c.Rebills), func(r Rebill) bool { return r.CustomerID != customer }),
	}
}

// ids are those of the rebills.
func (c Closings) ids() []string {
	ids := []string{}
	for _, rebill := range c.Rebills {
		ids = append(ids, rebill.ID)
	}
	return ids
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// extend joins a stretch without a charge to one before it; one with a charge stands alone.
func (c *Closing) extend(next Closing) bool {
	return c.ChargeID == "" && next.ChargeID == "" && c.RebillID == next.RebillID && c.Extend(next.Closed)
}

// Find is the customer's one closed period that begins in the wanted one, or holds its start where that has no end.
func (c Closings) Find(customer string, wanted schemas.Period) (schemas.Period, error) {
	closed, _ := c.OfCustomer(customer).Effective()
	var found, all []schemas.Period
	for _, stretch := range closed {
		periods, err := stretch.Periods()
		if err != nil {
			return schemas.Period{}, err
		}
		for _, period := range periods {
			if len(all) > 0 && all[len(all)-1] == period {
				continue // several stretches of one window
			}
			all = append(all, period)
			if wanted.End.IsZero() && period.Contains(wanted.Start) ||
				!wanted.End.IsZero() && wanted.Contains(period.Start) {
				found = append(found, period)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(all) == 0 {
		return schemas.Period{}, fmt.Errorf("customer %s has no closed period; one closes when a plan that holds it is "+
			"posted, and until then what changes simply counts: %w", customer, ErrNotClosed)
	}
	if len(found) == 0 {
		return schemas.Period{}, fmt.Errorf("customer %s has no closed period there; the closed time is %s to %s, and what "+
			"is open simply counts in `creditmill invoice preview`: %w", customer, all[0].Start.Format(time.RFC3339),
			all[len(all)-1].End.Format(time.RFC3339), ErrNotClosed)
	}
	starts := make([]string, len(found))
	for i, period := range found {
		starts[i] = period.Start.Format(time.RFC3339)
	}
	return schemas.Period{}, fmt.Errorf("customer %s has several closed periods there; name one by its start: %s: %w",
		customer, strings.Join(starts, ", "), ErrNotClosed)
}
