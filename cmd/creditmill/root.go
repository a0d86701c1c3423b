package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"
)

// verbs lists every command under the heading it has in --help. Each is in the file of its name.
func verbs(a *app) map[string][]*cobra.Command {
	return map[string][]*cobra.Command{
		groupSetup: {newInitCommand(a), newCheckCommand(a), newCatalogCommand(a), newMigrateCommand(a)},
		groupLogs: {
			newLoadCommand(a), newLoadsCommand(a), newUnloadCommand(a), newRejectsCommand(a), newSourcesCommand(a),
			newAggregateCommand(a), newExpireCommand(a), newForgetCommand(a),
		},
		groupCustomers: {
			newCustomersCommand(a), newAttachCommand(a), newCancelCommand(a), newGrantCommand(a), newGrantsCommand(a),
			newRevokeCommand(a), newEntitledCommand(a), newBalanceCommand(a), newSyncCommand(a),
		},
		groupInvoices: {
			newInvoiceCommand(a), newExplainCommand(a), newWhatifCommand(a), newExportCommand(a),
			newCostsCommand(a), newReconcileUsageCommand(a), newMarginCommand(a),
		},
		groupOperate: {
			newRunCommand(a), newServeCommand(a), newTokenCommand(a), newStatusCommand(a), newVerifyCommand(a),
			newBackupCommand(a), newRestoreCommand(a), newSQLCommand(a), newEngineCommand(a),
		},
		groupHelp: {newVersionCommand(a), newManCommand(a)},
	}
}

func newRootCommand(a *app) *cobra.Command {
	showVersion := false
	root := &cobra.Command{
		Use:   "creditmill",
		Short: "Turn LLM usage logs into credit spend and post the overage to Stripe",
		Long: "creditmill loads LLM usage logs into ClickHouse, prices them in credits, keeps each customer's balance " +
			"and posts the overage to Stripe.",
		Args: cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return unknownVerb(command, args[0])
			case showVersion:
				return a.runVersion(command.Context())
			default:
				return command.Help()
			}
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			completing := command.HasParent() && command.Parent().Name() == "completion"
			if command == command.Root() || command.Name() == "help" || completing {
				return nil
			}
			a.writes = slices.Contains(writingCommands, command.CommandPath())
			return a.prepare()
		},
	}
	root.Flags().BoolVarP(&showVersion, "version", "v", false, "print the version, the commit and the engine's version")
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.flags.configFile, "config", os.Getenv("CREDITMILL_CONFIG"),
		"config file (default creditmill.yaml, if there is one)")
	flags.StringVar(&a.flags.warehouse, "warehouse", os.Getenv("CREDITMILL_WAREHOUSE"),
		"embedded:DIR or clickhouse://user:password@host:9000/database")
	flags.StringVar(&a.flags.catalog, "catalog", os.Getenv("CREDITMILL_CATALOG"), "price book (default catalog.yaml)")
	flags.BoolVar(&a.flags.json, "json", false, "print JSON")
	flags.BoolVar(&a.flags.quiet, "quiet", false, "print results and errors only")
	flags.BoolVar(&a.flags.init, "init", false, "make a warehouse where there is no config, price book or data yet")
	flags.BoolVar(&a.flags.verbose, "verbose", false, "log each step on stderr")
	root.SetFlagErrorFunc(flagError)
	root.Long = wrapped(root.Long)
	root.AddGroup(groups...)
	all := verbs(a)
	for _, group := range groups {
		for _, verb := range all[group.ID] {
			dress(verb)
			verb.GroupID = group.ID
			root.AddCommand(verb)
		}
	}
	for _, topic := range newTopics() {
		topic.Long = wrapped(topic.Long)
		root.AddCommand(topic)
	}
	root.SetHelpCommandGroupID(groupHelp)
	root.SetCompletionCommandGroupID(groupHelp)
	root.InitDefaultCompletionCmd()
	return root
}
