package main

import (
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// verbs lists every command. Each lies in the file of its name.
func verbs(a *app) []*cobra.Command {
	return []*cobra.Command{
		newCheckCommand(a),
		newInitCommand(a),
		newLoadCommand(a),
		newLoadsCommand(a),
		newUnloadCommand(a),
		newRejectsCommand(a),
		newRunCommand(a),
		newEngineCommand(a),
		newMigrateCommand(a),
		newSQLCommand(a),
		newStatusCommand(a),
		newVerifyCommand(a),
		newAggregateCommand(a),
		newCustomersCommand(a),
		newAttachCommand(a),
		newCancelCommand(a),
		newGrantCommand(a),
		newGrantsCommand(a),
		newEntitledCommand(a),
		newBalanceCommand(a),
		newWhatifCommand(a),
		newSyncCommand(a),
		newInvoiceCommand(a),
		newExplainCommand(a),
	}
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "creditmill",
		Short: "Turn LLM usage logs into credit spend and post the overage to Stripe",
		Long: "creditmill loads LLM usage logs into ClickHouse, prices them in credits, keeps each customer's balance " +
			"and posts the overage to Stripe.",
		Args: cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return command.Help()
			}
			return unknownVerb(command, args[0])
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			if command == command.Root() || command.Name() == "help" || command.Name() == "init" {
				return nil
			}
			return a.prepare()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.flags.configFile, "config", "", "config file (default creditmill.yaml, where there is one)")
	flags.StringVar(&a.flags.warehouse, "warehouse", "", "embedded:DIR or clickhouse://user:password@host:9000/database")
	flags.StringVar(&a.flags.catalog, "catalog", "", "price book (default catalog.yaml)")
	flags.BoolVar(&a.flags.json, "json", false, "print JSON")
	flags.BoolVar(&a.flags.quiet, "quiet", false, "print results and errors only")
	flags.BoolVar(&a.flags.verbose, "verbose", false, "log each step on stderr")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err: err} })
	for _, verb := range verbs(a) {
		dress(verb)
		root.AddCommand(verb)
	}
	return root
}

func unknownVerb(root *cobra.Command, name string) error {
	root.SuggestionsMinimumDistance = 2
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return usagef("unknown command %q (did you mean %q?)", name, near[0])
	}
	return usagef("unknown command %q", name)
}

// helpColumns is how wide the texts of --help run.
const helpColumns = 100

// dress wraps the help of a verb and those below it, and makes mistakes in their arguments usage errors.
func dress(verb *cobra.Command) {
	verb.Long = text.WrapSoft(verb.Long, helpColumns)
	if check := verb.Args; check != nil {
		verb.Args = func(command *cobra.Command, args []string) error {
			if err := check(command, args); err != nil {
				return &usageError{err: err}
			}
			return nil
		}
	}
	for _, below := range verb.Commands() {
		dress(below)
	}
}
