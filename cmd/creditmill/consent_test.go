package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestConsent: y and yes in any case are a yes, anything else is a no that says what was not done.
func TestConsent(t *testing.T) {
	for _, test := range []struct {
		answer, want string
	}{
		{"y\n", ""},
		{"Y\n", ""},
		{"yes\n", ""},
		{" YES \r\n", ""},
		{"y", ""}, // the terminal was closed behind it
		{"n\n", "nothing was posted: the answer was not yes"},
		{"\n", "nothing was posted: the answer was not yes"},
		{"", "nothing was posted: the answer was not yes"},
		{"yep\n", "nothing was posted: the answer was not yes"},
		{"no\ny\n", "nothing was posted: the answer was not yes"},
	} {
		t.Run(strings.TrimSpace(test.answer), func(t *testing.T) {
			var asked bytes.Buffer
			a := newApp(strings.NewReader(test.answer), io.Discard, &asked)
			err := a.consent(t.Context(), "post 2 charges?", "nothing was posted")
			if got := errorText(err); got != test.want {
				t.Errorf("error %q, want %q", got, test.want)
			}
			if err := a.stderr.Close(); err != nil {
				t.Fatal(err)
			}
			if got := asked.String(); got != "\npost 2 charges? [y/N] " {
				t.Errorf("asked %q", got)
			}
		})
	}
}

// TestConsentInterrupted: Ctrl-C ends a question that nobody answers, and says what it was.
func TestConsentInterrupted(t *testing.T) {
	silent, writer := io.Pipe()
	t.Cleanup(func() {
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	var stderr bytes.Buffer
	a := newApp(silent, io.Discard, &stderr)
	err := a.consent(ctx, "post 2 charges?", "nothing was posted")
	if !errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, errInterrupted)
	}
	if code := a.finish(ctx, nil, err); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	want := "\ncreditmill: interrupted; run the same command again to go on\n"
	if got := stderr.String(); !strings.HasSuffix(got, want) {
		t.Errorf("stderr %q, want it to end with %q", got, want)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
