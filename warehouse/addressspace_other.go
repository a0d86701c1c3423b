//go:build !linux

package warehouse

import "math"

// mostAddressSpace is known on Linux only.
func mostAddressSpace() uint64 { return math.MaxUint64 }
