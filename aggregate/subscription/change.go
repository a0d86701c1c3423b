package subscription

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrUnknownProduct is returned when the catalog has no product of that id.
var ErrUnknownProduct = errors.New("unknown product")

// Change asks for another product for a customer, or for the end of the present one.
type Change struct {
	CustomerID string
	// Product is the id of the new one. Empty, or the default product: the present subscription is cancelled.
	Product string
	// At is when the customer asks; whether it takes effect then is in the ChangeResult.
	At time.Time
	// Now cancels at once instead of at the period's end.
	Now bool
	// Cancel ends the subscription to Product instead of beginning one.
	Cancel  bool
	Catalog *schemas.Catalog
	// Closed is the customer's time that was billed: what would take effect inside of it does where it ends.
	Closed []Closed

	before []Subscription // those before the present one
}

// ChangeResult says what holds after a change.
type ChangeResult struct {
	CustomerID string
	Product    string
	// EffectiveAt is when the customer has the product: for one held already, since when.
	EffectiveAt time.Time
	// Ended says that the product is an add-on, which the customer has until then.
	Ended bool
}

// revision is a subscription as it will be stored; a removed one never took effect.
type revision struct {
	Subscription
	removed bool
}

// Attach subscribes a customer to a product, or cancels the present subscription (see Change). A product of the same or
// a higher price per month takes effect at once: a new period begins with a full allowance. A cheaper one and a
// cancellation take effect when the present period ends. A pending change is replaced, or undone where the product is
// the present one. The change is one insert. The caller holds the warehouse's writer lock.
func Attach(ctx context.Context, w *warehouse.Warehouse, change Change, now time.Time) (ChangeResult, error) {
	change.At = change.At.UTC()
	held, err := Of(ctx, w, []string{change.CustomerID})
	if err != nil {
		return ChangeResult{}, err
	}
	last, err := customerRevision(ctx, w)
	if err != nil {
		return ChangeResult{}, err
	}
	revisions, result, err := change.plan(held)
	if err != nil {
		return ChangeResult{}, fmt.Errorf("change product of customer %s: %w", change.CustomerID, err)
	}
	if err := storeSubscriptions(ctx, w, revisions, last+1, now); err != nil {
		return ChangeResult{}, err
	}
	return result, nil
}

// plan finds the subscriptions that the change revises or adds.
func (c Change) plan(held []Subscription) ([]revision, ChangeResult, error) {
	wanted, err := c.product()
	if err != nil {
		return nil, ChangeResult{}, err
	}
	held, addOns := Apart(held, c.Catalog)
	if wanted.AddOn {
		return c.planAddOn(wanted, addOns)
	}
	var current *Subscription
	var later []Subscription
	gapSince := c.At // a customer who never had a product is said to have the default one from now
	for i, s := range held {
		switch {
		case s.Holds(c.At):
			current, c.before = &s, held[:i]
		case s.StartsAt.After(c.At):
			later = append(later, s)
		default:
			gapSince = s.EndsAt
		}
	}
	if err := mustYield(later); err != nil {
		return nil, ChangeResult{}, err
	}
	if c.Cancel {
		if current == nil || current.Product != wanted.ID {
			return nil, ChangeResult{}, notHeld(wanted)
		}
		wanted = c.Catalog.DefaultProduct()
	}
	result := ChangeResult{CustomerID: c.CustomerID, Product: wanted.ID, EffectiveAt: c.At}
	var revisions []revision
	switch {
	case current == nil && wanted.Default:
		result.EffectiveAt = gapSince
	case current == nil:
		result.EffectiveAt = FirstOpen(c.Closed, c.At)
		revisions = append(revisions, c.begin(wanted, result.EffectiveAt, result.EffectiveAt))
	case current.Product == wanted.ID:
		result.EffectiveAt = current.StartsAt
		if !current.EndsAt.IsZero() {
			undone := *current
			undone.EndsAt = time.Time{}
			revisions = append(revisions, revision{Subscription: undone})
		}
	default:
		at, err := c.effective(*current, wanted, later)
		if err != nil {
			return nil, ChangeResult{}, err
		}
		result.EffectiveAt = FirstOpen(c.Closed, at)
		revisions = append(revisions, c.replace(*current, wanted, at, result.EffectiveAt)...)
	}
	return removePending(revisions, later), result, nil
}

// mustYield refuses a change before subscriptions that no change by hand takes back.
func mustYield(later []Subscription) error {
	for _, s := range later {
		way := "change that one by " + s.Origin
		switch s.Origin {
		case OriginAttach:
			continue
		case OriginSync:
			way = "release or change its schedule at Stripe, then run `creditmill sync`"
		}
		return fmt.Errorf("the customer has %s from %s by %s, after the time of this change; %s", s.Product,
			s.StartsAt.Format(time.RFC3339), s.Origin, way)
	}
	return nil
}

// replace ends the current subscription at an instant and begins the wanted one there. wantedAt is when it would begin
// were no time closed.
func (c Change) replace(current Subscription, wanted schemas.Product, wantedAt, at time.Time) []revision {
	ended := revision{Subscription: current, removed: at.Equal(current.StartsAt)}
	if current.EndsAt.IsZero() || at.Before(current.EndsAt) || wantedAt.Equal(at) {
		ended.EndsAt = at
	}
	if wanted.Default {
		return []revision{ended}
	}
	anchor := at
	if wantedAt.After(c.At) {
		anchor = c.anchorOf(current) // a downgrade keeps the days on which periods begin
	}
	return []revision{ended, c.begin(wanted, at, anchor)}
}

