package ingest

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// aheadAllowed is how far clocks of the hosts that write logs may be ahead.
const aheadAllowed = 5 * time.Minute

// future warns of events that have not happened yet: they count, in a period to come, and are most likely misread.
func (l *load) future() []string {
	newest, now := time.Unix(0, l.tally.OccurredTo), l.config.Now()
	if l.stored.loaded == 0 || !newest.After(now.Add(aheadAllowed)) {
		return nil
	}
	return []string{fmt.Sprintf("events up to %s are in the future: see whether occurred_at of source %s has the "+
		"right layout and timezone; if not, `creditmill unload %s` and load the file again",
		newest.UTC().Format(time.RFC3339), l.source.ID, schemas.LoadID(l.seq))}
}
