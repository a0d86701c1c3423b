package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/schemas"
)

// An inbox in object storage is only read: the warehouse knows what was loaded from it. So an object is made a load of
// once, whatever becomes of it, unless it is written again: what was withdrawn or aborted, or cannot be read, is not
// tried by itself. An object below a folder that is named after a source is of that source, any other of creditmill.

// mostStrays is how many objects that are never loaded the log names in one run.
const mostStrays = 20

// hasObjectInbox tells whether the inbox is in object storage.
func (a *app) hasObjectInbox() bool { return objects.IsURL(a.config.Inbox) }

// objectInbox is where the inbox is.
func (a *app) objectInbox() (objects.Location, error) {
	location, err := objects.Parse(a.config.Inbox)
	if err == nil && !location.IsPrefix() {
		err = fmt.Errorf("%s is no prefix: it ends in a slash", location)
	}
	if err != nil {
		return objects.Location{}, usagef("read inbox: %w", err)
	}
	return location, nil
}

// loadObjectInbox loads what is new in the inbox, source by source.
func (a *app) loadObjectInbox(ctx context.Context) error {
	location, err := a.objectInbox()
	if err != nil {
		return err
	}
	bySource, err := a.listObjectInbox(ctx, location)
	if err != nil {
		return fmt.Errorf("list inbox: %w", err)
	}
	folders, err := a.inboxFolders()
	if err != nil {
		return err
	}
	results := []ingest.Result{}
	var failures []error
	for _, folder := range slices.Sorted(maps.Keys(bySource)) {
		name := location.String() + folder
		if folder != "" {
			name += "/"
		}
		loaded, err := a.loadObjects(ctx, inputsOf(name, isAlone, bySource[folder]), folders[folder])
		failures = append(failures, err)
		results = append(results, loaded...)
	}
	if len(results) > 0 {
		failures = append(failures, a.printResults(results))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return a.judgeLoads(results)
}

// loadObjects loads inputs of one source and returns what became of those that were new.
func (a *app) loadObjects(
	ctx context.Context, inputs []ingest.Input, source schemas.Source,
) ([]ingest.Result, error) {
	w, err := a.warehouse(ctx)
	if err != nil {
		return nil, err
	}
	options := a.optionsOf(source)
	options.Untried = true
	results, err := a.newLoader(w, nil).Load(ctx, inputs, options)
	a.recordWritten(ctx, w)
	return slices.DeleteFunc(results, func(result ingest.Result) bool {
		return result.Status == ingest.StatusAlreadyLoaded
	}), err
}

// listObjectInbox lists the logs of the inbox by the folder that names their source; the empty one names none.
func (a *app) listObjectInbox(ctx context.Context, location objects.Location) (map[string][]objects.Object, error) {
	folders, err := a.inboxFolders()
	if err != nil {
		return nil, err
	}
	bucket, err := objects.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	found := map[string][]objects.Object{}
	strays := 0
	err = bucket.List(ctx, func(object objects.Object) error {
		folder, _, isBelow := strings.Cut(strings.TrimPrefix(object.Key, location.Prefix()), "/")
		if _, isSource := folders[folder]; !isBelow || !isSource {
			folder = ""
		}
		name := path.Base(object.Key)
		if isLogFile(name) {
			found[folder] = append(found[folder], object)
			return nil
		}
		each := stray{object.URL(), "an object that is not named like a log"}
		if !notYetMeant(name) && a.tellStray(each, strays < mostStrays) {
			strays++
		}
		return nil
	})
	if more := strays - mostStrays; more > 0 {
		a.log.Warn().Int("more", more).Msg("inbox_entries_are_never_loaded")
	}
	return found, err
}
