package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestOperateKnowsTheEnvironment holds docs/operate.md, and the config that init writes, against the help topics: each
// variable and exit code that these know, the document explains, and the config names each variable.
func TestOperateKnowsTheEnvironment(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	config, err := templates.ReadFile("templates/creditmill.yaml")
	if err != nil {
		t.Fatal(err)
	}
	variables := regexp.MustCompile(`(?m)^  ([A-Z_]+)(?:, ([A-Z_]+))? `).FindAllStringSubmatch(environmentHelp, -1)
	codes := regexp.MustCompile(`(?m)^ +(\d+)  `).FindAllStringSubmatch(exitCodesHelp, -1)
	if len(variables) < 9 || len(codes) != 7 {
		t.Fatalf("the topics name %d variables and %d exit codes", len(variables), len(codes))
	}
	for _, names := range variables {
		for _, name := range names[1:] {
			if name != "" && !strings.Contains(document, "`"+name+"`") {
				t.Errorf("docs/operate.md does not explain %s", name)
			}
			if !strings.Contains(string(config), name) {
				t.Errorf("creditmill.yaml, as init writes it, does not name %s", name)
			}
		}
	}
	for _, code := range codes {
		if !strings.Contains(document, "| "+code[1]+" | ") {
			t.Errorf("docs/operate.md does not explain exit code %s", code[1])
		}
	}
}
