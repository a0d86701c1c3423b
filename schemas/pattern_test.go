package schemas

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMatchModel: a star stands for any characters, none included; everything else for itself.
func TestMatchModel(t *testing.T) {
	for _, test := range []struct {
		pattern, model string
		want           bool
	}{
		{"gpt-5", "gpt-5", true},
		{"gpt-5", "gpt-5-mini", false},
		{"gpt-5*", "gpt-5", true},
		{"gpt-5*", "gpt-5-mini", true},
		{"gpt-5*", "gpt-4", false},
		{"*", "", true},
		{"*", "anything", true},
		{"*-mini", "gpt-5-mini", true},
		{"*-mini", "-mini", true},
		{"*-mini", "gpt-5-mini-2026", false},
		{"gpt-*-mini", "gpt-5-mini", true},
		{"gpt-*-mini", "gpt--mini", true},
		{"gpt-*-mini", "gpt-mini", false}, // the hyphen does not count twice
		{"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"**", "x", true},
		{"Gpt-5", "gpt-5", false}, // names are told apart by case
		{"gpt.5", "gpt-5", false}, // no character but the star is special
		{"gpt?5", "gpt-5", false},
		{"[ab]", "a", false},
		{"é*", "été", true},
	} {
		if got := MatchModel(test.pattern, test.model); got != test.want {
			t.Errorf("MatchModel(%q, %q) = %t, want %t", test.pattern, test.model, got, test.want)
		}
	}
}

// TestPatternsAgainstAnotherWay compares the matcher with one that tries every length for each star.
func TestPatternsAgainstAnotherWay(t *testing.T) {
	var matches func(pattern, text string) bool
	matches = func(pattern, text string) bool {
		if pattern == "" {
			return text == ""
		}
		if pattern[0] != '*' {
			return text != "" && text[0] == pattern[0] && matches(pattern[1:], text[1:])
		}
		for taken := range len(text) + 1 {
			if matches(pattern[1:], text[taken:]) {
				return true
			}
		}
		return false
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{0,7}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,9}`).Draw(t, "text")
		if got, want := matchPattern(pattern, text), matches(pattern, text); got != want {
			t.Fatalf("matchPattern(%q, %q) = %t, want %t", pattern, text, got, want)
		}
	})
}

// TestOverlapsAreReal: two patterns overlap if and only if some text matches both. Short patterns have a short one.
func TestOverlapsAreReal(t *testing.T) {
	texts := []string{""}
	for start := 0; len(texts[len(texts)-1]) < 6; start++ {
		texts = append(texts, texts[start]+"a", texts[start]+"b")
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[ab*]{0,3}`).Draw(t, "one pattern")
		b := rapid.StringMatching(`[ab*]{0,3}`).Draw(t, "the other")
		common := ""
		want := false
		for _, text := range texts {
			if matchPattern(a, text) && matchPattern(b, text) {
				common, want = text, true
				break
			}
		}
		if got := ModelsOverlap(a, b); got != want {
			t.Fatalf("ModelsOverlap(%q, %q) = %t; both match %q: %t", a, b, got, common, want)
		}
		if ModelsOverlap(a, b) != ModelsOverlap(b, a) {
			t.Fatalf("whether %q and %q overlap depends on their order", a, b)
		}
	})
}

// TestNamesGoBeforePatterns: a model that a name means has its feature, even beside patterns that mean others.
func TestNamesGoBeforePatterns(t *testing.T) {
	var matcher modelMatcher
	for feature, model := range []string{"gpt-5", "gpt-5-*", "*-embedding"} {
		matcher.add(model, feature)
	}
	for model, want := range map[string]int{"gpt-5": 0, "gpt-5-mini": 1, "small-embedding": 2, "claude": -1, "": -1} {
		got, found := matcher.match(model)
		if !found {
			got = -1
		}
		if got != want {
			t.Errorf("model %q has feature %d, want %d", model, got, want)
		}
	}
	if _, found := (modelMatcher{}).match("gpt-5"); found {
		t.Error("a matcher of nothing finds a feature")
	}
	if !isPattern("a*") || isPattern(strings.Repeat("a", 10)) {
		t.Error("a pattern is what holds a star")
	}
}
