// Command creditmill turns raw LLM usage logs into credit spend per customer and posts the overage to Stripe.
//
// One file per verb. This package alone knows flags, environment, config files, signals, the logger, the wall clock
// and exit codes; the packages beside it get what they need in their Config structs.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/creditmill/creditmill/warehouse"
)

// softMemoryLimit is what the garbage collector keeps creditmill's own memory below, at the price of time, as long as
// what is in use fits: no more than a plan of about 100,000 charges needs it. GOMEMLIMIT overrides it.
const softMemoryLimit = 480 << 20

// collectorPercent lets garbage grow to twice of what is in use before the collector runs: a tenth less time for a
// third more memory, within the limit above. GOGC overrides it.
const collectorPercent = 200

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
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
	ctx, stop := interruptible()
	defer stop()
	a := newApp(stdin, stdout, stderr)
	a.args = args
	root := newRootCommand(a)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	return a.finish(ctx, command, err)
}
