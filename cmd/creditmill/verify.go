package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice"
)

func newVerifyCommand(a *app) *cobra.Command {
	var plans bool
	command := &cobra.Command{
		Use:   "verify",
		Short: "Recount and recompute everything that is stored and name what is wrong",
		Long: "verify recounts every load from its rows, adds the rollup up again, looks for events that count twice, " +
			"holds balances and charges against their rules, and recomputes the figures of the last aggregate from the " +
			"raw events. It changes nothing and may take as long as the first aggregate did.\n\n" +
			"It exits with 1 when something is wrong. What Stripe holds is compared by invoice reconcile.",
		Example: "  creditmill verify\n  creditmill verify --invoices --json",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runVerify(command.Context(), plans) },
	}
	command.Flags().BoolVar(&plans, "invoices", false,
		"also make every frozen plan again from its raw events and compare it byte for byte")
	return command
}

// verifyResult is the JSON of verify.
type verifyResult struct {
	OK     bool              `json:"ok"`
	Checks []aggregate.Check `json:"checks"`
}

// errVerify is returned when verify found something wrong.
var errVerify = errors.New("what is stored does not hold together; the checks above say where")

func (a *app) runVerify(ctx context.Context, plans bool) error {
	worker, err := a.aggregator(ctx)
	if err != nil {
		return err
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	progress := verifyProgress{app: a}
	defer progress.stop()
	checks, err := worker.Verify(ctx, progress.begin)
	if err != nil {
		return err
	}
	charges, err := invoice.Verify(ctx, w, progress.begin)
	if err != nil {
		return err
	}
	if plans {
		recomputed, err := invoice.VerifyPlans(ctx, w, worker, progress.begin)
		if err != nil {
			return err
		}
		charges = append(charges, recomputed)
	}
	progress.stop()
	result := verifyResult{OK: true, Checks: append(checks, charges...)}
	for _, check := range result.Checks {
		result.OK = result.OK && check.OK
	}
	err = a.print(result, func(out io.Writer) error {
		printChecks(out, result.Checks)
		return nil
	})
	if err == nil && !result.OK {
		err = errVerify
	}
	return err
}

func printChecks(out io.Writer, checks []aggregate.Check) {
	t := newTable(out, "check", "rows", "result")
	for _, check := range checks {
		result := "ok"
		if !check.OK {
			result = fmt.Sprintf("%d wrong", min(len(check.Problems), aggregate.MostProblems))
		}
		if len(check.Problems) > aggregate.MostProblems {
			result = fmt.Sprintf("more than %d wrong", aggregate.MostProblems)
		}
		if check.Note != "" {
			result += " (" + check.Note + ")"
		}
		t.AppendRow(table.Row{check.Name, check.LookedAt, result})
	}
	t.Render()
	for _, check := range checks {
		for _, problem := range check.Problems {
			fmt.Fprintf(out, "%s: %s\n", check.Name, problem)
		}
	}
}

// verifyProgress says on stderr what is being looked at: on a terminal at once, else only when it takes long.
type verifyProgress struct {
	app   *app
	timer *time.Timer
}

const quietChecks = 30 * time.Second

func (p *verifyProgress) begin(check string, rows uint64) {
	p.stop()
	line := "verify: " + check
	if rows > 0 {
		line += ", " + counted(rows, "row")
	}
	if isTerminal(p.app.stderr) {
		p.app.note("%s", line)
		return
	}
	p.timer = time.AfterFunc(quietChecks, func() { p.app.note("%s", line) })
}

func (p *verifyProgress) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