// anchorOf is what a subscription's periods are counted from, its trial aside.
func (c Change) anchorOf(current Subscription) time.Time {
	product, _ := c.Catalog.Product(current.Product)
	laidOut := current.segments(product, c.Catalog, c.before)
	return *laidOut[len(laidOut)-1].anchor
}

// removePending takes back the subscriptions that have not begun, but for one that begins again just the same.
func removePending(revisions []revision, pending []Subscription) []revision {
	for _, s := range pending {
		again := func(r revision) bool { return r.Product == s.Product && r.StartsAt.Equal(s.StartsAt) }
		if !slices.ContainsFunc(revisions, again) {
			revisions = append(revisions, revision{Subscription: s, removed: true})
		}
	}
	return revisions
}

func (c Change) begin(product schemas.Product, at, anchor time.Time) revision {
	return revision{Subscription: Subscription{
		CustomerID: c.CustomerID, Product: product.ID, StartsAt: at, Anchor: anchor, Origin: OriginAttach,
	}}
}

func (c Change) product() (schemas.Product, error) {
	if c.Product == "" {
		return c.Catalog.DefaultProduct(), nil
	}
	product, ok := c.Catalog.Product(c.Product)
	if !ok {
		return schemas.Product{}, UnknownProduct(c.Catalog, c.Product)
	}
	return product, nil
}

// UnknownProduct is ErrUnknownProduct with the products that the catalog has.
func UnknownProduct(catalog *schemas.Catalog, id string) error {
	known := make([]string, len(catalog.Products))
	for i, product := range catalog.Products {
		known[i] = product.ID
	}
	return fmt.Errorf("%w %q; the catalog has %s", ErrUnknownProduct, id, strings.Join(known, ", "))
}

// effective is when the wanted product begins, instead of the pending ones.
func (c Change) effective(
	current Subscription, wanted schemas.Product, pending []Subscription,
) (time.Time, error) {
	present, ok := c.Catalog.Product(current.Product)
	if !ok {
		return time.Time{}, UnknownProduct(c.Catalog, current.Product)
	}
	if c.Now || (!wanted.Default && !cheaper(wanted.At(c.At).Price, present.At(c.At).Price)) {
		return c.At, nil
	}
	if len(pending) > 0 && pending[0].StartsAt.Equal(current.EndsAt) {
		current.EndsAt = time.Time{} // the end was the pending one's, who may have asked for a later time
	}
	laidOut := current.segments(present, c.Catalog, c.before)
	periods := spans(laidOut, c.At, c.At, c.Catalog.Timezone)
	end := periods[len(periods)-1].End
	if end.IsZero() {
		return time.Time{}, fmt.Errorf("%s has one period that never ends; end it at once with: creditmill cancel --now",
			present.ID)
	}
	return end, nil
}

// sevenYears is how often an interval comes in seven years of 365 days, a span that all of them divide.
var sevenYears = map[schemas.Interval]int64{
	schemas.IntervalDay: 7 * 365, schemas.IntervalWeek: 365, schemas.IntervalMonth: 7 * 12,
	schemas.IntervalQuarter: 7 * 4, schemas.IntervalYear: 7,
}

// cheaper tells whether a costs less per month than b.
func cheaper(a, b *schemas.Price) bool {
	longRun := func(price *schemas.Price) decimal.Decimal {
		if price == nil {
			return decimal.Zero
		}
		return price.Amount.Mul(decimal.NewFromInt(sevenYears[price.Every]))
	}
	return longRun(a).LessThan(longRun(b))
}

// storeSubscriptions writes the revisions in one block: all of them take effect or none.
func storeSubscriptions(
	ctx context.Context, w *warehouse.Warehouse, revisions []revision, number uint64, now time.Time,
) error {
	if len(revisions) == 0 {
		return nil
	}
	table, err := ext.NewTable("new_subscriptions",
		ext.Column("customer_id", "String"), ext.Column("product", "String"),
		ext.Column("starts_at", "DateTime64(9, 'UTC')"), ext.Column("ends_at", "Nullable(DateTime64(9, 'UTC'))"),
		ext.Column("anchor", "DateTime64(9, 'UTC')"), ext.Column("stripe_subscription", "String"),
		ext.Column("stripe_hold", "String"), ext.Column("past_due", "Bool"),
		ext.Column("trial_from", "Nullable(DateTime64(9, 'UTC'))"), ext.Column("trial_to", "Nullable(DateTime64(9, 'UTC'))"),
		ext.Column("seats", "String"), ext.Column("origin", "String"), ext.Column("removed", "Bool"))
	if err != nil {
		return fmt.Errorf("store subscriptions: %w", err)
	}
	sorted := slices.Clone(revisions)
	slices.SortStableFunc(sorted, func(a, b revision) int { return a.StartsAt.Compare(b.StartsAt) })
	for _, r := range sorted {
		err := table.Append(r.CustomerID, r.Product, r.StartsAt, orNull(r.EndsAt), r.Anchor, r.StripeSubscription,
			r.StripeHold, r.PastDue, orNull(r.TrialFrom), orNull(r.TrialTo), string(r.Seats), r.Origin, r.removed)
		if err != nil {
			return fmt.Errorf("store subscription of customer %s: %w", r.CustomerID, err)
		}
	}
	err = w.Exec(ctx, "subscription/insert_subscriptions.sql",
		warehouse.Params{"new_subscriptions": table, "revision": number, "now": now.UTC()})
	if err != nil {
		return fmt.Errorf("store subscriptions: %w", err)
	}
	return nil
}

// orNull is null for the zero time.
func orNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}
