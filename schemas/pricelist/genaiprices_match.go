package pricelist

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// genaiMatch says by which names genai-prices knows a model. It has one of its fields.
type genaiMatch struct {
	Equals     string       `json:"equals"`
	StartsWith string       `json:"starts_with"`
	EndsWith   string       `json:"ends_with"`
	Contains   string       `json:"contains"`
	Regex      string       `json:"regex"`
	Or         []genaiMatch `json:"or"`
	And        []genaiMatch `json:"and"`
}

func (m *genaiMatch) UnmarshalJSON(text []byte) error {
	type plain genaiMatch
	var fields object
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if len(fields) != 1 {
		return errors.New("want one condition")
	}
	return json.Unmarshal(text, (*plain)(m))
}

// matches says whether the list knows a model by a name. A pattern that Go cannot read matches nothing.
func (m *genaiMatch) matches(name string) bool {
	lower := strings.ToLower(name)
	switch {
	case m.Equals != "":
		return lower == strings.ToLower(m.Equals)
	case m.StartsWith != "":
		return strings.HasPrefix(lower, strings.ToLower(m.StartsWith))
	case m.EndsWith != "":
		return strings.HasSuffix(lower, strings.ToLower(m.EndsWith))
	case m.Contains != "":
		return strings.Contains(lower, strings.ToLower(m.Contains))
	case m.Regex != "":
		pattern, err := regexp.Compile(m.Regex)
		return err == nil && pattern.MatchString(name)
	case len(m.Or) > 0:
		for i := range m.Or {
			if m.Or[i].matches(name) {
				return true
			}
		}
		return false
	}
	for i := range m.And {
		if !m.And[i].matches(name) {
			return false
		}
	}
	return len(m.And) > 0
}

// nameByMatch gives an entry the names and patterns of its match. A catalog has names and patterns with stars, of which
// no two may meet, so that only a beginning becomes a pattern. The first entry that matches a name has it in the list:
// a pattern that an earlier entry of the provider could take names from is left out.
func (e *Entry) nameByMatch(match genaiMatch, earlier []genaiMatch) {
	e.addName(e.Model)
	all := match.Or
	if len(all) == 0 {
		all = []genaiMatch{match}
	}
	for _, one := range all {
		name, note := one.name()
		if note != "" {
			e.tell("match", "%s", note)
		}
		if taker := takesFrom(earlier, name); taker != "" {
			e.tell("match", "%s is left out of models: %s of another model comes before it", name, taker)
			continue
		}
		e.addName(name)
	}
}

func (e *Entry) addName(name string) {
	for _, other := range e.Names {
		if name == "" || schemas.MatchModel(other, name) {
			return
		}
	}
	e.Names = append(e.Names, name)
}

// datedName is a name followed by a date, or by nothing, as the expressions of the list have it.
var datedName = regexp.MustCompile(`^\^((?:[\w/.:~@-]|\\[.\[\]=]|=)+)(-\\d\{8\}|-\\d\{4\}-\\d\{2\}-\\d\{2\})?\$$`)

// name is what the catalog has for a condition, and what to tell of names that it does not have.
func (m genaiMatch) name() (name, note string) {
	switch {
	case m.Equals != "":
		return m.Equals, ""
	case m.StartsWith != "":
		return m.StartsWith + "*", ""
	case m.Contains != "":
		return m.Contains + "*", "names that have " + m.Contains + " further in are left out of models"
	case m.EndsWith != "":
		return "", "names that end with " + m.EndsWith + " are left out of models"
	case m.Regex != "":
		parts := datedName.FindStringSubmatch(m.Regex)
		if parts == nil {
			return "", "names that match " + m.Regex + " are left out of models"
		}
		name = strings.ReplaceAll(parts[1], `\`, "")
		switch {
		case strings.Count(parts[2], `\d`) == 1:
			name += "-20*" // a year of this century keeps names that go on otherwise out
		case parts[2] != "":
			name += "-20*-*-*"
		}
		return name, ""
	}
	return "", "names that several conditions describe are left out of models"
}

// takesFrom is the first condition of earlier entries that also holds for names of a pattern, empty if there is none.
func takesFrom(earlier []genaiMatch, pattern string) string {
	if !strings.Contains(pattern, "*") {
		return ""
	}
	start, _, _ := strings.Cut(pattern, "*")
	for _, match := range earlier {
		if part := match.meets(start); part != "" {
			return part
		}
	}
	return ""
}

// meets is the condition that holds for names with a beginning. A text that names have anywhere is taken to be the
// name of a model, which does not stand behind the name of another.
func (m genaiMatch) meets(start string) string {
	switch {
	case m.StartsWith != "" && (strings.HasPrefix(m.StartsWith, start) || strings.HasPrefix(start, m.StartsWith)):
		return m.StartsWith + "*"
	case m.Contains != "" && (strings.Contains(m.Contains, start) || strings.Contains(start, m.Contains)):
		return "*" + m.Contains + "*"
	case m.EndsWith != "":
		return "*" + m.EndsWith
	}
	for _, part := range append(m.Or, m.And...) {
		if found := part.meets(start); found != "" {
			return found
		}
	}
	return ""
}
