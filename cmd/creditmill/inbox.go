package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
)

// The inbox is a directory that the job load empties. A file in it is of the source creditmill; one in a folder named
// after a source is of that source. Files go to done/ or failed/ with a report beside them. A file is taken when it has
// not changed for a while; hidden files and those that end in .tmp or .part never are, so a writer may also rename into
// place. Between a commit and the move nothing can go wrong: the same content again is already loaded, and is moved
// then. What fails for the warehouse's sake stays and is tried again.
const (
	inboxDone     = "done"
	inboxFailed   = "failed"
	inboxReport   = ".report.json"
	defaultSettle = 5 * time.Second
	defaultSource = "creditmill"
	everyMinute   = "* * * * *"
)

// inboxFile is a file to be loaded, as it was found.
type inboxFile struct {
	path   string
	source schemas.Source
	info   fs.FileInfo
}

// inboxHasFiles tells whether there is anything for the job load to look at.
func (a *app) inboxHasFiles() (bool, error) {
	if a.hasObjectInbox() { // only a listing tells
		return true, nil
	}
	if err := a.tellStrays(); err != nil {
		return false, err
	}
	files, err := a.listInbox()
	return len(files) > 0, err
}

// loadJob empties the inbox: source by source, and by name within each.
func (a *app) loadJob(ctx context.Context) error {
	if a.config.Inbox == "" {
		return usagef("load from the inbox: the config names none; add inbox: DIR")
	}
	if a.hasObjectInbox() {
		return a.loadObjectInbox(ctx)
	}
	for _, folder := range []string{inboxDone, inboxFailed} {
		if err := os.MkdirAll(filepath.Join(a.config.Inbox, folder), 0o755); err != nil { //nolint:gosec // no secrets
			return fmt.Errorf("make inbox: %w", err)
		}
	}
	if err := a.tellStrays(); err != nil {
		return err
	}
	files, err := a.settledFiles(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for len(files) > 0 {
		same := 1
		for same < len(files) && files[same].source.ID == files[0].source.ID {
			same++
		}
		failures = append(failures, a.loadInbox(ctx, files[:same]))
		files = files[same:]
	}
	return errors.Join(failures...)
}

// inboxFolders are the folders of the inbox that files are taken from, with the source of each. The inbox itself has
// the empty name.
func (a *app) inboxFolders() (map[string]schemas.Source, error) {
	sources, problems := schemas.ParseSources(a.config.File, a.config.Text)
	if err := problems.Err(); err != nil {
		return nil, &usageError{err: err}
	}
	folders := map[string]schemas.Source{}
	for _, source := range sources {
		if source.ID != inboxDone && source.ID != inboxFailed {
			folders[source.ID] = source
		}
	}
	folders[""] = folders[defaultSource]
	return folders, nil
}

// listInbox finds the files that may be loaded, in the order in which they count as loaded.
func (a *app) listInbox() ([]inboxFile, error) {
	folders, err := a.inboxFolders()
	if err != nil {
		return nil, err
	}
	var files []inboxFile
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		entries, err := os.ReadDir(filepath.Join(a.config.Inbox, folder)) // sorted by name
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read inbox: %w", err)
		}
		for _, entry := range entries {
			name := entry.Name()
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() || notYetMeant(name) {
				continue // gone again, told by tellStrays, or not meant yet
			}
			files = append(files, inboxFile{filepath.Join(a.config.Inbox, folder, name), folders[folder], info})
		}
	}
	return files, nil
}

// settledFiles waits once for files that were written to lately, and returns those that do not change any more.
func (a *app) settledFiles(ctx context.Context) ([]inboxFile, error) {
	files, err := a.listInbox()
	if err != nil {
		return nil, err
	}
	now := a.now()
	fresh := slices.ContainsFunc(files, func(f inboxFile) bool {
		return now.Sub(f.info.ModTime()) < a.config.Ingest.Settle
	})
	if fresh {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(a.config.Ingest.Settle):
		}
	}
	return slices.DeleteFunc(files, func(f inboxFile) bool { return !f.unchanged(f.path) }), nil
}

// unchanged tells whether the file that was found is the one at the path now.
func (f inboxFile) unchanged(path string) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, f.info) && now.Size() == f.info.Size() && now.ModTime().Equal(f.info.ModTime())
}

// loadInbox loads files of one source and puts each away as soon as it is known what became of it.
func (a *app) loadInbox(ctx context.Context, files []inboxFile) error {
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	byPath := map[string]inboxFile{}
	var inputs []ingest.Input
	for _, f := range files {
		byPath[f.path] = f
		inputs = append(inputs, ingest.Input{Name: f.path})
	}
	var moving []error
	loader := a.newLoader(w, func(result ingest.Result) {
		moving = append(moving, a.putAway(byPath[result.File], result, nil))
	})
	results, err := loader.Load(ctx, inputs, a.optionsOf(files[0].source))
	a.recordWritten(ctx, w)
	for _, failure := range ingest.FileErrors(err) {
		if errors.Is(failure, ingest.ErrUnreadable) {
			moving = append(moving, a.putAway(byPath[failure.File], ingest.Result{File: failure.File}, failure))
		}
	}
	if len(results) > 0 {
		moving = append(moving, a.printResults(results))
	}
	if err = errors.Join(append(moving, err)...); err != nil {
		return err
	}
	return a.judgeLoads(results)
}

func (a *app) printResults(results []ingest.Result) error {
	if !a.flags.json {
		return printLoads(a.stdout, results)
	}
	for _, result := range results {
		if err := a.printJSON(result); err != nil {
			return err
		}
	}
	return nil
}

// report is what is written beside a file that was put away.
type report struct {
	ingest.Result
	Error string `json:"error,omitempty"`
}

// putAway moves a file to done/, named after its load, or to failed/, and writes the report first: a file there always
// has one. A report of the same load that is there already says more than "already loaded".
func (a *app) putAway(f inboxFile, result ingest.Result, failure error) error {
	written := report{Result: result}
	folder, name := inboxDone, result.LoadID+"-"+filepath.Base(f.path)
	if failure != nil || result.Status == ingest.StatusAborted {
		folder = inboxFailed
		name = a.now().UTC().Format("20060102T150405.000Z") + "-" + filepath.Base(f.path)
		written.Error = result.Message
	}
	if failure != nil {
		written.Status, written.Error = "failed", failure.Error()
	}
	target := filepath.Join(a.config.Inbox, folder, name)
	_, err := os.Stat(target + inboxReport)
	if result.Status != ingest.StatusAlreadyLoaded || errors.Is(err, fs.ErrNotExist) {
		text, err := json.MarshalIndent(written, "", "  ")
		if err == nil {
			err = os.WriteFile(target+inboxReport, append(text, '\n'), 0o644) //nolint:gosec // no secrets
		}
		if err != nil {
			return fmt.Errorf("write report of %s: %w", f.path, err)
		}
	}
	if err := os.Rename(f.path, target); err != nil {
		return fmt.Errorf("put away %s: %w", f.path, err)
	}
	if !f.unchanged(target) { // another file took its name meanwhile: that one is still to be loaded
		if err := os.Rename(target, f.path); err != nil {
			return fmt.Errorf("put back %s: %w", f.path, err)
		}
	}
	return nil
}
