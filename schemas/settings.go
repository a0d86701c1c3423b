package schemas

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Setting takes one scalar of a settings file, as it is written there, and says what is wrong with it.
type Setting func(text string) error

// ReadSettings gives every scalar of a YAML file to the setting of its dotted name, such as "stripe.account", and
// returns every mistake found. A setting that is nil is left to others.
func ReadSettings(file string, data []byte, known map[string]Setting) Problems {
	d, root := newDecoder(file, data)
	if root == nil {
		return d.problems
	}
	r := settingsReader{decoder: d, known: known}
	r.group("", root)
	d.problems.sort()
	return d.problems
}

type settingsReader struct {
	*decoder
	known map[string]Setting
}

// group reads the settings whose names begin with prefix, which is empty or ends with a dot.
func (r *settingsReader) group(prefix string, node ast.Node) {
	if _, kind := r.scalar(node); kind == scalarNull {
		r.emptyGroup(prefix, node)
		return
	}
	if _, is := r.resolve(node).(*ast.MappingNode); !is {
		name := strings.TrimSuffix(prefix, ".")
		if name == "" {
			name = "the file"
		}
		r.problem(node, "%s takes settings of its own, such as %s", name, r.keys(prefix)[0])
		return
	}
	o, _ := r.object(node, "a group of settings", nil)
	if len(o.keys) == 0 {
		r.emptyGroup(prefix, node)
	}
	for _, key := range o.keys {
		field, name := o.fields[key], prefix+key
		set, isSetting := r.known[name]
		switch {
		case isSetting && set == nil:
		case isSetting:
			r.set(name, set, field.value)
		case len(r.below(name+".")) > 0:
			r.group(name+".", field.value)
		default:
			r.problem(field.key, "unknown field %q (known here: %s)", key, strings.Join(r.keys(prefix), ", "))
		}
	}
}

// emptyGroup refuses a schedule without a job, which whoever wrote it takes for one that runs something. Any other
// group that sets nothing, such as one whose lines are commented out, has the defaults.
func (r *settingsReader) emptyGroup(prefix string, node ast.Node) {
	if name := strings.TrimSuffix(prefix, "."); name == "schedule" {
		r.problem(node, "%s is empty: remove it or set something in it, such as %s", name, r.keys(prefix)[0])
	}
}

func (r *settingsReader) set(name string, set Setting, value ast.Node) {
	text, kind := r.scalar(value)
	if kind == scalarNone {
		if r.resolve(value) != nil {
			r.problem(value, "%s takes one value", name)
		}
		return
	}
	if err := set(strings.TrimRight(text, "\n")); err != nil {
		r.problem(value, "%s: %v", name, err)
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

// keys are what may follow a prefix.
func (r *settingsReader) keys(prefix string) []string {
	var keys []string
	for _, name := range r.below(prefix) {
		key, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), ".")
		keys = append(keys, key)
	}
	return slices.Compact(keys)
}
