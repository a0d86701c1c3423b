// Command creditmill turns raw LLM usage logs into credit spend per customer and posts the overage to Stripe.
//
// One file per verb. This package alone knows flags, environment, config files, signals, the logger, the wall clock
// and exit codes; the packages beside it get what they need in their Config structs.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/creditmill/creditmill/warehouse"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: it returns the exit code, so that tests can call it.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if warehouse.IsEngineChild(args) {
		return warehouse.EngineChild(args)
	}
	if err := warehouse.CheckLimits(); err != nil { // before anything starts a thread
		fmt.Fprintf(stderr, "creditmill: %v\n", err)
		return exitError
	}
	setCollector()
	ctx, stop := interruptible()
	defer stop()
	a := newApp(stdin, stdout, stderr)
	a.args = args
	root := newRootCommand(a)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	return a.finish(ctx, command, err)
}
