package schemas

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFileBytes bounds what a person writes by hand; a larger file is a mistake.
const maxFileBytes = 4 << 20

// maxAliasHops bounds the chain of aliases, which a file can make endless: `a: &a *a`.
const maxAliasHops = 32

// maxAliased bounds how many values all aliases of a file stand for: each is read as often as it is named, and aliases
// of aliases of a few lines may stand for billions.
const maxAliased = 500_000

// decoder reads one YAML file by its syntax tree, since only that knows where each value stands and how it was written.
// It collects problems and goes on, so that one pass finds them all.
type decoder struct {
	file     string
	problems Problems
	seen     map[Problem]bool
	targets  map[*ast.AliasNode]ast.Node
}

// newDecoder parses data and returns the node at its root; nil if the file is empty or a problem was found.
func newDecoder(file string, data []byte) (*decoder, ast.Node) {
	d := &decoder{file: file, seen: map[Problem]bool{}, targets: map[*ast.AliasNode]ast.Node{}}
	if !utf8.Valid(data) {
		d.problems = append(d.problems, Problem{File: file, Message: "file is not valid UTF-8"})
		return d, nil
	}
	if problem := CheckBounds(file, data); problem != nil {
		d.problems = append(d.problems, *problem)
		return d, nil
	}
	tree, err := parseYAML(data)
	if err != nil {
		d.syntaxError(err)
		return d, nil
	}
	var root ast.Node
	for _, document := range tree.Docs {
		switch document.Body.(type) {
		case nil, *ast.DirectiveNode, *ast.CommentGroupNode:
			continue
		}
		if root != nil {
			d.problem(document.Body, "second YAML document: write one document a file")
			return d, nil
		}
		root = document.Body
	}
	if root != nil {
		values, aliased := 0, 0
		ast.Walk(anchorCollector{d.targets, map[string]anchor{}, &values, &aliased}, root)
		if aliased > maxAliased {
			d.problem(root, "aliases stand for more than %d values: write what they stand for once, or in fewer places",
				maxAliased)
			return d, nil
		}
	}
	return d, root
}

// parseYAML turns a panic of the parser, which odd input can cause, into an error.
func parseYAML(data []byte) (tree *ast.File, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("file is not valid YAML (%v)", recovered)
		}
	}()
	// Duplicate keys are let through here, so that all of them are reported, with the place of the first.
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

func (d *decoder) syntaxError(err error) {
	problem := Problem{File: d.file, Message: err.Error()}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		problem.Message = syntax.Message
		problem.Line, problem.Column = position(syntax.Token)
	}
	d.problems = append(d.problems, problem)
}

// anchorCollector finds the node that each alias stands for, an anchor's newest definition before it, and counts the
// values that all aliases together stand for.
type anchorCollector struct {
	targets map[*ast.AliasNode]ast.Node
	anchors map[string]anchor
	values  *int // visited, those that aliases stand for among them
	aliased *int
}

type anchor struct {
	value ast.Node
	holds int // values, with those of its aliases
}

func (c anchorCollector) Visit(node ast.Node) ast.Visitor {
	*c.values++
	switch node := node.(type) {
	case *ast.AnchorNode:
		name, before := node.Name.GetToken().Value, *c.values
		c.anchors[name] = anchor{value: node.Value}
		ast.Walk(c, node.Value)
		c.anchors[name] = anchor{node.Value, *c.values - before}
		return nil
	case *ast.AliasNode:
		if target, ok := c.anchors[node.Value.GetToken().Value]; ok {
			c.targets[node] = target.value
			*c.values = min(*c.values+target.holds, maxAliased*maxAliased)
			*c.aliased = min(*c.aliased+target.holds, maxAliased+1)
		}
	}
	return c
}

// resolve looks through anchors, aliases and tags to the value itself; nil, with a problem noted, if there is none.
func (d *decoder) resolve(node ast.Node) ast.Node {
	from := node
	for range maxAliasHops {
		switch next := node.(type) {
		case *ast.AnchorNode:
			node = next.Value
		case *ast.TagNode:
			node = next.Value
		case *ast.AliasNode:
			target, ok := d.targets[next]
			if !ok {
				d.problem(from, "unknown anchor %q", next.Value.GetToken().Value)
				return nil
			}
			node = target
		default:
			return node
		}
	}
	d.problem(from, "aliases form a cycle, or lead through more than %d others: name the value itself", maxAliasHops)
	return nil
}

func (d *decoder) problem(node ast.Node, format string, values ...any) {
	d.add(node, false, fmt.Sprintf(format, values...))
}

func (d *decoder) warning(node ast.Node, format string, values ...any) {
	d.add(node, true, fmt.Sprintf(format, values...))
}

func (d *decoder) add(node ast.Node, warning bool, message string) {
	problem := Problem{File: d.file, Message: message, Warning: warning}
	if node != nil {
		problem.Line, problem.Column = position(startToken(node))
	}
	if d.seen[problem] {
		return // an anchor's value is read once for each alias
	}
	d.seen[problem] = true
	d.problems = append(d.problems, problem)
}

// startToken is where a reader would point at the node: the first key of a mapping, not its colon.
func startToken(node ast.Node) *token.Token {
	switch node := node.(type) {
	case *ast.MappingNode:
		if !node.IsFlowStyle && len(node.Values) > 0 {
			return node.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return node.Key.GetToken()
	}
	return node.GetToken()
}

func position(at *token.Token) (line, column int) {
	if at == nil || at.Position == nil {
		return 0, 0
	}
	return at.Position.Line, at.Position.Column
}

// scalarKind is how a scalar was written.
type scalarKind int

const (
	scalarNone scalarKind = iota // not a scalar
	scalarNull
	scalarText // quoted text, and plain text that YAML takes for nothing else
	scalarNumber
	scalarBool
)

// scalar returns a scalar's text as it stands in the file.
func (d *decoder) scalar(node ast.Node) (text string, kind scalarKind) {
	switch node := d.resolve(node).(type) {
	case *ast.StringNode:
		return node.Value, scalarText
	case *ast.LiteralNode:
		return node.Value.Value, scalarText
	case *ast.IntegerNode:
		return node.Token.Value, scalarNumber
	case *ast.FloatNode:
		return node.Token.Value, scalarNumber
	case *ast.BoolNode:
		return node.Token.Value, scalarBool
	case *ast.NullNode:
		return "", scalarNull
	}
	return "", scalarNone
}
