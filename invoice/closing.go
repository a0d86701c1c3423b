package invoice

import (
	"cmp"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// closing is a stretch of time as a run closed it.
type closing struct {
	subscription.Closed
	// chargeID is the period's charge; empty where it billed nothing. rebillID is the rebill that it was billed by.
	chargeID, rebillID string
	planSHA, runID     string
	closedAt           time.Time
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

// closings are all that was closed, and billed again, for an account and mode.
type closings struct {
	stretches []closing
	rebills   []Rebill
}

// effective finds the closed time as it holds: where stretches overlap, the one closed first, and over that the last
// rebill, whose period must be billed again as long as it has not been.
func (c closings) effective() (closed []subscription.Closed, rebills []Rebill) {
	first, done := map[string][]closing{}, map[string][]closing{}
	var customers []string
	for _, stretch := range c.stretches {
		if stretch.rebillID != "" {
			done[stretch.rebillID] = append(done[stretch.rebillID], stretch)
			continue
		}
		if first[stretch.CustomerID] == nil {
			customers = append(customers, stretch.CustomerID)
		}
		first[stretch.CustomerID] = append(first[stretch.CustomerID], stretch)
	}
	wanted := map[string][]Rebill{}
	for _, rebill := range c.rebills {
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
func addStretches(closed []subscription.Closed, stretches []closing) []subscription.Closed {
	slices.SortStableFunc(stretches, func(a, b closing) int {
		return cmp.Or(a.closedAt.Compare(b.closedAt), cmp.Compare(a.runID, b.runID), a.Start.Compare(b.Start))
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
		if before.End = period.Start; before.Start.Before(before.End) {
			left = append(left, before)
		}
		if after.Start = period.End; after.Start.Before(after.End) {
			left = append(left, after)
		}
	}
	return left
}

// runs are those that closed anything, sorted.
func (c closings) runs() []string {
	seen := map[string]bool{}
	runs := []string{}
	for _, stretch := range c.stretches {
		if !seen[stretch.runID] {
			seen[stretch.runID] = true
			runs = append(runs, stretch.runID)
		}
	}
	slices.Sort(runs)
	return runs
}

// asOf is what was known when only these runs had closed anything and only these rebills were wanted.
func (c closings) asOf(runs []string, rebills []string) closings {
	closedBy, wanted := setOf(runs), setOf(rebills)
	var known closings
	for _, stretch := range c.stretches {
		if closedBy[stretch.runID] {
			known.stretches = append(known.stretches, stretch)
		}
	}
	for _, rebill := range c.rebills {
		if wanted[rebill.ID] {
			known.rebills = append(known.rebills, rebill)
		}
	}
	return known
}

// ofCustomer are those of one customer.
func (c closings) ofCustomer(customer string) closings {
	return closings{
		stretches: slices.DeleteFunc(slices.Clone(c.stretches), func(s closing) bool { return s.CustomerID != customer }),
		rebills:   slices.DeleteFunc(slices.Clone(c.rebills), func(r Rebill) bool { return r.CustomerID != customer }),
	}
}

// ids are those of the rebills.
func (c closings) ids() []string {
	ids := []string{}
	for _, rebill := range c.rebills {
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
