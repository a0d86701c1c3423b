package stripe

import (
	"testing"
	"time"
)

// TestGuardByTheWall: a look at Stripe before the machine slept is old when it wakes.
func TestGuardByTheWall(t *testing.T) {
	now := time.Now()
	if now.String() == now.Round(0).String() {
		t.Fatal("the system's clock has no monotonic reading; want one, to see it dropped")
	}
	if _, sending := Announced(t.Context(), now); sending.lookedAt != now.Round(0) {
		t.Error("the age of a look is counted by the monotonic clock, which stands still while the machine sleeps")
	}
}
