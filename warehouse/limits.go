package warehouse

import "fmt"

// leastOpenFiles is what the engine needs to start and to merge a few parts. Large loads need more.
const leastOpenFiles = 256

// leastAddressSpace is what the engine was seen to need for starting, with its library and the stacks of its threads.
const leastAddressSpace = 4_000_000_000

// leastOwnSpace is below what the engine needs, and above where Go's own runtime may end with its stacks. With much
// less it ends before this program has a say.
const leastOwnSpace = 2_000_000_000

// CheckLimits refuses to run where this program would end with the stacks of Go's runtime, also without an engine.
func CheckLimits() error {
	if space := mostAddressSpace(); space < leastOwnSpace {
		return spaceShort(space)
	}
	return nil
}

// engineFits refuses limits that the engine would not survive, which it tells in other words each time.
func engineFits() error {
	if files := mostOpenFiles(); files < leastOpenFiles {
		return fmt.Errorf("only %d files may be open at once (ulimit -n), and it needs %d: raise the limit", files,
			leastOpenFiles)
	}
	if space := mostAddressSpace(); space < leastAddressSpace {
		return spaceShort(space)
	}
	return nil
}

func spaceShort(space uint64) error {
	return fmt.Errorf("only %d MB of address space may be used (ulimit -v), and the engine needs %d MB: raise the limit "+
		"(ulimit -v unlimited)", space/1_000_000, leastAddressSpace/1_000_000)
}
