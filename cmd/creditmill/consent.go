package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// canAsk tells whether somebody sits at the terminal.
func (a *app) canAsk() bool {
	input, isFile := a.stdin.(*os.File)
	return isFile && term.IsTerminal(int(input.Fd())) && isTerminal(a.stderr)
}

// consent asks a question on the terminal. Any answer but y or yes is an error that says what was not done. Ctrl-C ends
// the question, and the command.
func (a *app) consent(ctx context.Context, question, notDone string) error {
	fmt.Fprintf(a.stderr, "\n%s [y/N] ", question)
	type line struct {
		text string
		err  error
	}
	answers := make(chan line, 1)
	go func() { // a read of the terminal does not end with the context
		text, err := bufio.NewReader(a.stdin).ReadString('\n')
		answers <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return fmt.Errorf("%s: %w", notDone, context.Cause(ctx))
	case answer := <-answers:
		if answer.err != nil && !errors.Is(answer.err, io.EOF) {
			return fmt.Errorf("read answer: %w", answer.err)
		}
		switch strings.ToLower(strings.TrimSpace(answer.text)) {
		case "y", "yes":
			return nil
		default:
			return errors.New(notDone + ": the answer was not yes")
		}
	}
}
