package main

import "github.com/spf13/cobra"

const exitCodesHelp = `creditmill ends with one of these exit codes.

    0  all was done
    1  an error; nothing is half done, the message says what to do
    2  the command line, config or price book is wrong
    3  done in part: rows were rejected, charges are held or open,
       or prices were left out
   10  the warehouse is not reachable, not migrated or too old
   11  another command writes, or this one slept for so long that its load
       was given up; try again
  130  interrupted by Ctrl-C or SIGTERM

A cron job may run again after 1, 10, 11 and 130. After 2 and 3 a person must look first.
With --json an error is one JSON object on standard error: {"error": {"message": …, "exit_code": …}}.`

const environmentHelp = `creditmill reads these environment variables. A flag has the last word, then
the variable, then the config file.

  CREDITMILL_CONFIG                 as --config
  CREDITMILL_WAREHOUSE              as --warehouse
  CREDITMILL_CATALOG                as --catalog
  CREDITMILL_STRIPE_KEY             the secret or restricted key of Stripe
  STRIPE_API_KEY                    the same, where the former is not set
  CREDITMILL_STRIPE_WEBHOOK_SECRET  the secret of Stripe's webhook endpoint
  CREDITMILL_CLICKHOUSE_PASSWORD    the password of a clickhouse:// warehouse
  CREDITMILL_NOTIFY_URL             as notify.url, the webhook of notices
  CREDITMILL_ENGINE_LIBRARY         the library of the embedded ClickHouse
  TMPDIR                            folder for temporary files
  NO_COLOR                          no colours on the terminal
  GOMEMLIMIT, GOGC                  bounds of creditmill's own memory

Secrets are read from the environment or from files, never from flags: other users of the machine can see flags.`

// newTopics are texts that help shows, beside the commands: creditmill help exit-codes.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp},
		{Use: "environment", Short: "The environment variables that are read", Long: environmentHelp},
	}
}
