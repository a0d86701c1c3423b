package schemas

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckBounds(t *testing.T) {
	var stairs strings.Builder
	for i := range 70 {
		fmt.Fprintf(&stairs, "%sa:\n", strings.Repeat(" ", i))
	}
	tests := []struct{ name, text, want string }{
		{"flow lists", strings.Repeat("[", 200_000), "f.yaml:1:64"},
		{"flow mappings", strings.Repeat("{a: ", 1000), "f.yaml:1:253"},
		{"brackets in comments close nothing", strings.Repeat("[ #]\n", 1000), "f.yaml:64:1"},
		{"lists in one line", strings.Repeat("- ", 1000), "f.yaml:1:129"},
		{"steps of indentation", stairs.String(), "f.yaml:65:65"},
		{"too large", strings.Repeat("#", maxFileBytes+1), "f.yaml"},
		{"as deep as allowed", strings.Repeat("[", 63) + strings.Repeat("]", 63), ""},
		{"many beside each other", strings.Repeat("- [a, {b: c}]\n", 1000), ""},
		{"brackets in texts", "a: \"" + strings.Repeat("[", 1000) + "\"\nb: '" + strings.Repeat("{", 1000) + "'\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problem := CheckBounds("f.yaml", []byte(test.text))
			if (problem == nil) != (test.want == "") {
				t.Fatalf("problem %v, want one at %q", problem, test.want)
			}
			if problem != nil && !strings.HasPrefix(problem.Error(), test.want+":") {
				t.Errorf("problem %v, want it at %s", problem, test.want)
			}
		})
	}
}
