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
	warning := inFuture(time.Unix(0, l.tally.OccurredTo), l.config.Now(), l.source.ID)
	if l.stored.loaded == 0 || warning == "" {
		return nil
	}
	return []string{fmt.Sprintf("%s; if not, `creditmill unload %s` and load the file again", warning,
		schemas.LoadID(l.seq))}
}

// Future warns of events that have not happened yet, as a load of the file would; empty where there are none.
func (p *Preview) Future(source string, now time.Time) string {
	var newest time.Time
	for _, row := range p.Rows {
		if row.Event != nil && row.Event.OccurredAt.After(newest) {
			newest = row.Event.OccurredAt
		}
	}
	return inFuture(newest, now, source)
}

func inFuture(newest, now time.Time, source string) string {
	if !newest.After(now.Add(aheadAllowed)) {
		return ""
	}
	return fmt.Sprintf("events up to %s are in the future: see whether occurred_at of source %s has the right layout and "+
		"timezone", newest.UTC().Format(time.RFC3339), source)
}
