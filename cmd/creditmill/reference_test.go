package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestReference: the pages of commands, settings and views say what the program and its warehouse say.
func TestReference(t *testing.T) {
	for name, text := range map[string]string{
		"commands.md": commandsPage(), "settings.md": settingsPage(), "views.md": viewsPage(t),
	} {
		file := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, []byte(text)) {
			t.Errorf("%s is not what the program says; write it again: go generate ./cmd/creditmill", file)
		}
	}
}

// commandsPage is the help of every command, and the topics of help.
func commandsPage() string {
	var page strings.Builder
	page.WriteString("# Commands\n\nWhat `creditmill COMMAND --help` says of each, and the topics of `creditmill help`.\n")
	root := newRootCommand(newApp(strings.NewReader(""), io.Discard, io.Discard))
	root.InitDefaultHelpCmd()
	var walk func(*cobra.Command)
	walk = func(command *cobra.Command) {
		if command.Hidden || command.Name() == "help" {
			return
		}
		describe(&page, command)
		for _, below := range command.Commands() {
			walk(below)
		}
	}
	walk(root)
	return page.String()
}

// describe prints the help of a command, without the flags that all have.
func describe(page *strings.Builder, command *cobra.Command) {
	var help bytes.Buffer
	command.SetOut(&help)
	if err := command.Help(); err != nil {
		panic(err) // it is written to memory
	}
	text, _, _ := strings.Cut(help.String(), "\nFlags of all commands:")
	fmt.Fprintf(page, "\n## %s\n\n```text\n%s\n```\n", command.CommandPath(), strings.TrimSpace(text))
}

// settingsPage is every setting of creditmill.yaml.
func settingsPage() string {
	var page strings.Builder
	page.WriteString("# Settings\n\nThe keys of `creditmill.yaml`. `creditmill check` reads the file and says what is " +
		"wrong where. How\n`sources:` are written is in [sources.md](sources.md), and editors know all of it from\n" +
		"`schemas/creditmill.schema.json`.\n\n| key | values | what it is for |\n|---|---|---|\n")
	settings := (&config{}).settings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		shape := settings[name].shape
		kind := strings.ReplaceAll(strings.Trim(fmt.Sprint(shape["type"]), "[]"), " ", " or ")
		if values, ok := shape["enum"]; ok {
			kind = strings.ReplaceAll(strings.Trim(fmt.Sprint(values), "[]"), " ", ", ")
		}
		if kind == "object" {
			kind = "group"
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", name, cell(kind), cell(settings[name].doc))
	}
	return page.String()
}

func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "{{", "&#123;&#123;").Replace(text)
}

// viewsPage is what the warehouse says of the columns of its views.
func viewsPage(t *testing.T) string {
	t.Helper()
	_, w := newProgram(t)
	rows, err := w.Conn().Query(context.Background(), `SELECT t.name, t.comment, c.name, c.type, c.comment
		FROM system.tables AS t INNER JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
		WHERE t.database = currentDatabase() AND t.name LIKE 'v\_%' ORDER BY t.name, c.position`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var page strings.Builder
	page.WriteString("# Views\n\nThe columns of the views that analysts read ([analytics.md](analytics.md)). Times are " +
		"UTC.\n")
	last := ""
	for rows.Next() {
		var view, about, column, kind, comment string
		if err := rows.Scan(&view, &about, &column, &kind, &comment); err != nil {
			t.Fatal(err)
		}
		if view != last {
			fmt.Fprintf(&page, "\n## %s\n\n", view)
			if about != "" {
				fmt.Fprintf(&page, "%s.\n\n", strings.TrimSuffix(cell(about), "."))
			}
			page.WriteString("| column | type | what it is |\n|---|---|---|\n")
			last = view
		}
		fmt.Fprintf(&page, "| %s | `%s` | %s |\n", column, kind, cell(comment))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return page.String()
}
