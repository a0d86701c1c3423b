package warehouse

import (
	"fmt"
	"regexp"
)

// shortage is a limit of the machine.
type shortage struct {
	words  *regexp.Regexp // of the engine, its library or the system
	advice string         // for a person
}

// knownShortages are told in the middle of a stack of the engine's own, or only in its log.
var knownShortages = []shortage{
	{
		regexp.MustCompile(`(?i)too many open files|errno: (23|24)\b`),
		"too few files may be open at once (ulimit -n): raise the limit, to 1024 at least",
	},
	{
		regexp.MustCompile(`(?i)failed to map segment|cannot allocate memory|bad_alloc|out of memory|errno: 12\b`),
		"memory is short: the engine maps its library of 600 MB and needs about 4 GB of address space; raise the limit " +
			"(ulimit -v unlimited, or the container's) or close other programs",
	},
	{
		regexp.MustCompile(`(?i)no space left|not enough space|disk quota exceeded|errno: (28|122)\b`),
		"the disk of the warehouse is full: free some space and run the command again",
	},
	{
		regexp.MustCompile(`(?i)read-only file system|permission denied|errno: (1|13|30)\b`),
		"the warehouse's folder, or something in it, cannot be written: let the user who runs creditmill own it, or " +
			"name another folder with --warehouse",
	},
	{
		regexp.MustCompile(`(?i)file too large|errno: 27\b`),
		"files may not grow as large as needed (ulimit -f): raise the limit",
	},
	{
		regexp.MustCompile(`(?i)pthread_create|cannot (create|start|schedule).{0,20}thread|errno: 11\b|` +
			`resource temporarily unavailable`),
		"too few threads may run (ulimit -u), or memory for one is short (ulimit -v): raise the limits",
	},
}

// adviceOn says what to do about the shortage that a text speaks of; empty where it speaks of none.
func adviceOn(text string) string {
	for _, known := range knownShortages {
		if known.words.MatchString(text) {
			return known.advice
		}
	}
	return ""
}

// withAdvice adds what to do to an error of the engine that a shortage caused.
func withAdvice(err error) error {
	if err == nil {
		return nil
	}
	if advice := adviceOn(err.Error()); advice != "" {
		return fmt.Errorf("%s: %w", advice, err)
	}
	return err
}
