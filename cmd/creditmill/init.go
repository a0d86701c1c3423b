package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// templates are the files that init writes, under their own names.
//
//go:embed templates
var templates embed.FS

// initFiles are the templates in the order in which they are written and told.
var initFiles = []string{defaultConfigFile, defaultCatalog, "usage.jsonl"}

func newInitCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a first creditmill.yaml, a price book and a sample log",
		Long: "init writes creditmill.yaml, catalog.yaml and usage.jsonl into DIR, or the working directory. It overwrites " +
			"nothing: if one of them is there, none is written.",
		Args: cobra.MaximumNArgs(1),
		// Nothing is read before there is anything to read.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(_ *cobra.Command, args []string) error {
			directory := "."
			if len(args) > 0 {
				directory = args[0]
			}
			return a.runInit(directory)
		},
	}
}

type initResult struct {
	Files []string `json:"files"`
}

func (a *app) runInit(directory string) error {
	for _, name := range initFiles {
		path := filepath.Join(directory, name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("write %s: it is there already; move it away or choose another directory", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	result := initResult{}
	for _, name := range initFiles {
		path := filepath.Join(directory, name)
		if err := writeTemplate(path, name); err != nil {
			return err
		}
		result.Files = append(result.Files, path)
	}
	return a.print(result, func(out io.Writer) error {
		for _, path := range result.Files {
			if _, err := fmt.Fprintln(out, "wrote "+path); err != nil {
				return err
			}
		}
		_, err := fmt.Fprint(out, nextSteps(directory))
		return err
	})
}

// writeTemplate writes a file that must not be there yet, whoever else may be writing.
func writeTemplate(path, name string) error {
	text, err := templates.ReadFile("templates/" + name)
	if err != nil {
		return fmt.Errorf("read template %s: %w", name, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	if _, err = file.Write(text); err != nil {
		err = fmt.Errorf("write template: %w", err)
	}
	return errors.Join(err, file.Close())
}

func nextSteps(directory string) string {
	steps := "\nnext:\n"
	if filepath.Clean(directory) != "." {
		steps += "  cd " + directory + "\n"
	}
	return steps +
		"  creditmill check                              # config and price book\n" +
		"  creditmill load usage.jsonl                   # the sample log\n" +
		"  creditmill aggregate --as-of 2026-10-15\n" +
		"  creditmill balance acme --at 2026-10-15       # 50 of 500 credits left\n"
}
