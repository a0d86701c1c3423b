package stripefake

import (
	"net/http"
	"strconv"
)

// Schedule is Stripe's subscription schedule: phases that follow each other, each with prices of its own
// (docs.stripe.com/api/subscription_schedules/object, docs.stripe.com/billing/subscriptions/subscription-schedules).
type Schedule struct {
	ID                   string            `json:"id"`
	Object               string            `json:"object"`
	Created              int64             `json:"created"`
	Livemode             bool              `json:"livemode"`
	Customer             string            `json:"customer"`
	Subscription         *string           `json:"subscription"`
	ReleasedSubscription *string           `json:"released_subscription"`
	Status               string            `json:"status"`
	EndBehavior          string            `json:"end_behavior"`
	CurrentPhase         *phaseSpan        `json:"current_phase"`
	Phases               []*SchedulePhase  `json:"phases"`
	ReleasedAt           *int64            `json:"released_at"`
	CanceledAt           *int64            `json:"canceled_at"`
	CompletedAt          *int64            `json:"completed_at"`
	Metadata             map[string]string `json:"metadata"`
}

// SchedulePhase is what a subscription is like for a time.
type SchedulePhase struct {
	StartDate          int64        `json:"start_date"`
	EndDate            int64        `json:"end_date"`
	Items              []*phaseItem `json:"items"`
	BillingCycleAnchor *string      `json:"billing_cycle_anchor"`
	TrialEnd           *int64       `json:"trial_end"`
}

type phaseItem struct {
	Price    string `json:"price"`
	Quantity int    `json:"quantity"`
}

type phaseSpan struct {
	StartDate int64 `json:"start_date"`
	EndDate   int64 `json:"end_date"`
}

func (x *Schedule) identity() (string, int64) { return x.ID, x.Created }

func (s *Server) serveSchedules(in incoming, id, verb string) answer {
	schedule := find(s.state.Schedules, id)
	operation := route(in, id, verb)
	if schedule == nil && operation != "create" && operation != "list" {
		return missingObject("subscription_schedule", id, "id")
	}
	switch operation {
	case "create":
		return s.createSchedule(in)
	case "update":
		return s.updateSchedule(in, schedule)
	case "get":
		return ok(schedule)
	case "list":
		if refusal := allow(in, "customer scheduled"+listParams); refusal != nil {
			return *refusal
		}
		customer := in.params.get("customer")
		return list(in, "subscription_schedule", s.state.Schedules, func(x *Schedule) bool {
			return customer == "" || customer == x.Customer
		})
	case http.MethodPost + " release":
		return s.releaseSchedule(in, schedule)
	}
	return s.noRoute(in)
}

// createSchedule makes one of a subscription, whose present prices and period are its first phase. Nothing else can be
// given then (docs.stripe.com/api/subscription_schedules/create, "from_subscription").
func (s *Server) createSchedule(in incoming) answer {
	if refusal := allow(in, "from_subscription"); refusal != nil {
		return *refusal
	}
	from := find(s.state.Subscriptions, in.params.get("from_subscription"))
	switch {
	case from == nil:
		return missingObject("subscription", in.params.get("from_subscription"), "from_subscription")
	case from.Schedule != nil:
		return invalidParam("from_subscription", "The subscription already has a schedule.")
	}
	x := &Schedule{
		ID: s.id("sub_sched"), Object: "subscription_schedule", Created: s.unix(), Customer: from.Customer,
		Subscription: &from.ID, Status: "active", EndBehavior: "release", Metadata: map[string]string{},
		Phases: []*SchedulePhase{{StartDate: from.CurrentPeriodStart, EndDate: from.CurrentPeriodEnd}},
	}
	for _, item := range from.AllItems {
		x.Phases[0].Items = append(x.Phases[0].Items, &phaseItem{Price: item.Price.ID, Quantity: item.Quantity})
	}
	from.Schedule = &x.ID
	s.state.Schedules = append(s.state.Schedules, x)
	s.runPhase(x, from, x.Phases[0])
	return ok(x)
}

// updateSchedule replaces the phases, all of which are given; past ones may be left out. The end of one is the start of
// the next.
func (s *Server) updateSchedule(in incoming, x *Schedule) answer {
	if refusal := allow(in, "phases end_behavior"); refusal != nil {
		return *refusal
	}
	if x.Status != "active" {
		return invalidParam("phases", "The schedule is "+x.Status+".")
	}
	if behavior := in.params.get("end_behavior"); behavior != "" {
		x.EndBehavior = behavior
	}
	var phases []*SchedulePhase
	for i := 0; in.params.has(phaseParam(i, "items][0][price")); i++ {
		phase, refused := s.readPhase(in, i)
		if refused != nil {
			return *refused
		}
		if last := len(phases) - 1; last >= 0 && phase.StartDate == 0 {
			phase.StartDate = phases[last].EndDate
		} else if last >= 0 && phase.StartDate != phases[last].EndDate {
			return invalidParam(phaseParam(i, "start_date"), "A phase starts where the one before ends.")
		}
		phases = append(phases, phase)
	}
	if len(phases) > 0 {
		x.Phases = phases
	}
	present := x.current(s.unix())
	if present == nil {
		return invalidParam("phases", "None of the phases goes on now.")
	}
	s.runPhase(x, find(s.state.Subscriptions, *x.Subscription), present)
	return ok(x)
}

