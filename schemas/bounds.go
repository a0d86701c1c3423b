package schemas

import (
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds how deep values stand within each other: the parser's time and memory grow with its square.
const maxDepth = 64

// maxTokens bounds the words and signs of a file: the parser's time grows faster than their number. 10,000
// overrides are half of it.
const maxTokens = 500_000

// CheckBounds finds what makes a YAML file too large or too deep to parse; nil if nothing does.
func CheckBounds(file string, data []byte) (problem *Problem) {
	if len(data) > maxFileBytes {
		return &Problem{File: file, Message: fmt.Sprintf(
			"file has %d bytes, at most %d are read", len(data), maxFileBytes)}
	}
	defer func() {
		if recovered := recover(); recovered != nil {
			problem = &Problem{File: file, Message: fmt.Sprintf("file is not valid YAML (%v)", recovered)}
		}
	}()
	var flow, line int
	var block []int // the columns at which the open block values begin
	opens := false  // the token before lets another block value begin in its line
	for i, each := range lexer.Tokenize(string(data)) {
		at := each.Position
		if i == maxTokens {
			return &Problem{File: file, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(
				"file has more than %d words and signs: write fewer entries", maxTokens)}
		}
		if flow == 0 && (opens || at.Line != line) {
			for len(block) > 0 && block[len(block)-1] >= at.Column {
				block = block[:len(block)-1]
			}
			block = append(block, at.Column)
		}
		line, opens = at.Line, each.Type == token.SequenceEntryType || each.Type == token.MappingKeyType
		switch each.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		}
		if flow+len(block) > maxDepth {
			return &Problem{File: file, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(
				"values are nested more than %d deep: write them flatter", maxDepth)}
		}
	}
	return nil
}
