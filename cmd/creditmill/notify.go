package main

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/shopspring/decimal"
)

// Kinds of notices.
const (
	noticeJobFailed    = "job_failed"
	noticeChargeHeld   = "charge_held"
	noticeUnrated      = "model_unrated"
	noticeUsageMissing = "usage_missing"
	noticeAllowance    = "allowance_used"
)

// usageIsLate is how old the newest event may be unless the config says otherwise.
const usageIsLate = 24 * time.Hour

// notice is something that the owner should hear of, once.
type notice struct {
	Kind string `json:"kind" ch:"kind"`
	// Subject is what it is about: a job, a charge, a model, or a customer.
	Subject string `json:"subject" ch:"subject"`
	// About makes it another notice of the same subject: a period and a share, a run, a day.
	About string `json:"about" ch:"about"`
	// Text says it to people.
	Text string `json:"text"`
}

func (n notice) key() [3]string { return [3]string{n.Kind, n.Subject, n.About} }

// noticesAfter are those of what a job leaves, sent ones too.
func (a *app) noticesAfter(ctx context.Context, w *warehouse.Warehouse, job string) ([]notice, error) {
	all, err := a.failureNotices(ctx, w, job)
	if err != nil {
		return nil, err
	}
	for _, report := range a.reports {
		if report.Status == plan.StatusHeld {
			all = append(all, heldNotice(report))
		}
	}
	if job == "load" || job == "aggregate" {
		missing, err := a.missingUsage(ctx, w)
		if err != nil {
			return nil, err
		}
		all = append(all, missing...)
	}
	if job == "aggregate" {
		spend, err := a.spendNotices(ctx, w)
		if err != nil {
			return nil, err
		}
		all = append(all, spend...)
	}
	return all, nil
}

// failureNotices tells that a job failed, once until it did its work again.
func (a *app) failureNotices(ctx context.Context, w *warehouse.Warehouse, name string) ([]notice, error) {
	states, err := warehouse.Select[jobState](ctx, w, "jobs/state.sql", nil)
	if err != nil {
		return nil, err
	}
	for _, state := range states {
		if state.Job != name || state.Status != statusError {
			continue
		}
		since := "it has never done its work"
		about := ""
		if state.SucceededAt != nil {
			about = state.SucceededAt.UTC().Format(time.RFC3339Nano)
			since = "it last did its work at " + state.SucceededAt.UTC().Format(time.RFC3339)
		}
		return []notice{{
			Kind: noticeJobFailed, Subject: name, About: about,
			Text: fmt.Sprintf("The job %s failed: %s; %s.", name, state.Message, since),
		}}, nil
	}
	return nil, nil
}

func heldNotice(report post.Report) notice {
	return notice{
		Kind: noticeChargeHeld, Subject: report.ChargeID,
		Text: fmt.Sprintf("The charge %s of %s, %s, is held: %s.", report.ChargeID, report.CustomerID,
			money.Displayed(report.Currency).Format(report.AmountMinor), report.Reason),
	}
}

// missingUsage tells that no usage has come for too long, once for each newest event.
func (a *app) missingUsage(ctx context.Context, w *warehouse.Warehouse) ([]notice, error) {
	var newest time.Time
	var loads uint64
	if err := w.QueryRow(ctx, "notices/newest_event.sql", nil, &newest, &loads); err != nil || loads == 0 {
		return nil, err
	}
	newest = newest.UTC()
	most := a.config.Notify.UsageMissingAfter
	if most == 0 {
		most = usageIsLate
	}
	if a.now().Sub(newest) <= most {
		return nil, nil
	}
	at := newest.Format(time.RFC3339)
	return []notice{{
		Kind: noticeUsageMissing, Subject: "usage", About: newest.Format(time.RFC3339Nano),
		Text: fmt.Sprintf("No usage has come since %s; see what sends none: creditmill loads.", at),
	}}, nil
}

// spendNotices are of what the latest aggregate found: usage without a price, and allowances that are used.
func (a *app) spendNotices(ctx context.Context, w *warehouse.Warehouse) (all []notice, err error) {
	type unratedRow struct {
		Name   string `ch:"name"`
		Tokens string `ch:"tokens"`
	}
	now := a.now().UTC()
	unrated, err := warehouse.Select[unratedRow](ctx, w, "notices/unrated.sql",
		warehouse.Params{"from": warehouse.Date(now.AddDate(0, -1, 0))})
	if err != nil {
		return nil, err
	}
	for _, row := range unrated {
		all = append(all, notice{
			Kind: noticeUnrated, Subject: row.Name, About: now.Format("2006-01"),
			Text: fmt.Sprintf("%s has no price: %s tokens of the last month hold the charges of their customers.", row.Name,
				row.Tokens),
		})
	}
	type allowanceRow struct {
		CustomerID   string          `ch:"customer_id"`
		CreditSystem string          `ch:"credit_system"`
		PeriodStart  time.Time       `ch:"period_start"`
		Percent      uint8           `ch:"percent"`
		Used         decimal.Decimal `ch:"used"`
		Allowed      decimal.Decimal `ch:"allowed"`
	}
	allowances, err := warehouse.Select[allowanceRow](ctx, w, "notices/allowances.sql", warehouse.Params{"as_of": now})
	for _, row := range allowances {
		start := row.PeriodStart.UTC()
		all = append(all, notice{
			Kind: noticeAllowance, Subject: row.CustomerID,
			About: fmt.Sprintf("%s %s %d", row.CreditSystem, start.Format(time.RFC3339Nano), row.Percent),
			Text: fmt.Sprintf("%s has used %d %% of its %s: %s of %s since %s.", row.CustomerID, row.Percent, row.CreditSystem,
				row.Used, row.Allowed, start.Format(time.RFC3339)),
		})
	}
	return all, err
}
