package schemas

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one mistake in a file, or with Warning set something that is allowed and likely not meant.
type Problem struct {
	File string `json:"file"`
	// Line and Column count from 1; 0 means that the problem has no place in the file.
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"`
}

// Error is `file:line:column: message`, with `warning: ` before the message of a warning. The file's name stays on the
// line.
func (p Problem) Error() string {
	message := p.Message
	if p.Warning {
		message = "warning: " + message
	}
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", Visible(p.File), message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", Visible(p.File), p.Line, p.Column, message)
}

// Problems are all the mistakes found in one pass, in the order of the file.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Errors returns the problems that are not warnings.
func (p Problems) Errors() Problems {
	return p.only(false)
}

// Warnings returns the problems that are warnings.
func (p Problems) Warnings() Problems {
	return p.only(true)
}

func (p Problems) only(warning bool) Problems {
	var found Problems
	for _, problem := range p {
		if problem.Warning == warning {
			found = append(found, problem)
		}
	}
	return found
}

// Err is nil unless at least one problem is not a warning; then it is those problems.
func (p Problems) Err() error {
	if found := p.Errors(); len(found) > 0 {
		return found
	}
	return nil
}

func (p Problems) sort() {
	sort.SliceStable(p, func(a, b int) bool {
		if p[a].Line != p[b].Line {
			return p[a].Line < p[b].Line
		}
		return p[a].Column < p[b].Column
	})
}
