// Package ledger is what the warehouse keeps of invoicing: frozen plans and charges, the events of each charge and what
// they say together (Fold), closed time, rebills and releases. Rows are only ever added. Verify and VerifyPlans hold it
// against itself and against the raw events, Show tells of it.
//
// It knows plans and charges. It never knows Stripe: what Stripe answered is written here by who asked.
package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Events returns the events of the charges, in no particular order that matters.
func (l Ledger) Events(ctx context.Context, chargeIDs []string) ([]Event, error) {
	rows, err := warehouse.Select[eventRow](ctx, l.Warehouse, "invoice/events.sql",
		warehouse.Params{"charge_ids": chargeIDs})
	if err != nil {
		return nil, fmt.Errorf("read charge events: %w", err)
	}
	events := make([]Event, 0, len(rows))
	for _, row := range rows {
		events = append(events, Event{
			ChargeID: row.ChargeID, Step: row.Step, Epoch: row.Epoch, Kind: row.Kind, At: row.At.UTC(), RunID: row.RunID,
			HTTPStatus: int(row.HTTPStatus), StripeID: row.StripeID, RequestID: row.RequestID,
			Replayed: row.Replayed == 1, ErrCode: row.ErrCode, AmountMinor: row.AmountMinor,
		})
	}
	return events, nil
}

// Append writes events down; they are on disk when it returns.
func (l Ledger) Append(ctx context.Context, events ...Event) error {
	table, err := ext.NewTable("new_events",
		ext.Column("charge_id", "String"), ext.Column("step", "String"), ext.Column("epoch", "UInt32"),
		ext.Column("kind", "String"), ext.Column("at", "DateTime64(3, 'UTC')"), ext.Column("run_id", "String"),
		ext.Column("http_status", "UInt16"), ext.Column("stripe_id", "String"), ext.Column("request_id", "String"),
		ext.Column("replayed", "UInt8"), ext.Column("err_code", "String"), ext.Column("amount_minor", "Int64"))
	if err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	for _, event := range events {
		err := table.Append(event.ChargeID, event.Step, event.Epoch, event.Kind, event.At.UTC(), event.RunID,
			uint16(event.HTTPStatus), event.StripeID, event.RequestID, bit(event.Replayed), event.ErrCode,
			event.AmountMinor)
		if err != nil {
			return fmt.Errorf("append %s of charge %s: %w", event.Kind, event.ChargeID, err)
		}
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(table))
	if err := l.Warehouse.Exec(ctx, "invoice/append_events.sql", nil); err != nil {
		return fmt.Errorf("append %d events, %s of charge %s first: %w", len(events), events[0].Kind,
			events[0].ChargeID, err)
	}
	return nil
}

// Charges returns every charge that was ever frozen for an account and mode, with its state, sorted by id.
// One that cannot be read says so by itself. In a new warehouse the statement takes longer to plan than anything else,
// so it is first asked whether there is any charge.
func (l Ledger) Charges(ctx context.Context, account string, livemode bool) ([]plan.FrozenCharge, error) {
	var isAny bool
	if err := l.Warehouse.QueryRow(ctx, "invoice/any_charges.sql", nil, &isAny); err != nil || !isAny {
		return []plan.FrozenCharge{}, err
	}
	rows, err := warehouse.Select[chargeRow](ctx, l.Warehouse, "invoice/charges.sql",
		warehouse.Params{"stripe_account": account, "livemode": bit(livemode)})
	if err != nil {
		return nil, fmt.Errorf("read frozen charges: %w", err)
	}
	charges := make([]plan.FrozenCharge, 0, len(rows))
	for _, row := range rows {
		charge, err := row.charge()
		if err != nil { // it holds its own customer alone
			charge.Unreadable = err.Error()
		}
		charges = append(charges, charge)
	}
	return charges, l.markVoid(ctx, charges)
}

