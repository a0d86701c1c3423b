package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

type inputsRow struct {
	SHA     string    `ch:"plan_sha"`
	AsOf    time.Time `ch:"as_of"`
	Loads   []uint64  `ch:"loads"`
	Body    string    `ch:"body"`
	Inputs  string    `ch:"inputs"`
	Catalog string    `ch:"catalog"`
}

// VerifyPlans makes every frozen plan again from the raw events of its loads, with the catalog, the cut-off and all
// else that was kept with it, and compares the two byte for byte. A plan that needs raw rows which expired is left
// out. It only reads. begin is called with the number of
// plans.
func VerifyPlans(
	ctx context.Context, w *warehouse.Warehouse, aggregator *aggregate.Aggregator, begin func(check string, rows uint64),
) (findings.Check, error) {
	check := findings.New("plans, recomputed")
	rows, err := warehouse.Select[inputsRow](ctx, w, "invoice/plan_inputs.sql", nil)
	if err != nil {
		return check, fmt.Errorf("verify plans: %w", err)
	}
	begin(check.Name, uint64(len(rows)))
	charges, closed := map[Account]map[string]plan.FrozenCharge{}, map[Account]plan.Closings{}
	without, expired := 0, 0
	for _, row := range rows {
		check.LookedAt++
		if row.Inputs == "" {
			without++
			continue
		}
		kept, err := plan.ReadInputs(row.Inputs)
		if err != nil {
			check.Problem("plan %s: %v", row.SHA, err)
			continue
		}
		account := Account{ID: kept.StripeAccount, Livemode: kept.Livemode}
		if charges[account] == nil {
			if charges[account], err = chargesByID(ctx, w, account); err != nil {
				return check, err
			}
			if closed[account], err = (Ledger{Warehouse: w}).Closings(ctx, account, nil); err != nil {
				return check, err
			}
		}
		problem, err := row.recompute(ctx, aggregator, kept, charges[account], closed[account])
		if errors.Is(err, aggregate.ErrExpired) {
			expired++
			continue
		}
		if err != nil {
			return check, fmt.Errorf("verify plan %s: %w", row.SHA, err)
		}
		if problem != "" {
			check.Problem("plan %s: %s", row.SHA, problem)
		}
	}
	var notes []string
	if without > 0 {
		notes = append(notes, fmt.Sprintf("plans that were frozen without their inputs, left out: %d", without))
	}
	if expired > 0 {
		notes = append(notes, fmt.Sprintf("plans whose raw rows expired, left out: %d", expired))
	}
	check.Note = strings.Join(notes, "; ")
	return check, nil
}

func chargesByID(ctx context.Context, w *warehouse.Warehouse, account Account) (map[string]plan.FrozenCharge, error) {
	all, err := Ledger{Warehouse: w}.Charges(ctx, account.ID, account.Livemode)
	if err != nil {
		return nil, err
	}
	charges := map[string]plan.FrozenCharge{}
	for _, charge := range all {
		charges[charge.ID] = charge
	}
	return charges, nil
}

// recompute makes the plan again and names the first difference; empty if there is none.
func (r inputsRow) recompute(
	ctx context.Context, aggregator *aggregate.Aggregator, kept plan.KeptInputs, charges map[string]plan.FrozenCharge,
	closed plan.Closings,
) (string, error) {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(r.Catalog))
	if catalog == nil || problems.Err() != nil {
		return fmt.Sprintf("its catalog cannot be read: %v", problems.Err()), nil
	}
	in, err := kept.Restore(catalog, charges)
	if err != nil {
		return err.Error(), nil
	}
	kept.Known.Closed, in.Rebills = kept.ClosedOf(closed, "")
	query := plan.Query(r.AsOf.UTC(), catalog, r.Loads)
	query.Known, query.Raw = &kept.Known, true
	in.Periods, in.Problems, err = aggregator.ReplayEach(ctx, query)
	if errors.Is(err, aggregate.ErrInvariant) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	in.AsOf = r.AsOf.UTC()
	again, err := plan.Build(in)
	if err != nil {
		return err.Error(), nil
	}
	made, err := again.Body()
	if err != nil {
		return "", err
	}
	return difference(r.Body, string(made)), nil
}

// difference names the first charge in which two plans differ, and its figures; empty if they are the same.
func difference(stored, made string) string {
	if stored == made {
		return ""
	}
	var before, now struct {
		Charges []map[string]json.RawMessage `json:"charges"`
	}
	if json.Unmarshal([]byte(stored), &before) != nil || json.Unmarshal([]byte(made), &now) != nil {
		return firstDifference(stored, made)
	}
	again := map[string]map[string]json.RawMessage{}
	for _, charge := range now.Charges {
		again[string(charge["charge_id"])] = charge
	}
	for _, charge := range before.Charges {
		id := string(charge["charge_id"])
		other, found := again[id]
		delete(again, id)
		name := fmt.Sprintf("charge %s of customer %s", strings.Trim(id, `"`),
			strings.Trim(string(charge["customer_id"]), `"`))
		if !found {
			return name + " is not in it when it is made again from the raw events"
		}
		var list []string
		for _, field := range slices.Sorted(maps.Keys(charge)) {
			if string(charge[field]) != string(other[field]) {
				list = append(list, fmt.Sprintf("%s is %s, made again %s", field, charge[field], other[field]))
			}
		}
		if len(list) > 0 {
			return name + ": " + strings.Join(list, "; ")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(again)) {
		return fmt.Sprintf("charge %s is missing, which is in it when it is made again from the raw events", id)
	}
	return firstDifference(stored, made)
}

// firstDifference shows where two texts part.
func firstDifference(stored, made string) string {
	at := 0
	for at < min(len(stored), len(made)) && stored[at] == made[at] {
		at++
	}
	const around = 60
	cut := func(text string) string { return text[min(len(text), max(0, at-around)):min(len(text), at+around)] }
	return fmt.Sprintf("made again from the raw events it differs at byte %d: it has …%s…, and is now …%s…",
		at, cut(stored), cut(made))
}
