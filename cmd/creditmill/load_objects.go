package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/ingest/objects"
)

// listedNote is after how many objects of a listing people are told that it goes on.
const listedNote = 10_000

// expandObjects returns the objects of a location in object storage, in the order of their keys. Those below a prefix
// are logs by their names, as files of a folder are; a key or a pattern names others as well.
func (a *app) expandObjects(ctx context.Context, url string, since time.Time) ([]ingest.Input, error) {
	location, err := objects.Parse(url)
	if err != nil {
		return nil, &usageError{err: err}
	}
	bucket, err := objects.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	if !location.IsPrefix() && !location.IsPattern() {
		object, err := bucket.Find(ctx)
		if err != nil {
			return nil, err
		}
		return []ingest.Input{inputOf(object)}, nil
	}
	var found []ingest.Input
	listed, older, passed, example := 0, 0, 0, ""
	err = bucket.List(ctx, func(object objects.Object) error {
		if listed++; listed%listedNote == 0 && !a.flags.quiet {
			a.note("%s: %d objects listed so far", location, listed)
		}
		switch {
		case object.Modified.Before(since):
			older++
		case location.IsPrefix() && !isLogFile(path.Base(object.Key)):
			passed, example = passed+1, object.URL()
		default:
			found = append(found, inputOf(object))
		}
		return nil
	})
	if err == nil && len(found) == 0 && older == 0 {
		err = fmt.Errorf("%s: %w that is named like a log", location, objects.ErrNotFound)
	}
	if err == nil && passed > 0 {
		a.note("%s: %s not named like logs and left out, such as %s; name them to load them", location,
			counted(passed, "object"), example)
	}
	if err == nil && len(found) == 0 {
		a.note("%s: nothing was written since %s", location, since.Format(time.RFC3339))
	}
	return found, err
}

func inputOf(object objects.Object) ingest.Input {
	return ingest.Input{Name: object.URL(), Remote: object}
}

// parseSince reads a day or a moment.
func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if since, err := time.Parse(layout, text); err == nil {
			return since, nil
		}
	}
	return time.Time{}, errors.New("want a day such as 2026-10-01, in UTC, or a moment such as 2026-10-01T12:00:00Z")
}
