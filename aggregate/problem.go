package aggregate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// ErrNoFigures is returned when figures of a customer that is asked for cannot be computed.
var ErrNoFigures = errors.New("figures cannot be computed")

// ErrInvariant is returned when a figure breaks a rule that always holds; nothing is stored then.
var ErrInvariant = errors.New("invariant broken")

// Problem says why figures of a customer cannot be computed from a period on. Those of other customers do not depend on
// it.
type Problem struct {
	CustomerID string
	// Period is the first without figures; zero where none of the customer's has any.
	Period schemas.Period
	// Reason says what is wrong and what to do.
	Reason string
}

func (p Problem) String() string {
	if p.Period.Start.IsZero() {
		return "customer " + p.CustomerID + ": " + p.Reason
	}
	return "customer " + p.CustomerID + ", from " + p.Period.Start.Format(time.RFC3339) + ": " + p.Reason
}

// problemsOf joins problems to an error; nil without any.
func problemsOf(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, len(problems))
	for i, problem := range problems {
		texts[i] = problem.String()
	}
	return fmt.Errorf("%w: %s", ErrNoFigures, strings.Join(texts, "; "))
}
