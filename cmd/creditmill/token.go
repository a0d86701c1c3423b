package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/serve"
)

func newTokenCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke the tokens of the HTTP API",
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	var role, expires string
	create := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Make a token and print it, once",
		Long: "create prints a token that opens the HTTP API of creditmill serve. It is printed once: only its hash " +
			"is stored. Roles: gateway (entitled, events), uploader (loads), analyst (no endpoint yet), finance " +
			"(reads customers, previews, charges), approver (the same, and approves, holds, releases, posts), admin " +
			"(everything).",
		Example: "  creditmill token create gateway-1 --role gateway\n" +
			"  creditmill token create anna --role approver --expires 2027-01-01",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runTokenCreate(command.Context(), args[0], role, expires)
		},
	}
	create.Flags().StringVar(&role, "role", "", strings.Join(serve.Roles, ", ")+"; required")
	create.Flags().StringVar(&expires, "expires", "", "when it ends (default never)")
	completeWith(create, "role", choices(serve.Roles...))
	command.AddCommand(create, &cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Args: cobra.NoArgs,
		Example: "  creditmill token list",
		RunE:    func(command *cobra.Command, _ []string) error { return a.runTokenList(command.Context()) },
	}, &cobra.Command{
		Use: "revoke NAME", Short: "End a token", Args: cobra.ExactArgs(1),
		Long:    "revoke ends a token: after five seconds it opens nothing any more.",
		Example: "  creditmill token revoke gateway-1",
		RunE: func(command *cobra.Command, args []string) error {
			return a.runTokenRevoke(command.Context(), args[0])
		},
	})
	return command
}

// tokenResult is the JSON of token create.
type tokenResult struct {
	Secret string `json:"token"`
	serve.Token
}

func (a *app) runTokenCreate(ctx context.Context, name, role, expires string) error {
	if problem := schemas.NameProblem([]byte(name)); problem != "" {
		return usagef("create token %q: its name %s", name, problem)
	}
	token := serve.Token{Name: name, Role: role, CreatedAt: a.now().UTC().Truncate(time.Millisecond)}
	ends, err := a.parseTime("expires", expires)
	if err != nil {
		return err
	}
	switch {
	case expires == "":
	case !ends.After(token.CreatedAt):
		return usagef("create token %s: --expires %s is over", name, expires)
	default:
		token.ExpiresAt = &ends
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	secret, err := serve.Tokens{Warehouse: w}.Create(ctx, token)
	if err != nil {
		return &usageError{err: err}
	}
	return a.print(tokenResult{Secret: secret, Token: token}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, secret)
		a.note("this is the only time that it is shown; it opens what the role %s may do", role)
		return err
	})
}

func (a *app) runTokenList(ctx context.Context) error {
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	tokens, err := serve.Tokens{Warehouse: w}.List(ctx)
	if err != nil {
		return err
	}
	return a.print(tokens, func(w io.Writer) error {
		t := newTable(w, "name", "role", "created", "expires", "revoked")
		for _, token := range tokens {
			t.AppendRow(table.Row{
				token.Name, token.Role, token.CreatedAt.Format(time.RFC3339), orNever(token.ExpiresAt), orNever(token.RevokedAt),
			})
		}
		t.Render()
		return nil
	})
}

func orNever(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}

func (a *app) runTokenRevoke(ctx context.Context, name string) error {
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	err = serve.Tokens{Warehouse: w}.Revoke(ctx, name, a.now().UTC().Truncate(time.Millisecond))
	if errors.Is(err, serve.ErrToken) {
		return usagef("%w; see: creditmill token list", err)
	}
	if err != nil {
		return err
	}
	return a.print(map[string]string{"revoked": name}, func(w io.Writer) error {
		_, err := writef(w, "token %s is revoked\n", name)
		return err
	})
}