// Accounts are those for which charges were ever frozen: a plan made without a key is one of them.
func Accounts(ctx context.Context, w *warehouse.Warehouse) ([]Account, error) {
	type accountRow struct {
		ID       string `ch:"stripe_account"`
		Livemode uint8  `ch:"livemode"`
	}
	rows, err := warehouse.Select[accountRow](ctx, w, "invoice/accounts.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read Stripe accounts: %w", err)
	}
	accounts := make([]Account, 0, len(rows))
	for _, row := range rows {
		accounts = append(accounts, Account{ID: row.ID, Livemode: row.Livemode == 1})
	}
	return accounts, nil
}

// Freeze writes down the plan, the time that it closes and its charges, in this order: time whose charge is missing is
// not closed, and a charge is never without the time that it closed.
func (l Ledger) Freeze(
	ctx context.Context, frozen FrozenPlan, account Account, stretches []plan.Closing, charges []plan.FrozenCharge,
) error {
	err := l.Warehouse.Exec(ctx, "invoice/freeze_plan.sql", warehouse.Params{
		"plan_sha": frozen.SHA, "as_of": frozen.AsOf, "catalog_sha": frozen.CatalogSHA, "loads": frozen.Loads,
		"body": string(frozen.Body), "inputs": string(frozen.Inputs), "run_id": frozen.RunID, "frozen_at": frozen.FrozenAt,
	})
	if err != nil {
		return fmt.Errorf("freeze plan %s: %w", frozen.SHA, err)
	}
	if err := l.close(ctx, account, stretches); err != nil || len(charges) == 0 {
		return err
	}
	return l.freezeCharges(ctx, charges)
}

// freezeCharges writes charges down, each with its revision.
func (l Ledger) freezeCharges(ctx context.Context, charges []plan.FrozenCharge) error {
	batch, err := l.Warehouse.Conn().PrepareBatch(l.Warehouse.Marked(ctx), statement("invoice/freeze_charges.sql"))
	if err != nil {
		return fmt.Errorf("freeze charges: %w", err)
	}
	defer batch.Close()
	for _, charge := range charges {
		lines, err := plan.Canonical(charge.Lines)
		if err != nil {
			return fmt.Errorf("freeze lines of charge %s: %w", charge.ID, err)
		}
		err = batch.Append(
			charge.ID, charge.Revision, charge.PlanSHA, charge.CustomerID, charge.StripeCustomer, charge.StripeAccount,
			bit(charge.Livemode), charge.Product, charge.CreditSystem, charge.Kind, charge.PeriodStart, charge.PeriodEnd,
			charge.Currency, charge.BillableCredits, charge.BilledCredits, charge.AmountExact.String(), charge.AmountMinor,
			charge.Residual.String(), string(lines), charge.Mode, charge.Target, string(charge.Request),
			plan.Hash(charge.Request), charge.RunID, charge.FrozenAt)
		if err != nil {
			return fmt.Errorf("freeze charge %s: %w", charge.ID, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("freeze charges: %w", err)
	}
	return nil
}

// Refreeze writes down another way for a charge and reads back which holds: of two runs that do so both take the same.
func (l Ledger) Refreeze(ctx context.Context, charge plan.FrozenCharge) (plan.FrozenCharge, error) {
	params := warehouse.Params{"charge_id": charge.ID}
	if err := l.Warehouse.QueryRow(ctx, "invoice/last_revision.sql", params, &charge.Revision); err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("read revision of charge %s: %w", charge.ID, err)
	}
	charge.Revision++
	if err := l.freezeCharges(ctx, []plan.FrozenCharge{charge}); err != nil {
		return plan.FrozenCharge{}, err
	}
	rows, err := warehouse.Select[chargeRow](ctx, l.Warehouse, "invoice/explain_charge.sql", params)
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("read back charge %s: %w", charge.ID, err)
	}
	if len(rows) != 1 {
		return plan.FrozenCharge{}, fmt.Errorf("read back charge %s: it is not there: %w", charge.ID, plan.ErrInvariant)
	}
	return rows[0].charge()
}

