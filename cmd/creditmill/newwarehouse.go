package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// writingCommands are those whose first run in the wrong folder would leave figures or tokens there, or a backup of
// nothing.
var writingCommands = []string{
	"creditmill load", "creditmill aggregate", "creditmill run", "creditmill customers import", "creditmill attach",
	"creditmill cancel", "creditmill grant", "creditmill revoke", "creditmill sync", "creditmill invoice post",
	"creditmill serve", "creditmill token create", "creditmill backup", "creditmill costs load", "creditmill forget",
}

// consentToNewWarehouse asks before a command makes a warehouse in a folder where nothing says that there should be
// one: it may be the wrong folder, and the figures of an empty warehouse look like those of customers who used nothing.
// Commands that only read are not asked about: what they print shows that there is nothing.
func (a *app) consentToNewWarehouse(ctx context.Context) error {
	folder, embedded := strings.CutPrefix(a.config.Warehouse, "embedded:")
	named := !a.writes || a.flags.init || a.config.File != "" || a.flags.warehouse != ""
	if !embedded || named || exists(folder) || exists(a.config.Catalog) {
		return nil
	}
	where, err := filepath.Abs(folder)
	if err != nil {
		where = folder
	}
	if !a.canAsk() {
		return usagef("make a warehouse in %s: there is no creditmill.yaml, price book or data here, so it may be the wrong "+
			"folder; give --init to make one, --warehouse to name another, or write a config with: creditmill init", where)
	}
	return a.consent(ctx, "There is no creditmill.yaml, price book or data here. Make a new warehouse in "+where+"?",
		"nothing was made")
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
