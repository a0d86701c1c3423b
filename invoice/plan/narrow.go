package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ShortestPrefix is how many characters of a hash are enough to name a plan or a charge: 60 bits of a charge's id, 48
// of a plan's hash.
const ShortestPrefix = 12

// ErrChanged is returned when the plan to be posted is not the one that was previewed.
var ErrChanged = errors.New("the plan is not the one that was previewed")

// ErrShortHash is returned for the beginning of a hash that is too short to name a plan.
var ErrShortHash = fmt.Errorf("give at least the first %d characters of the plan's hash", ShortestPrefix)

// Narrow makes sure that a plan is the one of the hash that was previewed. If it is not, but a plan of that hash was
// frozen before, the answer is what is frozen of it: an interrupted post goes on with exactly that.
func (p Plan) Narrow(sha string) (Plan, error) {
	if len(sha) < ShortestPrefix {
		return Plan{}, fmt.Errorf("post plan %s: %w", sha, ErrShortHash)
	}
	if strings.HasPrefix(p.SHA, sha) {
		return p, nil
	}
	narrowed := p
	narrowed.Narrowed = true
	narrowed.Charges = slices.DeleteFunc(slices.Clone(p.Charges), func(charge Charge) bool {
		frozen, found := p.Frozen[charge.ID]
		return !found || !strings.HasPrefix(frozen.PlanSHA, sha)
	})
	if len(narrowed.Charges) == 0 {
		return Plan{}, fmt.Errorf("post plan %s: now it would be plan %s; look at it with `creditmill invoice preview` "+
			"and give its hash: %w", sha, p.SHA, ErrChanged)
	}
	return narrowed, nil
}
