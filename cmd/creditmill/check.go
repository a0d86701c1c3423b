package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/reprice"
	"github.com/creditmill/creditmill/schemas"
)

// checkFlags are those of check.
type checkFlags struct{ against, asOf string }

func newCheckCommand(a *app) *cobra.Command {
	var flags checkFlags
	command := &cobra.Command{
		Use:   "check",
		Short: "Report all mistakes in the config, the price book and the sources",
		Long: "check reads creditmill.yaml, its sources, their customer maps and the catalog, and prints every mistake " +
			"with its file, line and column, on stderr, or as JSON on stdout. A warning is not a mistake. It exits with 2 if " +
			"there is a mistake.\n\n" +
			"With --against it checks the other catalog too and shows, from the usage in the warehouse, what changing the " +
			"price book to it would do to each customer's last closed and open period. Periods that were charged stay " +
			"charged; the difference would be an adjustment.",
		Example: "  creditmill check\n  creditmill check --against next.yaml",
		Args:    cobra.NoArgs,
		// A config with mistakes is not refused but reported, with those of the other files.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(command *cobra.Command, _ []string) error { return a.runCheck(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.against, "against", "", "show what changing to this catalog would do")
	command.Flags().StringVar(&flags.asOf, "as-of", "", "with --against: count the usage before this time (default now)")
	return command
}

type checkResult struct {
	OK       bool             `json:"ok"`
	Problems schemas.Problems `json:"problems"`
	Against  *repriceResult   `json:"against,omitempty"`
}

func (a *app) runCheck(ctx context.Context, flags checkFlags) error {
	problems, read := a.checkConfig()
	catalogFile := read.Catalog
	catalog, found := checkCatalog(catalogFile)
	problems = append(problems, found...)
	problems = append(problems, untaxed(read, catalog)...)
	query := reprice.Query{Before: catalog, Latest: true}
	if flags.against != "" {
		query.After, found = checkCatalog(flags.against)
		problems = append(problems, found...)
	}

	if !a.flags.json {
		for _, problem := range problems {
			sayf(a.stderr, "%s\n", problem.Error())
		}
	}
	mistakes := len(problems.Errors())
	result := checkResult{OK: mistakes == 0, Problems: problems}
	var repricing reprice.Repricing
	if result.OK && flags.against != "" {
		var err error
		if repricing, err = a.checkAgainst(ctx, query, flags.asOf); err != nil {
			return err
		}
		result.Against = newRepriceResult(catalogFile, flags.against, repricing)
	}
	err := a.print(result, func(out io.Writer) error {
		if !result.OK {
			return nil
		}
		_, err := fmt.Fprintf(out, "ok: %s (features: %d, credit systems: %d, products: %d)\n",
			catalogFile, len(catalog.Features), len(catalog.CreditSystems), len(catalog.Products))
		if err == nil && result.Against != nil {
			err = writeAgainst(out, repricing, flags.against)
		}
		return err
	})
	if err == nil && !result.OK {
		return usagef("mistakes found: %d", mistakes)
	}
	return errors.Join(err, problemsError(customerProblems(repricing.Problems)))
}

// checkAgainst reads the warehouse, as check alone does not.
func (a *app) checkAgainst(
	ctx context.Context, query reprice.Query, asOf string,
) (repricing reprice.Repricing, err error) {
	if err := a.prepare(); err != nil {
		return reprice.Repricing{}, err
	}
	if query.AsOf, err = a.asOf("as-of", asOf); err != nil {
		return reprice.Repricing{}, err
	}
	// A period lasts a year at most, or never ends: the last closed one of a customer ended within the last year.
	query.From = query.AsOf.AddDate(-1, 0, -1)
	return a.reprice(ctx, query)
}

func writeAgainst(w io.Writer, repricing reprice.Repricing, other string) error {
	_, err := fmt.Fprintf(w, "\nwith %s, each customer's last closed period:\n", other)
	if err == nil {
		err = writeRepricing(w, repricing, reprice.SpanClosed)
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "\nand the open one, up to %s:\n", repricing.AsOf.Format(time.RFC3339))
	}
	if err == nil {
		err = writeRepricing(w, repricing, reprice.SpanOpen)
	}
	return err
}

// untaxed warns of products without tax where Stripe is to compute it: their charges are held.
func untaxed(read *config, catalog *schemas.Catalog) schemas.Problems {
	if catalog == nil || read.Invoice.AutomaticTax == nil || !*read.Invoice.AutomaticTax {
		return nil
	}
	var problems schemas.Problems
	for _, id := range catalog.Untaxed() {
		problems = append(problems, schemas.Problem{
			File: read.Catalog, Warning: true, Message: fmt.Sprintf("invoice.automatic_tax is on, and product %q does not say "+
				"how its overage is taxed: its charges are held", id),
		})
	}
	return problems
}

// checkConfig returns what is wrong with the config file and its sources, and what it says.
func (a *app) checkConfig() (problems schemas.Problems, read *config) {
	problems = schemas.Problems{}
	read = &config{Catalog: defaultCatalog}
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
	return problems, read
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
