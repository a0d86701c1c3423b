package main

import (
	"bytes"
	"os"
	"testing"
)

// TestConfigSchema holds the schema that editors read against the settings there are.
func TestConfigSchema(t *testing.T) {
	text, err := configSchema().JSON()
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../schemas/creditmill.schema.json"
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, text) {
		t.Errorf("%s is not what the settings say; write it again: go generate ./cmd/creditmill", file)
	}
	for name, setting := range (&config{}).settings() {
		if setting.doc == "" {
			t.Errorf("setting %s is not described", name)
		}
	}
}
