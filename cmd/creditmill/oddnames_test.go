package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/creditmill/creditmill/ingest"
)

// TestOddNames: a name that would break the line of a message, or hide in it, is shown by escapes; what the message
// says itself stays as it is.
func TestOddNames(t *testing.T) {
	const broken, shown = "logs\n2026.jsonl", `logs\n2026.jsonl`
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"plain", &fs.PathError{Op: "open", Path: "a.jsonl", Err: fs.ErrNotExist}, "open a.jsonl: file does not exist"},
		{
			"a line break", &fs.PathError{Op: "open", Path: broken, Err: fs.ErrNotExist},
			"open " + shown + ": file does not exist",
		},
		{
			"in a folder", &fs.PathError{Op: "open", Path: "in/" + broken + "/x", Err: fs.ErrNotExist},
			"open in/" + shown + "/x: file does not exist",
		},
		{
			"wrapped", fmt.Errorf("load:\nnext %w", &ingest.FileError{File: broken, Err: errors.New("cut off: " + broken)}),
			"load:\nnext cut off: " + shown,
		},
		{
			"joined", errors.Join(errors.New("one"), &os.LinkError{Op: "rename", Old: broken, New: "b", Err: fs.ErrExist}),
			"one\nrename " + shown + " b: file already exists",
		},
		{
			"advice without the extension", &fs.PathError{Op: "see logs\n2026.csv for", Path: broken, Err: fs.ErrInvalid},
			`see logs\n2026.csv for ` + shown + ": invalid argument",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			odd := oddNames{}
			odd.addErrors(test.err)
			if got := odd.shown(test.err.Error()); got != test.want {
				t.Errorf("%q\nwant %q", got, test.want)
			}
		})
	}
}
