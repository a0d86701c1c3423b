package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/warehouse"
)

// Verify looks whether every frozen charge adds up, is what its plan says, and was posted once with its amount as far
// as the ledger knows. It only reads, and does not ask Stripe. begin is called before each check with its name and the
// rows to look at, 0 where they are not known.
func Verify(
	ctx context.Context, w *warehouse.Warehouse, begin func(check string, rows uint64),
) ([]findings.Check, error) {
	begin("charges", 0)
	rows, err := warehouse.Select[chargeRow](ctx, w, "invoice/verify_charges.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("verify charges: %w", err)
	}
	charges := findings.New("charges")
	for _, row := range rows {
		charges.LookedAt++
		for _, problem := range row.problems() {
			charges.Problem("charge %s of customer %s: %s", row.ChargeID, row.CustomerID, problem)
		}
	}
	begin("plans", 0)
	plans, err := verifyPlans(ctx, w, rows)
	if err != nil {
		return nil, err
	}
	begin("postings", uint64(len(rows)))
	postings, err := verifyPostings(ctx, w, rows)
	if err != nil {
		return nil, err
	}
	return []findings.Check{charges, plans, postings}, nil
}

// problems are what is wrong with a charge by itself.
func (r chargeRow) problems() []string {
	var found []string
	if plan.Hash([]byte(r.Request)) != r.BodySHA {
		found = append(found, "its request is not the one that was frozen")
	}
	var sent struct {
		Item struct {
			Amount   int64  `json:"amount"`
			Currency string `json:"currency"`
		} `json:"item"`
	}
	if err := json.Unmarshal([]byte(r.Request), &sent); err != nil {
		found = append(found, "its request cannot be read")
	} else if sent.Item.Amount != r.AmountMinor || sent.Item.Currency != r.Currency {
		found = append(found, fmt.Sprintf("its request says %d %s, the charge %d %s",
			sent.Item.Amount, sent.Item.Currency, r.AmountMinor, r.Currency))
	}
	var lines []plan.Line
	if err := json.Unmarshal([]byte(r.Lines), &lines); err != nil {
		return append(found, "its lines cannot be read")
	}
	var sum int64
	for _, line := range lines {
		sum += line.AmountMinor
	}
	if sum != r.AmountMinor {
		found = append(found, fmt.Sprintf("lines add up to %d, the charge is %d", sum, r.AmountMinor))
	}
	currency, err := money.LookupCurrency(r.Currency)
	if err != nil {
		return append(found, err.Error())
	}
	exact, exactErr := decimal.NewFromString(r.AmountExact)
	residual, residualErr := decimal.NewFromString(r.Residual)
	switch {
	case exactErr != nil || residualErr != nil:
		found = append(found, "its exact amount or residual cannot be read")
	case !currency.FromMinor(r.AmountMinor).Sub(exact).Equal(residual):
		found = append(found, fmt.Sprintf("amount %s - exact amount %s is not the residual %s",
			currency.FromMinor(r.AmountMinor), exact, residual))
	}
	return found
}

// verifyPlans holds plans against their hash, and frozen charges against the plan they were frozen with: so the charges
// of a plan add up to what it says.
func verifyPlans(ctx context.Context, w *warehouse.Warehouse, rows []chargeRow) (findings.Check, error) {
	check := findings.New("plans")
	type planText struct {
		SHA  string `ch:"plan_sha"`
		Body string `ch:"body"`
	}
	plans, err := warehouse.Select[planText](ctx, w, "invoice/verify_plans.sql", nil)
	if err != nil {
		return check, fmt.Errorf("verify plans: %w", err)
	}
	bodies := map[string]map[string]plan.Charge{}
	for _, planned := range plans {
		check.LookedAt++
		var body plan.Body
		if plan.Hash([]byte(planned.Body)) != planned.SHA {
			check.Problem("plan %s: its text is not the one that was frozen", planned.SHA)
		}
		if err := json.Unmarshal([]byte(planned.Body), &body); err != nil {
			check.Problem("plan %s: it cannot be read: %v", planned.SHA, err)
		}
		bodies[planned.SHA] = map[string]plan.Charge{}
		for _, charge := range body.Charges {
			bodies[planned.SHA][charge.ID] = charge
		}
	}
	frozen, meant := map[string]int64{}, map[string]int64{}
	for _, row := range rows {
		charge, found := bodies[row.PlanSHA][row.ChargeID]
		if !found {
			check.Problem("charge %s: plan %s does not hold it", row.ChargeID, row.PlanSHA)
			continue
		}
		frozen[row.PlanSHA] += row.AmountMinor
		meant[row.PlanSHA] += charge.AmountMinor
		if wrong := row.differs(charge); wrong != "" {
			check.Problem("charge %s: plan %s says otherwise: %s", row.ChargeID, row.PlanSHA, wrong)
		}
	}
	for _, one := range plans {
		if frozen[one.SHA] != meant[one.SHA] {
			check.Problem("plan %s: its charges add up to %d, it says %d", one.SHA, frozen[one.SHA], meant[one.SHA])
		}
	}
	return check, nil
}

// differs names what a frozen charge has otherwise than its plan.
func (r chargeRow) differs(planned plan.Charge) string {
	lines, err := plan.Canonical(planned.Lines)
	if err != nil {
		return err.Error()
	}
	var list []string
	for _, figure := range []struct{ name, frozen, planned string }{
		{"customer_id", r.CustomerID, planned.CustomerID},
		{"currency", r.Currency, planned.Currency},
		{"period_start", r.PeriodStart.UTC().String(), planned.PeriodStart.UTC().String()},
		{"period_end", r.PeriodEnd.UTC().String(), planned.PeriodEnd.UTC().String()},
		{"billable_credits", r.BillableCredits.String(), planned.BillableCredits.String()},
		{"billed_credits", r.BilledCredits.String(), planned.BilledCredits.String()},
		{"amount_exact", r.AmountExact, planned.AmountExact.String()},
		{"amount_minor", fmt.Sprint(r.AmountMinor), fmt.Sprint(planned.AmountMinor)},
		{"residual", r.Residual, planned.Residual.String()},
		{"lines", r.Lines, string(lines)},
	} {
		if figure.frozen != figure.planned {
			list = append(list, fmt.Sprintf("%s is %s, planned %s", figure.name, figure.frozen, figure.planned))
		}
	}
	return strings.Join(list, "; ")
}

// verifyPostings holds the ledger against the charges: one Stripe item per charge, of its amount.
func verifyPostings(ctx context.Context, w *warehouse.Warehouse, rows []chargeRow) (findings.Check, error) {
	check := findings.New("postings")
	for _, row := range rows {
		if row.StripeID == "" {
			continue
		}
		check.LookedAt++
		if row.PostedMinor != row.AmountMinor {
			check.Problem("charge %s of customer %s: Stripe's %s is %d, the charge %d",
				row.ChargeID, row.CustomerID, row.StripeID, row.PostedMinor, row.AmountMinor)
		}
	}
	type odd struct {
		Subject string   `ch:"subject"`
		Problem string   `ch:"problem"`
		Details []string `ch:"details"`
	}
	found, err := warehouse.Select[odd](ctx, w, "invoice/verify_events.sql", nil)
	if err != nil {
		return check, fmt.Errorf("verify charge events: %w", err)
	}
	for _, event := range found {
		check.Problem("%s: %s: %s", event.Subject, event.Problem, strings.Join(event.Details, ", "))
	}
	return check, nil
}
