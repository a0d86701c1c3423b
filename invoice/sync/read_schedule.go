package sync

import (
	"context"
	"fmt"
	"slices"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/stripe"
)

// schedulesOf are those that manage subscriptions, by id. None is asked for where none does.
func schedulesOf(
	ctx context.Context, s *stripe.Client, subscriptions []*stripego.Subscription,
) (map[string]*stripego.SubscriptionSchedule, error) {
	managed := func(one *stripego.Subscription) bool { return one.Schedule != nil }
	if !slices.ContainsFunc(subscriptions, managed) {
		return nil, nil
	}
	all, err := s.SubscriptionSchedules(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*stripego.SubscriptionSchedule, len(all))
	for _, schedule := range all {
		byID[schedule.ID] = schedule
	}
	return byID, nil
}

// follow reads what the subscription's schedule has in store. While there is one, the subscription's cancel_at is no
// end: Stripe sets it to when the next phase begins, and lets nobody else set it. The schedule alone knows the end.
func (s *Subscription) follow(
	from *stripego.Subscription, schedules map[string]*stripego.SubscriptionSchedule,
) error {
	if from.Schedule == nil || from.EndedAt != 0 || from.Status == stripego.SubscriptionStatusCanceled {
		return nil
	}
	schedule := schedules[from.Schedule.ID]
	if schedule == nil || schedule.Status == "" {
		return fmt.Errorf("read schedule %s of subscription %s: %w", from.Schedule.ID, from.ID, stripe.ErrIncomplete)
	}
	s.EndsAt = time.Time{}
	if schedule.Status != stripego.SubscriptionScheduleStatusActive { // it was released a moment ago
		return nil
	}
	if schedule.CurrentPhase == nil || len(schedule.Phases) == 0 {
		return fmt.Errorf("read schedule %s of subscription %s: %w", schedule.ID, from.ID, stripe.ErrIncomplete)
	}
	for _, phase := range schedule.Phases {
		if phase.StartDate <= schedule.CurrentPhase.StartDate {
			continue
		}
		next := Phase{
			StartsAt: stripe.Time(phase.StartDate), TrialEnd: stripe.Time(phase.TrialEnd),
			Restarts: phase.BillingCycleAnchor == stripego.SubscriptionSchedulePhaseBillingCycleAnchorPhaseStart,
		}
		for _, item := range phase.Items {
			if item.Price != nil { // that of a metered price has no quantity
				next.Items = append(next.Items, Item{
					Price: item.Price.ID, Quantity: uint64(max(item.Quantity, 0)), Metered: item.Quantity == 0,
				})
			}
		}
		s.Phases = append(s.Phases, next)
	}
	slices.SortStableFunc(s.Phases, func(a, b Phase) int { return a.StartsAt.Compare(b.StartsAt) })
	if schedule.EndBehavior == stripego.SubscriptionScheduleEndBehaviorCancel {
		s.EndsAt = stripe.Time(schedule.Phases[len(schedule.Phases)-1].EndDate)
	}
	return nil
}
