package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
)

// oddNames are those parts of paths that a reader cannot see as they are, such as a folder with a line break in its
// name. Messages quote paths in many places, and have line breaks of their own: so the names are looked for in the
// message, and what they hold is shown as escapes.
type oddNames map[string]bool

// add takes the parts of a path. The name without its extension is one, too: advice is made of it.
func (o oddNames) add(path string) {
	if schemas.Visible(path) == path {
		return
	}
	for _, part := range strings.Split(path, string(filepath.Separator)) {
		for schemas.Visible(part) != part && !o[part] {
			o[part] = true
			part = strings.TrimSuffix(part, filepath.Ext(part))
		}
	}
}

// addErrors takes the files that an error speaks of.
func (o oddNames) addErrors(err error) {
	switch err := err.(type) { //nolint:errorlint // the tree of errors is walked here
	case *fs.PathError:
		o.add(err.Path)
	case *os.LinkError:
		o.add(err.Old)
		o.add(err.New)
	case *ingest.FileError:
		o.add(err.File)
	}
	switch err := err.(type) { //nolint:errorlint // the tree of errors is walked here
	case interface{ Unwrap() []error }:
		for _, part := range err.Unwrap() {
			o.addErrors(part)
		}
	case interface{ Unwrap() error }:
		o.addErrors(errors.Unwrap(err.(error)))
	}
}

// shown is the message with the names as a reader can see them, longer ones first.
func (o oddNames) shown(message string) string {
	var names, replacements []string
	for name := range o {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		replacements = append(replacements, name, schemas.Visible(name))
	}
	return strings.NewReplacer(replacements...).Replace(message)
}

// visibleMessage is the text of an error in which no name of a file breaks the line.
func (a *app) visibleMessage(err error, message string) string {
	odd := oddNames{}
	for _, arg := range a.args {
		odd.add(arg)
	}
	for _, name := range []string{"CREDITMILL_CONFIG", "CREDITMILL_WAREHOUSE", "CREDITMILL_CATALOG", "TMPDIR"} {
		odd.add(os.Getenv(name))
	}
	if directory, err := os.Getwd(); err == nil {
		odd.add(directory)
	}
	if a.config != nil {
		c := a.config
		for _, name := range []string{c.File, c.Catalog, c.Warehouse, c.Inbox, c.Stripe.APIKeyFile} {
			odd.add(name)
		}
	}
	odd.addErrors(err)
	return odd.shown(message)
}
