package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/shopspring/decimal"
)

// setting takes one scalar of the config file, as it is written there, and says what is wrong with it.
type setting func(text string) error

// settingsReader walks a YAML file by its syntax tree, since only that knows where each value stands. It goes on
// after a mistake, so that one pass finds them all.
type settingsReader struct {
	file     string
	known    map[string]setting
	problems schemas.Problems
}

// readSettings gives every scalar of the file to the setting of its dotted name. A setting that is nil is left to
// others.
func readSettings(file string, text []byte, known map[string]setting) schemas.Problems {
	r := &settingsReader{file: file, known: known}
	if problem := schemas.CheckBounds(file, text); problem != nil {
		return schemas.Problems{*problem}
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		r.syntaxError(err)
		return r.problems
	}
	for i, document := range tree.Docs {
		if i > 0 {
			r.problem(document.Body, "second YAML document: write one document a file")
			break
		}
		r.walk("", document.Body)
	}
	return r.problems
}

func (r *settingsReader) walk(prefix string, node ast.Node) {
	switch node := node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingNode:
		for _, value := range node.Values {
			r.value(prefix, value)
		}
	case *ast.MappingValueNode:
		r.value(prefix, node)
	default:
		name := strings.TrimSuffix(prefix, ".")
		if name == "" {
			name = "the file"
		}
		r.problem(node, fmt.Sprintf("%s takes settings of its own, such as %s", name, r.siblings(prefix)[0]))
	}
}

func (r *settingsReader) value(prefix string, pair *ast.MappingValueNode) {
	key := pair.Key.GetToken().Value
	name := prefix + key
	set, isSetting := r.known[name]
	switch {
	case isSetting && set == nil:
	case isSetting:
		text, ok := scalarText(pair.Value)
		if !ok {
			r.problem(pair.Value, name+" takes one value")
			return
		}
		if err := set(text); err != nil {
			r.problem(pair.Value, fmt.Sprintf("%s: %v", name, err))
		}
	case len(r.below(name+".")) > 0:
		r.walk(name+".", pair.Value)
	default:
		r.problem(pair.Key, fmt.Sprintf("unknown field %q (known here: %s)", key, strings.Join(r.siblings(prefix), ", ")))
	}
}

// below lists the settings whose names begin with prefix.
func (r *settingsReader) below(prefix string) []string {
	var names []string
	for name := range r.known {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *settingsReader) siblings(prefix string) []string {
	var keys []string
	for _, name := range r.below(prefix) {
		key, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), ".")
		keys = append(keys, key)
	}
	return slices.Compact(keys)
}

func (r *settingsReader) problem(node ast.Node, message string) {
	r.at(node.GetToken(), message)
}

func (r *settingsReader) at(where *token.Token, message string) {
	problem := schemas.Problem{File: r.file, Message: message}
	if where != nil && where.Position != nil {
		problem.Line, problem.Column = where.Position.Line, where.Position.Column
	}
	r.problems = append(r.problems, problem)
}

func (r *settingsReader) syntaxError(err error) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		r.at(syntax.Token, syntax.Message)
		return
	}
	r.at(nil, err.Error())
}

// scalarText is a scalar as it is written, without quotes: "1e3" stays "1e3", so no number passes through a float.
func scalarText(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(node.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value, true
	case *ast.NullNode:
		return "", true
	default:
		return "", false
	}
}

func textSetting(to *string) setting {
	return func(text string) error {
		*to = text
		return nil
	}
}

// boolSetting leaves nil where the file says nothing.
func boolSetting(to **bool) setting {
	return func(text string) error {
		switch text {
		case "true", "false":
			said := text == "true"
			*to = &said
			return nil
		default:
			return fmt.Errorf("want true or false, not %q", text)
		}
	}
}

// urlSetting takes the address of a web page. Braces stay as they are: Stripe fills {CHECKOUT_SESSION_ID} in.
func urlSetting(to *string) setting {
	return func(text string) error {
		parsed, err := url.Parse(text)
		if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
			return fmt.Errorf("want an address such as https://example.com/paid, not %q", text)
		}
		*to = text
		return nil
	}
}

func countSetting(to *int) setting {
	return func(text string) error {
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 {
			return fmt.Errorf("want a whole number from 1, not %q", text)
		}
		*to = number
		return nil
	}
}

// rejectsSetting takes what --max-rejects takes.
func rejectsSetting(to *ingest.MaxRejects) setting {
	return func(text string) error {
		limit, err := parseMaxRejects(text)
		*to = limit
		return err
	}
}

func choiceSetting(to *string, choices ...string) setting {
	return func(text string) error {
		if !slices.Contains(choices, text) {
			return fmt.Errorf("want %s, not %q", strings.Join(choices, " or "), text)
		}
		*to = text
		return nil
	}
}

func cronSetting(to *string) setting {
	return func(text string) error {
		if _, err := parseSchedule(text); text != "" && err != nil {
			return err
		}
		*to = text
		return nil
	}
}

// durationSetting takes days, as in 60d, beside what Go calls a duration.
func durationSetting(to *time.Duration) setting {
	return func(text string) error {
		days, isDays := strings.CutSuffix(text, "d")
		if number, err := strconv.Atoi(days); isDays && err == nil && number >= 0 && number <= 36500 {
			*to = time.Duration(number) * 24 * time.Hour
			return nil
		}
		duration, err := time.ParseDuration(text)
		if err != nil || duration < 0 {
			return fmt.Errorf("want days such as 60d, or hours such as 36h, not %q", text)
		}
		*to = duration
		return nil
	}
}

func decimalSetting(to *decimal.NullDecimal) setting {
	return func(text string) error {
		number, err := decimal.NewFromString(text)
		if err != nil || !number.IsPositive() {
			return fmt.Errorf("want a number above 0 such as \"500.00\", not %q", text)
		}
		*to = decimal.NewNullDecimal(number)
		return nil
	}
}
