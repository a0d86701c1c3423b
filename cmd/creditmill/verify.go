package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/aggregate/verify"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/warehouse"
)

func newVerifyCommand(a *app) *cobra.Command {
	var flags verifyFlags
	command := &cobra.Command{
		Use:   "verify",
		Short: "Recount and recompute everything that is stored and name what is wrong",
		Long: "verify recounts every load from its rows, adds the rollup up again, looks for events that count twice, " +
			"holds balances and charges against their rules, and recomputes the figures of the last aggregate from the " +
			"raw events. It changes nothing and may take as long as the first aggregate did.\n\n" +
			"With --deep it first reads every file and holds it against its checksum.\n\n" +
			"It exits with 1 when something is wrong. What Stripe holds is compared by invoice reconcile.",
		Example: "  creditmill verify\n  creditmill verify --invoices --json",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runVerify(command.Context(), flags) },
	}
	command.Flags().BoolVar(&flags.plans, "invoices", false,
		"also make every frozen plan again from its raw events and compare it byte for byte")
	command.Flags().BoolVar(&flags.deep, "deep", false,
		"also read every stored file against its checksum, and make the hash of every event's id again")
	command.Flags().BoolVar(&flags.setAside, "set-aside", false,
		"let ClickHouse start without its damaged files, where it refuses to start with them; what is missing is named")
	command.Flags().BoolVar(&flags.acceptLoss, "accept-loss", false,
		"take what is stored now as all that there must be, where nothing brings the missing rows back; say it once")
	return command
}

type verifyFlags struct{ plans, deep, setAside, acceptLoss bool }

// verifyResult is the JSON of verify.
type verifyResult struct {
	OK     bool             `json:"ok"`
	Checks []findings.Check `json:"checks"`
}

// errVerify is returned when verify found something wrong.
var errVerify = errors.New("what is stored does not hold together; the checks above say where")

func (a *app) runVerify(ctx context.Context, flags verifyFlags) error {
	a.setAside = flags.setAside
	w, err := a.warehouseAsItIs(ctx)
	if err != nil {
		return err
	}
	if flags.acceptLoss {
		if err := a.acceptLoss(ctx, w); err != nil {
			return err
		}
	}
	progress := verifyProgress{app: a}
	checks, unread := a.verifyAll(ctx, w, flags, progress.begin)
	progress.stop()
	if unread != nil && !errors.Is(unread, warehouse.ErrDamaged) {
		return unread
	}
	result := verifyResult{OK: unread == nil, Checks: checks}
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
	return errors.Join(err, unread)
}

// acceptLoss names what is given up. The lock is taken without clearing away what a killed load left: a load that lost
// its commit looks like one.
func (a *app) acceptLoss(ctx context.Context, w *warehouse.Warehouse) error {
	release, err := w.Lock(ctx, warehouse.WriterLock)
	if err != nil {
		return err
	}
	defer release()
	lost, err := w.AcceptLoss(ctx)
	for _, damage := range lost {
		a.note("accepted: %s", damage)
	}
	return err
}

// verifyAll returns what was found up to the first error: over a damaged file no further check makes sense.
func (a *app) verifyAll(
	ctx context.Context, w *warehouse.Warehouse, flags verifyFlags, begin func(check string, rows uint64),
) ([]findings.Check, error) {
	worker := a.newAggregator(w)
	checks, err := verify.Files(ctx, w, flags.deep, begin)
	if err != nil {
		return checks, err
	}
	figures, err := verify.Figures(ctx, w, worker, begin)
	checks = append(checks, figures...)
	if err != nil {
		return checks, err
	}
	charges, err := ledger.Verify(ctx, w, begin)
	checks = append(checks, charges...)
	if err != nil || !flags.plans {
		return checks, err
	}
	recomputed, err := ledger.VerifyPlans(ctx, w, worker, begin)
	return append(checks, recomputed), err
}

func printChecks(out io.Writer, checks []findings.Check) {
	t := newTable(out, "check", "rows", "result")
	for _, check := range checks {
		result := "ok"
		if !check.OK {
			result = fmt.Sprintf("%d wrong", min(len(check.Problems), findings.MostProblems))
		}
		if len(check.Problems) > findings.MostProblems {
			result = fmt.Sprintf("more than %d wrong", findings.MostProblems)
		}
		if check.Note != "" {
			result += " (" + check.Note + ")"
		}
		t.AppendRow(table.Row{check.Name, check.LookedAt, result})
	}
	t.Render()
	for _, check := range checks {
		for _, problem := range check.Problems {
			sayf(out, "%s: %s\n", check.Name, problem)
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
