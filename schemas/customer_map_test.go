package schemas

import (
	"os"
	"strings"
	"testing"
)

func TestReadMaps(t *testing.T) {
	sources, problems := ParseSources("conf/creditmill.yaml", []byte(`
sources:
  - id: keyed
    extends: openai
    fields:
      customer_id:
        - metadata.customer_id
        - {path: api_key, map: keys.csv}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	keyed := sources[len(sources)-1]
	tests := []struct{ name, text, want string }{
		{"good", "key,customer_id\nsk-secret,cus_a\n\"x\ny\",cus_b\n", ""},
		{"empty", "", "conf/keys.csv: the file is empty: its first row must be key,customer_id"},
		{"header", "customer_id,key\n", "conf/keys.csv:1:1: the first row must be key,customer_id"},
		{"rows", "key,customer_id\nsk-secret,cus_a\n\nsk-secret,cus_b\n,cus_c\nsk-other,\nsk-third\n" +
			"\xff,c\n" + strings.Repeat("k", 257) + ",c\n", "" +
			"conf/keys.csv:4:1: the key is repeated (first on line 2)\n" +
			"conf/keys.csv:5:1: the key is empty\n" +
			"conf/keys.csv:6:10: the customer_id is empty\n" +
			"conf/keys.csv:7:1: the row has 1 fields, not 2: key,customer_id\n" +
			"conf/keys.csv:8:1: the key is not valid UTF-8\n" +
			"conf/keys.csv:9:1: the key has 257 bytes, at most 256 are allowed"},
		{"quote", "key,customer_id\na\"b,c\n", "conf/keys.csv:2:2: bare \" in non-quoted-field"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			keyed.Fields.CustomerID.Or[0].Map.ByKey = nil
			var asked string
			problems := keyed.ReadMaps(func(name string) ([]byte, error) {
				asked = name
				return []byte(test.text), nil
			})
			if asked != "conf/keys.csv" || problems.Error() != test.want {
				t.Errorf("of %s: %v", asked, problems)
			}
			if strings.Contains(problems.Error(), "sk-") {
				t.Error("a key is shown")
			}
		})
	}
	keyed.Fields.CustomerID.Or[0].Map.ByKey = nil
	problems = keyed.ReadMaps(func(name string) ([]byte, error) { return os.ReadFile("nothing/" + name) })
	want := "conf/creditmill.yaml:8:32: read customer map conf/keys.csv: no such file or directory"
	if problems.Error() != want {
		t.Errorf("of a missing file: %v", problems)
	}
}

// Every built-in source extends to one with a wrapped row, and says in its file where customer and time are.
func TestBuiltinSourceTexts(t *testing.T) {
	for _, id := range builtinOrder {
		text, err := BuiltinSourceText(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"documentation", "Customer:", "Time:", "Event:"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s.yaml does not say %q", id, want)
			}
		}
		sources, problems := ParseSources("c.yaml", []byte("sources: [{id: own, extends: "+id+", within: 'a.\"b.c\"'}]"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		own, _ := SourceByID(sources, "own")
		builtin, _ := SourceByID(sources, id)
		if got, want := own.Fields.Model.Text, `a."b.c".`+joinPath(builtin.Fields.Model.Path); got != want {
			t.Errorf("within: model is at %s, want %s", got, want)
		}
		for i, condition := range own.Require {
			if got, want := condition.Text, `a."b.c".`+joinPath(builtin.Require[i].Path); got != want {
				t.Errorf("within: required is %s, want %s", got, want)
			}
		}
	}
}

func TestSourcesAreDocumented(t *testing.T) {
	manual := string(read(t, "../docs/sources.md"))
	for _, id := range builtinOrder {
		text, err := BuiltinSourceText(id)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(manual, "```yaml\n"+string(text)+"```\n") {
			t.Errorf("docs/sources.md does not show builtin/%s.yaml as it is", id)
		}
	}
	for _, key := range append(sourceFields, fieldNames...) {
		if !strings.Contains(manual, "`"+key+"`") {
			t.Errorf("docs/sources.md does not mention %s", key)
		}
	}
}

func FuzzCustomerMap(f *testing.F) {
	f.Add([]byte("key,customer_id\nsk-secret,cus_a\n\"x\ny\",cus_b\n"))
	f.Add([]byte("\xef\xbb\xbfkey,customer_id\r\na,b\r\na,c\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &CustomerMap{File: "keys.csv"}
		problems := m.read(func(string) ([]byte, error) { return data, nil })
		for key, id := range m.ByKey {
			if key == "" || id == "" || len(key) > maxNameBytes || len(id) > maxNameBytes {
				t.Fatalf("%q is mapped to %q", key, id)
			}
		}
		if len(problems) > maxMapProblems+1 {
			t.Fatalf("%d problems", len(problems))
		}
	})
}
