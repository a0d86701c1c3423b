package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/spf13/cobra"
)

// The exit codes, as the README lists them.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitPartial     = 3
	exitWarehouse   = 10
	exitLocked      = 11
	exitInterrupted = 130
)

var errInterrupted = errors.New("interrupted")

// usageError is a command line or config that cannot be run as it is.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usageError: a mistake in flags, arguments or config.
func usagef(format string, values ...any) error {
	return &usageError{err: fmt.Errorf(format, values...)}
}

// partialError says that the command did its work but left something out, which its output names: rejected rows, held
// or open charges. A partialError with an empty Reason is not printed.
type partialError struct {
	Reason string
	// Open says that running it again can finish what was left out; else a person has to look at it first.
	Open bool
}

func (e *partialError) Error() string { return e.Reason }

// exitCode is the one place where errors become exit codes.
func exitCode(err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, warehouse.ErrLocked): // also of what ended because its lock was lost
		return exitLocked
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, warehouse.ErrUnreachable), errors.Is(err, warehouse.ErrNotMigrated),
		errors.Is(err, warehouse.ErrTooOld):
		return exitWarehouse
	case errors.As(err, &usage), errors.Is(err, warehouse.ErrConfig), errors.Is(err, plan.ErrShortHash):
		return exitUsage
	case onlyPartial(err):
		return exitPartial
	default:
		return exitError
	}
}

// onlyPartial tells whether nothing but partial work is joined in the error: a real failure beside it must show.
func onlyPartial(err error) bool {
	switch err := err.(type) { //nolint:errorlint // the tree of errors is walked here
	case *partialError:
		return true
	case interface{ Unwrap() []error }:
		for _, part := range err.Unwrap() {
			if !onlyPartial(part) {
				return false
			}
		}
		return true
	case interface{ Unwrap() error }:
		return onlyPartial(err.Unwrap())
	default:
		return false
	}
}

// finish reports the error on stderr and returns the exit code.
func (a *app) finish(ctx context.Context, command *cobra.Command, err error) int {
	err = errors.Join(err, a.close())
	defer a.stderr.Close() //nolint:errcheck // nobody is left to tell
	err = errors.Join(err, a.stdout.Close())
	code := exitCode(err)
	if code != exitOK && ctx.Err() != nil {
		code = exitInterrupted
	}
	if err == nil {
		return code
	}
	message := err.Error()
	if code == exitInterrupted {
		message = interruptedMessage(ctx, err)
	}
	message = a.visibleMessage(err, message)
	if a.flags.json {
		a.printError(message, code)
		return code
	}
	if message != "" {
		fmt.Fprintln(a.stderr, "creditmill: "+message)
	}
	var usage *usageError
	if errors.As(err, &usage) && command != nil {
		fmt.Fprintf(a.stderr, "see: %s --help\n", command.CommandPath())
	}
	return code
}

// interruptedMessage says that it was Ctrl-C or SIGTERM, where the error tells only that a context ended.
func interruptedMessage(ctx context.Context, err error) string {
	if errors.Is(err, errInterrupted) || errors.Is(context.Cause(ctx), errInterrupted) {
		return "interrupted; run the same command again to go on"
	}
	return err.Error()
}

// errorResult is how an error reads with --json: one object on stderr, so that stdout holds results alone.
type errorResult struct {
	Error struct {
		Message  string `json:"message"`
		ExitCode int    `json:"exit_code"`
	} `json:"error"`
}

func (a *app) printError(message string, code int) {
	var result errorResult
	result.Error.Message, result.Error.ExitCode = message, code
	encoder := json.NewEncoder(a.stderr)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(result); err != nil {
		fmt.Fprintln(a.stderr, "creditmill: "+message)
	}
}

// interruptible returns a context that ends with the first Ctrl-C or SIGTERM. The second one ends the process at
// once.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for count := 0; ; count++ {
			select {
			case <-done:
				return
			case <-signals:
				if count > 0 {
					os.Exit(exitInterrupted)
				}
				cancel(errInterrupted)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
