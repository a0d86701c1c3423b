package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

// TestCollectorSettles: until the collector has run once it is off below startBytes. From then on its bounds are those
// of a command that has much to do.
func TestCollectorSettles(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	bounds := func() (percent, limit uint64) {
		read := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
		metrics.Read(read)
		return read[0].Value.Uint64(), read[1].Value.Uint64()
	}
	setCollector()
	if _, limit := bounds(); limit != startBytes && limit != softMemoryLimit { // it may have run already
		t.Errorf("the limit is %d bytes", limit)
	}
	runtime.GC()
	for percent, limit := bounds(); percent != collectorPercent || limit != softMemoryLimit; percent, limit = bounds() {
		if t.Context().Err() != nil {
			t.Fatalf("the bounds are %d %% and %d bytes, want %d and %d", percent, limit, collectorPercent, softMemoryLimit)
		}
		runtime.Gosched()
	}
}

// TestCollectorOfTheOwner: who sets a bound has it from the start.
func TestCollectorOfTheOwner(t *testing.T) {
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "")
	setCollector()
	read := []metrics.Sample{{Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(read)
	if limit := read[0].Value.Uint64(); limit != softMemoryLimit {
		t.Errorf("the limit is %d bytes, want %d", limit, softMemoryLimit)
	}
}
