package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// entitledFlags are those of entitled.
type entitledFlags struct {
	required string
	pool     string
	at       string
	fresh    bool
}

func newEntitledCommand(a *app) *cobra.Command {
	var flags entitledFlags
	command := &cobra.Command{
		Use:   "entitled CUSTOMER FEATURE|MODEL",
		Short: "Tell whether a customer may use more of a feature",
		Example: "  creditmill entitled acme small-model --required 1000\n" +
			"  creditmill entitled acme large-model-tokens --pool output --fresh\n" +
			"  creditmill entitled acme image-generations --required 4",
		Long: "Answers from the last aggregate run; with --fresh or --at from all usage that is loaded, and so without " +
			"them once a period ended since that run, a grant began or expired, or the customer was attached, imported, " +
			"synced or granted credits. After an aggregate --as-of an earlier day answers stay those of that time, and " +
			"outdated is true when they no longer hold. What costs nothing is always allowed. " +
			"entitled.past_due: deny in the config says no to customers whose subscription is past due or unpaid, as " +
			"the last sync saw it. The exit code is 0 for either answer.",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeFeatures(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runEntitled(command.Context(), args[0], args[1], flags)
		},
	}
	command.Flags().StringVar(&flags.required, "required", "1", "how many more: of tokens, or of another unit")
	command.Flags().StringVar(&flags.pool, "pool", "", "unit: "+strings.Join(schemas.TokenUnits, ", ")+
		", quantity, or another that the price book prices (default input, or else what the feature is counted in)")
	completeWith(command, "pool", choices(append(slices.Clone(schemas.TokenUnits), schemas.UnitQuantity)...))
	command.Flags().StringVar(&flags.at, "at", "", "answer as of this time")
	command.Flags().BoolVar(&flags.fresh, "fresh", false, "answer as of now instead of the last aggregate run")
	return command
}

// entitledResult is the JSON of entitled. Required is of Unit, as asked for; the other amounts are credits.
type entitledResult struct {
	Allowed         bool             `json:"allowed"`
	Reason          string           `json:"reason,omitempty"`
	CustomerID      string           `json:"customer_id"`
	FeatureID       *string          `json:"feature_id"`
	Product         string           `json:"product"`
	CreditSystem    *string          `json:"credit_system"`
	Required        json.Number      `json:"required"`
	Unit            string           `json:"unit,omitempty"`
	RequiredCredits *decimal.Decimal `json:"required_credits"`
	Granted         *decimal.Decimal `json:"granted"`
	Used            *decimal.Decimal `json:"used"`
	Balance         *decimal.Decimal `json:"balance"`
	Remaining       *decimal.Decimal `json:"remaining"`
	Unlimited       bool             `json:"unlimited"`
	OverageAllowed  bool             `json:"overage_allowed"`
	NextResetAt     *time.Time       `json:"next_reset_at"`
	AsOf            time.Time        `json:"as_of"`
	Outdated        bool             `json:"outdated"`
}

func newEntitledResult(e aggregate.Entitlement, required decimal.Decimal) entitledResult {
	result := entitledResult{
		Allowed: e.Allowed, Reason: e.Reason, CustomerID: e.CustomerID, Product: e.Product,
		Required: json.Number(required.String()), Unit: e.Unit,
		OverageAllowed: e.OverageAllowed, AsOf: e.AsOf, Outdated: e.Outdated,
	}
	if e.FeatureID != "" {
		result.FeatureID = &e.FeatureID
	}
	if e.Priced {
		result.RequiredCredits = &e.Required
	}
	if e.Balance != nil {
		balance := newBalanceResult(*e.Balance)
		result.CreditSystem, result.Used = &balance.CreditSystem, &balance.Used
		result.Granted, result.Balance, result.Remaining = balance.Granted, balance.Balance, balance.Remaining
		result.Unlimited, result.NextResetAt = e.Balance.Unlimited, balance.PeriodEnd
	}
	return result
}

// entitledQuery reads what is asked. It says nothing of when.
func (a *app) entitledQuery(customerID, feature, required, pool string) (query aggregate.EntitledQuery, err error) {
	if err := checkCustomerID(customerID); err != nil {
		return query, err
	}
	if problem := schemas.NameProblem([]byte(feature)); problem != "" {
		return query, usagef("read feature %q: %s", feature, problem)
	}
	if err := a.checkUnit(pool); err != nil {
		return query, err
	}
	query = aggregate.EntitledQuery{
		CustomerID: customerID, Feature: feature, Unit: pool, DenyPastDue: a.config.Entitled.PastDue == "deny",
	}
	if query.Required, err = parseRequired(required); err != nil {
		return query, err
	}
	if schemas.IsTokens(pool) && !query.Required.IsInteger() {
		return query, usagef("read --required %q: want whole tokens", required)
	}
	return query, nil
}

func (a *app) runEntitled(ctx context.Context, customerID, feature string, flags entitledFlags) error {
	query, err := a.entitledQuery(customerID, feature, flags.required, flags.pool)
	if err != nil {
		return err
	}
	worker, err := a.aggregator(ctx)
	if err != nil {
		return err
	}
	answer, err := a.entitled(ctx, worker, query, flags)
	if err != nil {
		return err
	}
	if answer.Outdated {
		a.note("this answer is as of the last aggregate, %s; since then a period of %s ended, or its product or grants "+
			"changed; answer as of now with --fresh, or run: creditmill aggregate", answer.AsOf.Format(time.RFC3339), customerID)
	}
	return a.print(newEntitledResult(answer, query.Required), func(w io.Writer) error {
		return writeEntitlement(w, answer)
	})
}

func (a *app) entitled(
	ctx context.Context, worker *aggregate.Aggregator, query aggregate.EntitledQuery, flags entitledFlags,
) (aggregate.Entitlement, error) {
	if !flags.fresh && flags.at == "" {
		query.Now = a.now().UTC()
		answer, err := worker.Entitled(ctx, query)
		if !errors.Is(err, aggregate.ErrNoRun) {
			return answer, err
		}
	}
	var err error
	query.Now = time.Time{}
	if query.Catalog, err = a.catalog(); err != nil {
		return aggregate.Entitlement{}, err
	}
	if query.AsOf, err = a.asOf("at", flags.at); err != nil {
		return aggregate.Entitlement{}, err
	}
	return worker.Entitled(ctx, query)
}

func writeEntitlement(w io.Writer, e aggregate.Entitlement) error {
	if !e.Allowed {
		_, err := writef(w, "no: %s\n", e.Reason)
		return err
	}
	rest := "unlimited credits"
	switch {
	case e.Required.IsZero():
		rest = "it costs nothing"
	case e.Balance.Unlimited:
	case e.OverageAllowed && e.Balance.Remaining.LessThan(e.Required):
		rest = "beyond the allowance, which is billed as overage"
	default:
		rest = fmt.Sprintf("%s needed, %s left", counted(e.Required, "credit"), e.Balance.Remaining)
	}
	_, err := fmt.Fprintf(w, "yes: %s\n", rest)
	return err
}
