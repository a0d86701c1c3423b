// Package findings is what a look at what is stored has found, whoever looked. It never knows what was looked at.
package findings

import "fmt"

// Check is what a look at one rule found.
type Check struct {
	Name string `json:"name"`
	// OK: nothing is wrong.
	OK bool `json:"ok"`
	// LookedAt is the number of rows that were looked at.
	LookedAt uint64 `json:"looked_at"`
	// Problems name what is wrong, each in one line: at most MostProblems, then a line that says that there are more.
	Problems []string `json:"problems"`
	// Note says what could not be looked at, and why; empty where everything was.
	Note string `json:"note,omitempty"`
}

// MostProblems is how many problems a check names.
const MostProblems = 20

// New returns a check that has found nothing wrong yet.
func New(name string) Check { return Check{Name: name, OK: true, Problems: []string{}} }

// Problem notes what is wrong.
func (c *Check) Problem(format string, values ...any) {
	c.OK = false
	switch {
	case len(c.Problems) < MostProblems:
		c.Problems = append(c.Problems, fmt.Sprintf(format, values...))
	case len(c.Problems) == MostProblems:
		c.Problems = append(c.Problems, "and more")
	}
}
