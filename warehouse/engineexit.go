package warehouse

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// explainExit says why the engine ended before it was ready, from its last words.
func (e *engine) explainExit() error {
	tail := e.logTail()
	if strings.Contains(tail, "Address already in use") || !isFree(e.running.TCPPort) {
		return fmt.Errorf("start engine on %s: %w: %w", e.files.directory, errPortTaken, ErrUnreachable)
	}
	if err := damagedAtStart(tail); err != nil {
		return fmt.Errorf("start engine on %s: %w; restore %s from a backup. Without one, creditmill verify --set-aside "+
			"starts it without the damaged files and says which rows are missing then",
			e.files.directory, err, e.files.data())
	}
	cause := "it ended at once"
	if advice := adviceOn(tail); advice != "" {
		cause += ": " + advice
	}
	return fmt.Errorf("start engine on %s: %s%s: %w", e.files.directory, cause, tail, ErrUnreachable)
}

const logTailLines = 12

// logTail returns the last lines of the engine's logs: of what it wrote before its end, or before it had its own log.
func (e *engine) logTail() string {
	var tail strings.Builder
	for _, name := range []string{e.files.log(), e.files.in("clickhouse.log")} {
		content, err := os.ReadFile(name)
		lines := slices.DeleteFunc(strings.Split(string(content), "\n"), isStackFrame)
		lines = lines[max(0, len(lines)-logTailLines):]
		if text := strings.TrimSpace(strings.Join(lines, "\n")); err == nil && text != "" {
			fmt.Fprintf(&tail, "; the last lines of %s:\n%s\n", name, text)
		}
	}
	if tail.Len() == 0 {
		return "; it wrote no log, so the system may have ended it for want of memory"
	}
	return tail.String()
}

// stackFrames are lines of the engine's that no reader has a use for.
var stackFrames = regexp.MustCompile(`^\s*\d+\. .*@ 0x|^\s*$|^Cannot print extra info|Stack trace \(when copying`)

func isStackFrame(line string) bool { return stackFrames.MatchString(line) }