// Loads are the loads that count now.
func (l Ledger) Loads(ctx context.Context) ([]uint64, error) {
	var loads []uint64
	if err := l.Warehouse.QueryRow(ctx, "invoice/committed_loads.sql", nil, &loads); err != nil {
		return nil, fmt.Errorf("read committed loads: %w", err)
	}
	return loads, nil
}

// FrozenPlan is a plan as it is written down, with what it was made from.
type FrozenPlan struct {
	SHA        string
	AsOf       time.Time
	CatalogSHA string
	Loads      []uint64
	Body       []byte
	Inputs     []byte
	RunID      string
	FrozenAt   time.Time
}

type eventRow struct {
	ChargeID    string    `ch:"charge_id"`
	Step        string    `ch:"step"`
	Epoch       uint32    `ch:"epoch"`
	Kind        string    `ch:"kind"`
	At          time.Time `ch:"at"`
	RunID       string    `ch:"run_id"`
	HTTPStatus  uint16    `ch:"http_status"`
	StripeID    string    `ch:"stripe_id"`
	RequestID   string    `ch:"request_id"`
	Replayed    uint8     `ch:"replayed"`
	ErrCode     string    `ch:"err_code"`
	AmountMinor int64     `ch:"amount_minor"`
}

type chargeRow struct {
	ChargeID        string          `ch:"charge_id"`
	PlanSHA         string          `ch:"plan_sha"`
	CustomerID      string          `ch:"customer_id"`
	StripeCustomer  string          `ch:"stripe_customer"`
	StripeAccount   string          `ch:"stripe_account"`
	Livemode        uint8           `ch:"livemode"`
	Product         string          `ch:"product"`
	CreditSystem    string          `ch:"credit_system"`
	Kind            string          `ch:"kind"`
	PeriodStart     time.Time       `ch:"period_start"`
	PeriodEnd       time.Time       `ch:"period_end"`
	Currency        string          `ch:"currency"`
	BillableCredits decimal.Decimal `ch:"billable_credits"`
	BilledCredits   decimal.Decimal `ch:"billed_credits"`
	AmountExact     string          `ch:"amount_exact"`
	AmountMinor     int64           `ch:"amount_minor"`
	Residual        string          `ch:"residual"`
	Lines           string          `ch:"lines"`
	Mode            string          `ch:"mode"`
	Target          string          `ch:"target"`
	Request         string          `ch:"request_body"`
	BodySHA         string          `ch:"body_sha"`
	RunID           string          `ch:"run_id"`
	FrozenAt        time.Time       `ch:"frozen_at"`
	State           string          `ch:"state"`
	StripeID        string          `ch:"stripe_id"`
	PostedMinor     int64           `ch:"posted_minor"`
}

// charge is the row as a charge. With an error it holds what could be read.
func (r chargeRow) charge() (plan.FrozenCharge, error) {
	var lines []plan.Line
	exact, exactErr := decimal.NewFromString(r.AmountExact)
	residual, residualErr := decimal.NewFromString(r.Residual)
	linesErr := json.Unmarshal([]byte(r.Lines), &lines)
	_, currencyErr := money.LookupCurrency(r.Currency)
	var err error
	switch {
	case currencyErr != nil:
		err = fmt.Errorf("read currency of charge %s: %w", r.ChargeID, currencyErr)
	case exactErr != nil:
		err = fmt.Errorf("read exact amount of charge %s: %w", r.ChargeID, exactErr)
	case residualErr != nil:
		err = fmt.Errorf("read residual of charge %s: %w", r.ChargeID, residualErr)
	case linesErr != nil:
		err = fmt.Errorf("read lines of charge %s: %w", r.ChargeID, linesErr)
	case plan.Hash([]byte(r.Request)) != r.BodySHA:
		err = fmt.Errorf("charge %s: its request is not the one that was frozen: %w", r.ChargeID, plan.ErrInvariant)
	}
	group := plan.FrozenGroup([]byte(r.Request))
	return plan.FrozenCharge{
		Charge: plan.Charge{
			ID: r.ChargeID, CustomerID: r.CustomerID, StripeCustomer: r.StripeCustomer, Product: r.Product,
			CreditSystem: r.CreditSystem, Kind: r.Kind, PeriodStart: r.PeriodStart.UTC(), PeriodEnd: r.PeriodEnd.UTC(),
			Currency: r.Currency, BillableCredits: r.BillableCredits, BilledCredits: r.BilledCredits, AmountExact: exact,
			AmountMinor: r.AmountMinor, Residual: residual, Lines: lines, Tax: plan.FrozenTax([]byte(r.Request)),
			Group: group, PartOf: group.Head(),
		},
		PlanSHA: r.PlanSHA, StripeAccount: r.StripeAccount, Livemode: r.Livemode == 1, Mode: r.Mode, Target: r.Target,
		Request: []byte(r.Request), RunID: r.RunID, FrozenAt: r.FrozenAt.UTC(), State: r.State, StripeID: r.StripeID,
		PostedMinor: r.PostedMinor,
	}, err
}

