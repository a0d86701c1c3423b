package main

import (
	"bufio"
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

// consent asks a question on the terminal. Any answer but y or yes is an error that says what was not done.
func (a *app) consent(question, notDone string) error {
	fmt.Fprintf(a.stderr, "\n%s [y/N] ", question)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	default:
		return errors.New(notDone + ": the answer was not yes")
	}
}
