package schemas

import (
	"fmt"
	"strings"
)

// suggest returns ` (did you mean "x"?)` for the known name closest to a misspelt one, else the text otherwise.
func suggest(name string, known []string, otherwise string) string {
	best := Closest(name, known)
	if best == "" {
		return otherwise
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// Closest returns the known name that a misspelt one is likely meant to be, by its letters or its beginning; empty if
// none is close.
func Closest(name string, known []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, candidate := range known {
		if distance := editDistance(name, candidate); distance < least && distance < len(candidate) {
			best, least = candidate, distance
		}
	}
	for _, candidate := range known {
		if best == "" && len(name) >= 4 && strings.HasPrefix(candidate, name) {
			best = candidate
		}
	}
	return best
}

// editDistance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b. Names longer
// than 64 bytes count as unlike.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