func phaseParam(i int, name string) string { return "phases[" + strconv.Itoa(i) + "][" + name + "]" }

func (s *Server) readPhase(in incoming, i int) (*SchedulePhase, *answer) {
	start, refusedStart := in.params.integer(phaseParam(i, "start_date"))
	end, refusedEnd := in.params.integer(phaseParam(i, "end_date"))
	trial, refusedTrial := in.params.integer(phaseParam(i, "trial_end"))
	if refused := firstRefusal(refusedStart, refusedEnd, refusedTrial); refused != nil {
		return nil, refused
	}
	phase := &SchedulePhase{StartDate: start, EndDate: end, BillingCycleAnchor: optional(in.params.get(
		phaseParam(i, "billing_cycle_anchor")))}
	if trial > 0 {
		phase.TrialEnd = &trial
	}
	for k := 0; in.params.has(phaseParam(i, "items]["+strconv.Itoa(k)+"][price")); k++ {
		price, refusedPrice := s.priceOf(in, phaseParam(i, "items]["+strconv.Itoa(k)+"][price"))
		quantity, refusedQuantity := in.params.integer(phaseParam(i, "items]["+strconv.Itoa(k)+"][quantity"))
		if refused := firstRefusal(refusedPrice, refusedQuantity); refused != nil {
			return nil, refused
		}
		phase.Items = append(phase.Items, &phaseItem{Price: price.ID, Quantity: max(int(quantity), 1)})
	}
	return phase, nil
}

// releaseSchedule leaves the subscription as it is, without what the schedule had in store for it
// (docs.stripe.com/api/subscription_schedules/release).
func (s *Server) releaseSchedule(in incoming, x *Schedule) answer {
	if refusal := allow(in, "preserve_cancel_date"); refusal != nil {
		return *refusal
	}
	if x.Status != "active" {
		return invalidParam("schedule", "The schedule is "+x.Status+".")
	}
	s.endSchedule(x, "released")
	return ok(x)
}

// endSchedule lets go of the subscription, which cancel_at leaves with it.
func (s *Server) endSchedule(x *Schedule, status string) {
	now := s.unix()
	subscription := find(s.state.Subscriptions, *x.Subscription)
	subscription.Schedule, subscription.CancelAt = nil, nil
	switch x.Status, x.CurrentPhase = status, nil; status {
	case "released":
		x.ReleasedAt, x.ReleasedSubscription, x.Subscription = &now, &subscription.ID, nil
	case "canceled":
		x.CanceledAt = &now
	case "completed":
		x.CompletedAt = &now
	}
}

// current is the phase that holds an instant; nil where all are over.
func (x *Schedule) current(at int64) *SchedulePhase {
	for _, phase := range x.Phases {
		if phase.StartDate <= at && at < phase.EndDate {
			return phase
		}
	}
	return nil
}

// runPhase makes the subscription what the phase says. Its cancel_at is the end of the phase: it does not cancel, it
// is when the next phase begins (the guide to schedules, "Transitioning to the next phase").
func (s *Server) runPhase(x *Schedule, on *Subscription, phase *SchedulePhase) {
	if x.CurrentPhase == nil || x.CurrentPhase.StartDate != phase.StartDate {
		var prices []*Price
		for _, item := range phase.Items {
			prices = append(prices, find(s.state.Prices, item.Price))
		}
		on.PriceKept, on.Currency = prices[0].ID, prices[0].Currency
		on.hold(prices...)
		if text(phase.BillingCycleAnchor) == "phase_start" {
			on.BillingCycleAnchor, on.CurrentPeriodStart, on.Cycles = phase.StartDate, phase.StartDate, 1
			on.CurrentPeriodEnd = cycle(prices[0], phase.StartDate, 1)
		}
		if phase.TrialEnd != nil {
			on.Status, on.TrialStart, on.TrialEnd = "trialing", &phase.StartDate, phase.TrialEnd
		}
	}
	for i, item := range phase.Items {
		on.AllItems[i].Quantity = item.Quantity
	}
	on.CancelAt = &phase.EndDate
	x.CurrentPhase = &phaseSpan{phase.StartDate, phase.EndDate}
}

// enterPhases moves the subscriptions on whose phase is over. After the last one the schedule is completed: the
// subscription goes on, or it is canceled where the end_behavior says so.
func (s *Server) enterPhases() {
	for _, x := range s.state.Schedules {
		for x.Status == "active" && x.CurrentPhase.EndDate <= s.unix() {
			on := find(s.state.Subscriptions, *x.Subscription)
			if next := x.current(x.CurrentPhase.EndDate); next != nil {
				s.runPhase(x, on, next)
				continue
			}
			s.endSchedule(x, "completed")
			if x.EndBehavior == "cancel" {
				s.cancel(on)
			}
		}
	}
}
