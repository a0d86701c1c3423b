package findings

import (
	"fmt"
)

// A check is fine until a problem is noted; it names so many and says that there are more.
func ExampleCheck_Problem() {
	check := New("loads, counted again")
	check.LookedAt = 30
	fmt.Println(check.OK)
	for load := range check.LookedAt {
		check.Problem("ld_%d: 9 rows stored, 10 loaded", load+1)
	}
	fmt.Println(check.OK, len(check.Problems), "lines")
	fmt.Println(check.Problems[0])
	fmt.Println(check.Problems[MostProblems])
	// Output:
	// true
	// false 21 lines
	// ld_1: 9 rows stored, 10 loaded
	// and more
}
