package schemas

import "strings"

// modelMatcher finds the feature of a model: names first, then patterns, which catalog validation keeps from
// overlapping.
type modelMatcher struct {
	names    map[string]int
	patterns []modelPattern
}

type modelPattern struct {
	text    string
	feature int
}

func (m *modelMatcher) add(model string, feature int) {
	if isPattern(model) {
		m.patterns = append(m.patterns, modelPattern{text: model, feature: feature})
		return
	}
	if m.names == nil {
		m.names = map[string]int{}
	}
	m.names[model] = feature
}

func (m modelMatcher) match(model string) (feature int, ok bool) {
	if feature, ok := m.names[model]; ok {
		return feature, true
	}
	for _, pattern := range m.patterns {
		if matchPattern(pattern.text, model) {
			return pattern.feature, true
		}
	}
	return 0, false
}

func isPattern(model string) bool { return strings.Contains(model, "*") }

// matchPattern says whether text matches a pattern in which `*` stands for any characters, none included.
func matchPattern(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}

// patternsOverlap says whether some text matches both patterns. It walks the pairs of positions in the two patterns
// that a common text can reach.
func patternsOverlap(a, b string) bool {
	if !compatibleEnds(a, b) {
		return false
	}
	seen := make([]bool, (len(a)+1)*(len(b)+1))
	var reach func(i, j int) bool
	reach = func(i, j int) bool {
		if i == len(a) && j == len(b) {
			return true
		}
		state := i*(len(b)+1) + j
		if seen[state] {
			return false
		}
		seen[state] = true
		starA, starB := i < len(a) && a[i] == '*', j < len(b) && b[j] == '*'
		switch {
		case starA && reach(i+1, j), starB && reach(i, j+1):
			return true
		case starA && j < len(b) && reach(i, j+1), starB && i < len(a) && reach(i+1, j):
			return true
		}
		return !starA && !starB && i < len(a) && j < len(b) && a[i] == b[j] && reach(i+1, j+1)
	}
	return reach(0, 0)
}

// compatibleEnds says whether what stands before the first `*` and behind the last one lets some text match both. It
// costs nothing beside the walk, and thousands of patterns are compared with each other.
func compatibleEnds(a, b string) bool {
	n := min(strings.IndexByte(a, '*'), strings.IndexByte(b, '*'))
	m := min(len(a)-1-strings.LastIndexByte(a, '*'), len(b)-1-strings.LastIndexByte(b, '*'))
	return n < 0 || a[:n] == b[:n] && a[len(a)-m:] == b[len(b)-m:]
}

// MatchModel says whether a model's name is one that a `*` pattern, or a name, of the catalog means.
func MatchModel(pattern, model string) bool { return matchPattern(pattern, model) }

// ModelsOverlap says whether some model's name is meant by both patterns, which no catalog may have.
func ModelsOverlap(a, b string) bool { return patternsOverlap(a, b) }
