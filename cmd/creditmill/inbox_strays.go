package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stray is what is in the inbox and will never be loaded.
type stray struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// checkInbox refuses an inbox that is not there or cannot be read: a job that finds nothing in the wrong place looks
// like one that has nothing to do.
func (a *app) checkInbox() error {
	if a.config.Inbox == "" {
		return nil
	}
	if a.hasObjectInbox() {
		_, err := a.objectInbox()
		return err
	}
	if _, err := os.ReadDir(a.config.Inbox); err != nil {
		return usagef("read inbox: %w; make the folder, or correct inbox: in the config", err)
	}
	return nil
}

// strays lists what the inbox holds and the job load never takes. Hidden files, *.tmp and *.part are not among
// it: they are being written.
func (a *app) strays() ([]stray, error) {
	folders, err := a.inboxFolders()
	if err != nil || a.config.Inbox == "" || a.hasObjectInbox() { // objects are told when they are listed
		return []stray{}, err
	}
	found := []stray{}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		entries, err := os.ReadDir(filepath.Join(a.config.Inbox, folder))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read inbox: %w", err)
		}
		for _, entry := range entries {
			path := filepath.Join(a.config.Inbox, folder, entry.Name())
			if reason := strayReason(folder, entry, folders); reason != "" && !notYetMeant(entry.Name()) {
				found = append(found, stray{path, reason})
			}
		}
	}
	return found, nil
}

// strayReason says why an entry of a folder of the inbox is never loaded; empty: it is.
func strayReason[T any](folder string, entry fs.DirEntry, folders map[string]T) string {
	_, isSource := folders[entry.Name()]
	own := entry.Name() == inboxDone || entry.Name() == inboxFailed
	switch {
	case entry.Type().IsRegular():
		return ""
	case entry.IsDir() && folder == "" && (isSource || own):
		return ""
	case entry.IsDir() && folder == "":
		return "a folder that no source is named like"
	case entry.IsDir():
		return "a folder in the folder of a source: files are taken from the latter alone"
	case entry.Type()&fs.ModeSymlink != 0:
		return "a link: copy or move the file itself"
	default:
		return "no regular file"
	}
}

// notYetMeant tells the names of files that are still being written.
func notYetMeant(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{".tmp", ".part"}, filepath.Ext(name))
}

// tellStrays logs each stray once.
func (a *app) tellStrays() error {
	found, err := a.strays()
	if err != nil {
		return err
	}
	for _, each := range found {
		a.tellStray(each, true)
	}
	return nil
}

// tellStray logs a stray unless it was told before, which it returns.
func (a *app) tellStray(each stray, named bool) (isNew bool) {
	if a.toldStrays[each] {
		return false
	}
	a.toldStrays[each] = true
	if named {
		a.log.Warn().Str("path", each.Path).Str("reason", each.Reason).Msg("inbox_entry_is_never_loaded")
	}
	return true
}
