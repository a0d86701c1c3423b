package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/schemas"
)

func newCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Report all mistakes in the config, the price book and the sources",
		Long: "check reads creditmill.yaml, its sources, their customer maps and the catalog, and prints every mistake " +
			"with its file, line and column, on stderr, or as JSON on stdout. Warnings are no mistakes. It exits with 2 if " +
			"there is a mistake.",
		Args: cobra.NoArgs,
		// A config with mistakes is not refused but reported, with those of the other files.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(*cobra.Command, []string) error { return a.runCheck() },
	}
}

type checkResult struct {
	OK       bool             `json:"ok"`
	Problems schemas.Problems `json:"problems"`
}

func (a *app) runCheck() error {
	problems, catalogFile := a.checkConfig()
	catalog, found := checkCatalog(catalogFile)
	problems = append(problems, found...)

	if !a.flags.json {
		for _, problem := range problems {
			fmt.Fprintln(a.stderr, problem.Error())
		}
	}
	mistakes := len(problems.Errors())
	result := checkResult{OK: mistakes == 0, Problems: problems}
	err := a.print(result, func(out io.Writer) error {
		if !result.OK {
			return nil
		}
		_, err := fmt.Fprintf(out, "ok: %s (features: %d, credit systems: %d, products: %d)\n",
			catalogFile, len(catalog.Features), len(catalog.CreditSystems), len(catalog.Products))
		return err
	})
	if err == nil && !result.OK {
		err = usagef("mistakes found: %d", mistakes)
	}
	return err
}

// checkConfig returns what is wrong with the config file and its sources, and the catalog it names.
func (a *app) checkConfig() (problems schemas.Problems, catalogFile string) {
	problems = schemas.Problems{}
	read := &config{Catalog: defaultCatalog}
	name := a.flags.configFile
	if name == "" {
		name = defaultConfigFile
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.flags.configFile == "":
	case err != nil:
		problems = append(problems, schemas.Problem{File: name, Message: cause(err)})
	default:
		problems = append(problems, read.parse(name, text)...)
		sources, found := schemas.ParseSources(name, text)
		for _, source := range sources {
			found = append(found, source.ReadMaps(os.ReadFile)...)
		}
		problems = append(problems, elsewhere(found, problems)...)
		slices.SortStableFunc(problems, func(a, b schemas.Problem) int {
			return cmp.Or(cmp.Compare(fileOrder(a, name), fileOrder(b, name)), a.Line-b.Line)
		})
	}
	if a.flags.catalog != "" {
		read.Catalog = a.flags.catalog
	}
	return problems, read.Catalog
}

// fileOrder puts what is wrong with the config before what is wrong with the files it names.
func fileOrder(problem schemas.Problem, config string) string {
	if problem.File == config {
		return ""
	}
	return problem.File
}

// elsewhere drops the problems found whose place is known: both readers of the file stumble over broken YAML.
func elsewhere(found, known schemas.Problems) schemas.Problems {
	type place struct {
		file         string
		line, column int
	}
	places := map[place]bool{}
	for _, problem := range known {
		places[place{problem.File, problem.Line, problem.Column}] = true
	}
	var others schemas.Problems
	for _, problem := range found {
		if !places[place{problem.File, problem.Line, problem.Column}] {
			others = append(others, problem)
		}
	}
	return others
}

func checkCatalog(name string) (*schemas.Catalog, schemas.Problems) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, schemas.Problems{{File: name, Message: cause(err) + "; write one with: creditmill init"}}
	}
	return schemas.ParseCatalog(name, text)
}

// cause is an error of the file system without the path, which stands before it.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
