package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/ingest/unpack"
)

const (
	// listedNote is after how many objects of a listing people are told that it goes on.
	listedNote = 10_000
	// aloneBytes is the stored size from which on an object of a listing is a load of its own.
	aloneBytes = 256 << 10
)

// expandObjects returns the inputs that a location in object storage is: one object, or those of a listing. Below a
// prefix these are logs by their names, as files of a folder are; a key or a pattern names others as well.
func (a *app) expandObjects(ctx context.Context, url string, since time.Time) ([]ingest.Input, error) {
	location, err := objects.Parse(url)
	if err != nil {
		return nil, &usageError{err: err}
	}
	bucket, err := objects.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	var listed listing
	single := !location.IsPrefix() && !location.IsPattern()
	if single {
		object, err := bucket.Find(ctx)
		if err != nil {
			return nil, err
		}
		listed.take(object, since, false)
	} else if listed, err = a.listObjects(ctx, bucket, location, since); err != nil {
		return nil, err
	}
	if len(listed.found) == 0 && listed.older == 0 {
		return nil, fmt.Errorf("%s: %w that is named like a log", location, objects.ErrNotFound)
	}
	if listed.passed > 0 {
		a.note("%s: %s not named like logs and left out, such as %s; name them to load them", location,
			counted(listed.passed, "object"), listed.example)
	}
	if len(listed.found) == 0 {
		a.note("%s: nothing was written since %s", location, since.Format(time.RFC3339))
	}
	if single {
		return inputsOf("", aloneAll, listed.found), nil
	}
	name := location.String()
	if !since.IsZero() { // a load of fewer objects does not stand for one of all
		name += "?since=" + since.UTC().Format(time.RFC3339)
	}
	return inputsOf(name, isAlone, listed.found), nil
}

// listing is what was found below a prefix, or by a pattern.
type listing struct {
	found         []objects.Object
	older, passed int    // that were left out: for --since, and for their names
	example       string // of those passed
}

// take sorts an object in.
func (l *listing) take(object objects.Object, since time.Time, byName bool) {
	switch {
	case object.Modified.Before(since):
		l.older++
	case byName && !isLogFile(path.Base(object.Key)):
		l.passed, l.example = l.passed+1, object.URL()
	default:
		l.found = append(l.found, object)
	}
}

func (a *app) listObjects(
	ctx context.Context, bucket *objects.Bucket, location objects.Location, since time.Time,
) (listing, error) {
	var all listing
	count := 0
	err := bucket.List(ctx, func(object objects.Object) error {
		if count++; count%listedNote == 0 && !a.flags.quiet {
			a.note("%s: %d objects listed so far", location, count)
		}
		all.take(object, since, location.IsPrefix())
		return nil
	})
	return all, err
}

// inputsOf makes one load of the objects that are not alone, and one of each that is.
func inputsOf(name string, alone func(objects.Object) bool, found []objects.Object) []ingest.Input {
	var inputs []ingest.Input
	var parts []ingest.Part
	for _, object := range found {
		if alone(object) {
			inputs = append(inputs, ingest.Input{Name: object.URL(), Remote: object})
		} else {
			parts = append(parts, ingest.Part{Name: object.URL(), Remote: object})
		}
	}
	if len(parts) > 0 {
		inputs = slices.Insert(inputs, 0, ingest.Input{Name: name, Parts: parts})
	}
	return inputs
}

// isAlone tells whether an object of a listing is a load of its own: a large one, and columns of any size.
func isAlone(object objects.Object) bool {
	columns := []string{".parquet", ".arrow", ".arrows", ".feather"}
	return object.Bytes >= aloneBytes || slices.Contains(columns, strings.ToLower(path.Ext(unpack.PlainName(object.Key))))
}

func aloneAll(objects.Object) bool { return true }

// withoutRepeated leaves out objects that an input before them names too.
func withoutRepeated(inputs []ingest.Input) []ingest.Input {
	seen := map[string]bool{}
	isRepeated := func(name string) bool {
		before := seen[name]
		seen[name] = true
		return before
	}
	for i := range inputs {
		inputs[i].Parts = slices.DeleteFunc(inputs[i].Parts, func(part ingest.Part) bool { return isRepeated(part.Name) })
	}
	return slices.DeleteFunc(inputs, func(input ingest.Input) bool {
		return (input.Parts != nil && len(input.Parts) == 0) || (input.Remote != nil && isRepeated(input.Name))
	})
}

// mostPreviewed is how many objects of a listing --dry-run shows.
const mostPreviewed = 10

// previewedAlone makes inputs of the first parts: how an object is understood does not depend on the others.
func (a *app) previewedAlone(inputs []ingest.Input) []ingest.Input {
	var alone []ingest.Input
	for _, input := range inputs {
		for _, part := range input.Parts[:min(mostPreviewed, len(input.Parts))] {
			alone = append(alone, ingest.Input{Name: part.Name, Remote: part.Remote})
		}
		if more := len(input.Parts) - mostPreviewed; more > 0 {
			a.note("%s: %s more would be of the same load and are not shown", input.Name, counted(more, "object"))
		}
		if input.Parts == nil {
			alone = append(alone, input)
		}
	}
	return alone
}

// parseSince reads a day or a moment, which hold for objects only.
func parseSince(text string, paths []string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, path := range paths {
		if !objects.IsURL(path) {
			return time.Time{}, fmt.Errorf("it chooses among objects in object storage, which %s is not", path)
		}
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if since, err := time.Parse(layout, text); err == nil {
			return since, nil
		}
	}
	return time.Time{}, errors.New("want a day such as 2026-10-01, in UTC, or a moment such as 2026-10-01T12:00:00Z")
}
