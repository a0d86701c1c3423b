package schemas

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitPath(t *testing.T) {
	match := func(key, value string) string { return stepMatch + key + stepMark + value }
	for text, want := range map[string][]string{
		"a.b":                              {"a", "b"},
		`a."b.c".d`:                        {"a", "b.c", "d"},
		"items[0].id":                      {"items", stepAt + "0", "id"},
		"a[key=gen_ai.usage.input].v":      {"a", match("key", "gen_ai.usage.input"), "v"},
		`a[key="x y"]`:                     {"a", match("key", "x y")},
		"a[].b[][2]":                       {"a", stepAll, "b", stepAll, stepAt + "2"},
		`"a[0]".b`:                         {"a[0]", "b"},
		`"a.b"[1]`:                         {"a.b", stepAt + "1"},
		"Tokens [in]":                      {"Tokens [in]"}, // the name of a column
		"tokens[in].x":                     {"tokens[in]", "x"},
		"price[0]x":                        {"price[0]x"},
		"a[":                               {"a["},
		"^.^.tenant":                       {stepOut, stepOut, "tenant"},
		`"^".x`:                            {"^", "x"},
		"a.^":                              {"a", "^"},
		`attributes[key="a"].value.int[3]`: {"attributes", match("key", "a"), "value", "int", stepAt + "3"},
	} {
		got, err := splitPath(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".a", "a.", "a..b", `"a`, `"a"b`, "[0]", "a[0].", "a[0]."} {
		if got, err := splitPath(text); err == nil {
			t.Errorf("%s was read as %q", text, got)
		}
	}
}

// What is written of a path reads back as the same path.
func TestPathsReadBack(t *testing.T) {
	step := rapid.OneOf(
		rapid.StringMatching(`[a-z .\[\]=0^]{1,6}`),
		rapid.Just(stepAll), rapid.Just(stepAt+"7"), rapid.Just(stepMatch+"key"+stepMark+"a.b"),
	)
	rapid.Check(t, func(t *rapid.T) {
		path := append([]string{"a"}, rapid.SliceOfN(step, 0, 4).Draw(t, "path")...)
		got, err := splitPath(joinPath(path))
		if err != nil || !reflect.DeepEqual(got, path) {
			t.Fatalf("%q was written as %s and read as %q, %v", path, joinPath(path), got, err)
		}
	})
}

func TestLevels(t *testing.T) {
	path, err := splitPath("a.b[].c[]")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Levels(path), [][]string{{"a", "b"}, {"c"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// The wrappers that within knows move every field to where the log line is.
func TestWrappers(t *testing.T) {
	for name, want := range map[string]string{
		"docker": "log.model", "fluentbit": "log.model", "cloudwatch": "message.model",
	} {
		sources, problems := ParseSources("c.yaml", []byte("sources: [{id: own, extends: openai, within: "+name+"}]"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		own, _ := SourceByID(sources, "own")
		if own.Fields.Model.Text != want {
			t.Errorf("%s: model is at %s, want %s", name, own.Fields.Model.Text, want)
		}
		if rows := joinPath(own.Rows); (name == "cloudwatch") != (rows == "logEvents[]") {
			t.Errorf("%s: rows are %q", name, rows)
		}
	}
	if _, err := splitPath(wrappers["cloudwatch"].rows); err != nil {
		t.Error(err)
	}
}
