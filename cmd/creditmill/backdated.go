package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// backdated warns of changes of subscriptions that begin in closed time, and returns the warnings: what was billed
// stays until somebody asks for more.
func (a *app) backdated(
	ctx context.Context, w *warehouse.Warehouse, before, after []subscription.Subscription,
) ([]string, error) {
	warnings := []string{}
	changed := subscription.Changed(before, after)
	if len(changed) == 0 {
		return warnings, nil
	}
	catalog, err := a.catalog()
	if err != nil {
		return nil, err
	}
	closed, err := a.closedTime(ctx, w, changed)
	if err != nil {
		return nil, err
	}
	found, err := subscription.InClosedTime(before, after, closed, catalog)
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		warnings = append(warnings, backdatedWarning(one, catalog))
		a.note("warning: %s", warnings[len(warnings)-1])
	}
	return warnings, nil
}

func backdatedWarning(found subscription.Backdated, catalog *schemas.Catalog) string {
	standard := catalog.DefaultProduct().ID
	was, is := cmp.Or(found.Was, standard), cmp.Or(found.Is, standard)
	what := is + " instead of " + was
	if is == was {
		what = "another " + is
	}
	first, last := found.Periods[0], found.Periods[len(found.Periods)-1]
	where, stays := "the closed period", "stays as it was"
	if count := len(found.Periods); count > 1 {
		where, stays = counted(count, "closed period")+" in", "stay as they were"
	}
	return fmt.Sprintf("customer %s: %s in %s %s to %s, which %s billed; the change counts from where closed time ends. "+
		"To bill a closed period by it: creditmill invoice rebill %s %s --reason …", found.CustomerID, what, where,
		first.Start.Format(time.RFC3339), last.End.Format(time.RFC3339), stays, shellWord(found.CustomerID),
		periodName(first.Start, catalog.Timezone))
}

// periodName is how `invoice rebill` is told of a period: by the day on which it begins, or if it begins later on that
// day, by the time.
func periodName(start time.Time, zone *time.Location) string {
	if local := start.In(zone); schemas.IntervalDay.PeriodAt(start, nil, zone).Start.Equal(start) {
		return local.Format(time.DateOnly)
	}
	return start.UTC().Format(time.RFC3339Nano)
}

// shellWord quotes what a shell would not take for one word.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@:/+", r)
	}
	if !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
