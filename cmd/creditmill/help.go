package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/creditmill/creditmill/schemas"
)

// helpColumns is how wide the texts of --help run: the width of a terminal that nobody has resized.
const helpColumns = 80

// The groups under which --help lists the commands, in that order.
const (
	groupSetup     = "setup"
	groupLogs      = "logs"
	groupCustomers = "customers"
	groupInvoices  = "invoices"
	groupOperate   = "operate"
	groupHelp      = "help"
)

var groups = []*cobra.Group{
	{ID: groupSetup, Title: "Set up:"},
	{ID: groupLogs, Title: "Usage logs:"},
	{ID: groupCustomers, Title: "Customers and balances:"},
	{ID: groupInvoices, Title: "Invoices:"},
	{ID: groupOperate, Title: "Operate:"},
	{ID: groupHelp, Title: "Help:"},
}

// usageTemplate is cobra's, at helpColumns and without blanks at the ends of lines.
const usageTemplate = `Usage:
{{- if .Runnable}}
  {{.UseLine}}{{end}}
{{- if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}
{{- if .HasExample}}

Examples:
{{.Example}}{{end}}
{{- if .HasAvailableSubCommands}}{{$commands := .Commands}}
{{- if .Groups}}
{{- range $group := .Groups}}

{{$group.Title}}
{{- range $commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
{{entry .Name .NamePadding .Short}}{{end}}{{end}}{{end}}
{{- else}}

Commands:
{{- range $commands}}{{if .IsAvailableCommand}}
{{entry .Name .NamePadding .Short}}{{end}}{{end}}{{end}}{{end}}
{{- if .HasHelpSubCommands}}

Topics:
{{- range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
{{entry .Name .NamePadding .Short}}{{end}}{{end}}{{end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{flags .LocalFlags}}{{end}}
{{- if .HasAvailableInheritedFlags}}

Flags of all commands:
{{flags .InheritedFlags}}{{end}}
{{- if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" tells more about a command.{{end}}
`

const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}
{{end}}{{if or .Runnable .HasSubCommands}}
{{.UsageString}}{{end}}`

func init() {
	cobra.AddTemplateFunc("entry", helpEntry)
	cobra.AddTemplateFunc("flags", helpFlags)
}

// helpEntry is a line of the list of commands; what does not fit goes on below itself.
func helpEntry(name string, padding int, short string) string {
	indent := 2 + padding + 2
	lines := strings.Split(text.WrapSoft(short, helpColumns-indent), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	head := fmt.Sprintf("  %-*s  ", padding, name)
	return head + strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

func helpFlags(flags *pflag.FlagSet) string {
	lines := strings.Split(strings.TrimRight(flags.FlagUsagesWrapped(helpColumns), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// dress gives a verb and those below it what all have: wrapped help, usage errors for mistakes in their arguments, and
// suggestions for misspelt sub-commands.
func dress(verb *cobra.Command) {
	verb.Long = wrapped(verb.Long)
	if check := verb.Args; check != nil {
		verb.Args = func(command *cobra.Command, args []string) error {
			if command.HasAvailableSubCommands() && len(args) > 0 {
				return unknownVerb(command, args[0])
			}
			if check(command, args) == nil {
				return nil
			}
			return wrongArguments(command, args, check)
		}
	}
	for _, below := range verb.Commands() {
		dress(below)
	}
}

// wrongArguments says which argument is one too many, or that one is missing.
func wrongArguments(command *cobra.Command, args []string, check cobra.PositionalArgs) error {
	usage := strings.TrimSuffix(command.UseLine(), " [flags]")
	for taken := len(args) - 1; taken >= 0; taken-- {
		if check(command, args[:taken]) == nil {
			return usagef("unexpected argument %q; usage: %s", args[taken], usage)
		}
	}
	return usagef("missing argument; usage: %s", usage)
}

// wrapped breaks a text at helpColumns. Lines that are indented stay as they are: they are tables and examples.
func wrapped(long string) string {
	lines := strings.Split(long, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, " ") {
			lines[i] = text.WrapSoft(line, helpColumns)
		}
	}
	lines = strings.Split(strings.Join(lines, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func unknownVerb(command *cobra.Command, name string) error {
	var known []string
	for _, below := range command.Commands() {
		if below.IsAvailableCommand() {
			known = append(known, below.Name())
		}
	}
	if near := schemas.Closest(name, known); near != "" {
		return usagef("unknown command %q of %s (did you mean %q?)", name, command.CommandPath(), near)
	}
	return usagef("unknown command %q of %s", name, command.CommandPath())
}

// flagError makes a mistake in a flag a usage error, and names the flag that was likely meant.
func flagError(command *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return &usageError{err: err}
	}
	var known []string
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			known = append(known, flag.Name)
		}
	})
	if near := schemas.Closest(unknown.GetSpecifiedName(), known); near != "" {
		return &usageError{err: fmt.Errorf("%w (did you mean --%s?)", err, near)}
	}
	return &usageError{err: err}
}
