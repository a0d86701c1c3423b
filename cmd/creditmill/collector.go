package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// softMemoryLimit is what the garbage collector keeps creditmill's own memory below, at the price of time, as long as
	// what is in use fits: no more than a plan of about 100,000 charges needs it. GOMEMLIMIT overrides it.
	softMemoryLimit = 480 << 20
	// collectorPercent lets garbage grow to twice of what is in use before the collector runs: a tenth less time for a
	// third more memory, within the limit above. GOGC overrides it.
	collectorPercent = 200
	// startBytes is what a command may have before the collector runs at all. Most commands end before.
	startBytes = 48 << 20
)

// setCollector has the garbage collector begin at startBytes, and keep to the other bounds once it has run.
func setCollector() {
	ownLimit, ownPercent := os.Getenv("GOMEMLIMIT") != "", os.Getenv("GOGC") != ""
	settle := func() {
		if !ownLimit {
			debug.SetMemoryLimit(softMemoryLimit)
		}
		if !ownPercent {
			debug.SetGCPercent(collectorPercent)
		}
	}
	if ownLimit || ownPercent {
		settle()
		return
	}
	debug.SetGCPercent(-1) // off, but for the limit
	debug.SetMemoryLimit(startBytes)
	// Nothing holds this: the collector's first run finds it.
	runtime.AddCleanup(new([64]byte), func(settle func()) { settle() }, settle)
}
