package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/schemas"
)

// completer lists the words that may stand at a place of the command line.
type completer = cobra.CompletionFunc

// choices completes with a fixed list.
func choices(list ...string) completer {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// completeSources completes with the sources of the config and the built-in ones. A config that cannot be read
// completes nothing: a shell has no place for the reason.
func (a *app) completeSources(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	if a.prepare() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sources, _ := schemas.ParseSources(a.config.File, a.config.Text)
	var names []string
	for _, source := range sources {
		names = append(names, source.ID)
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeProducts completes an argument with the products of the catalog, where it is the argument of that number.
func (a *app) completeProducts(place int) completer {
	return a.completeFromCatalog(place, func(book *schemas.Catalog) (names []string) {
		for _, product := range book.Products {
			names = append(names, product.ID)
		}
		return names
	})
}

// completeFeatures completes an argument with the features and models of the catalog.
func (a *app) completeFeatures(place int) completer {
	return a.completeFromCatalog(place, func(book *schemas.Catalog) (names []string) {
		for _, feature := range book.Features {
			names = append(append(names, feature.ID), feature.Models...)
		}
		return names
	})
}

func (a *app) completeFromCatalog(place int, names func(*schemas.Catalog) []string) completer {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) != place || a.prepare() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		book, err := a.catalog()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(book), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeWith makes a flag of a command complete its values.
func completeWith(command *cobra.Command, flag string, with completer) {
	if err := command.RegisterFlagCompletionFunc(flag, with); err != nil {
		panic(err) // the flag's name is misspelt in this program
	}
}