// IncompleteLoads are files that did not come in. What such a file would have held is not known, so it holds every
// period that began before it was tried.
func (l Ledger) IncompleteLoads(ctx context.Context) ([]plan.Gap, error) {
	type row struct {
		File      string    `ch:"file"`
		LoadSeq   uint64    `ch:"load_seq"`
		Status    string    `ch:"status"`
		StartedAt time.Time `ch:"started_at"`
	}
	rows, err := warehouse.Select[row](ctx, l.Warehouse, "invoice/incomplete_loads.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read incomplete loads: %w", err)
	}
	var gaps []plan.Gap
	for _, row := range rows {
		id := schemas.LoadID(row.LoadSeq)
		reason := fmt.Sprintf("load %s of %s is %s: load the file, dismiss it with `creditmill loads dismiss %[1]s "+
			"--reason …`, or give --accept-gaps", id, row.File, row.Status)
		if row.Status == "loading" {
			reason = fmt.Sprintf("load %s of %s is not done yet", id, row.File)
		}
		gaps = append(gaps, plan.Gap{Until: row.StartedAt.UTC(), Reason: reason})
	}
	return gaps, nil
}

// Charge is a frozen charge as it holds; found is false where none of the id is frozen.
func (l Ledger) Charge(ctx context.Context, id string) (charge plan.FrozenCharge, found bool, err error) {
	rows, err := warehouse.Select[chargeRow](ctx, l.Warehouse, "invoice/explain_charge.sql",
		warehouse.Params{"charge_id": id})
	if err != nil {
		return plan.FrozenCharge{}, false, fmt.Errorf("read charge %s: %w", id, err)
	}
	if len(rows) == 0 {
		return plan.FrozenCharge{}, false, nil
	}
	charge, err = rows[0].charge()
	return charge, true, err
}

// OfPeriod reads all frozen charges of a charge's period, oldest first.
func (l Ledger) OfPeriod(ctx context.Context, charge plan.Charge, account Account) ([]plan.FrozenCharge, error) {
	rows, err := warehouse.Select[chargeRow](ctx, l.Warehouse, "invoice/explain_period.sql", warehouse.Params{
		"customer_id": charge.CustomerID, "credit_system": charge.CreditSystem, "period_start": charge.PeriodStart,
		"period_end": charge.PeriodEnd, "stripe_account": account.ID, "livemode": bit(account.Livemode),
	})
	if err != nil {
		return nil, fmt.Errorf("read charges of the period of charge %s: %w", charge.ID, err)
	}
	charges := make([]plan.FrozenCharge, 0, len(rows))
	for _, row := range rows {
		frozen, err := row.charge()
		if err != nil {
			return nil, err
		}
		charges = append(charges, frozen)
	}
	return charges, l.markVoid(ctx, charges)
}
