package subscription

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// GrantPriority is the place of a grant in the burn order unless it has its own; lower burns first.
const GrantPriority = 100

// ErrInvalidGrant is returned for a grant that cannot be: what is wrong with it is in the message.
var ErrInvalidGrant = errors.New("invalid grant")

// ErrGrantDiffers is returned when a grant of the same id but with another content is stored.
var ErrGrantDiffers = errors.New("another grant has this id")

// Grant is credits that a customer has besides the allowance, in [StartsAt, ExpiresAt).
type Grant struct {
	// ID is unique among all grants: the same id is granted once.
	ID           string
	CustomerID   string
	CreditSystem string
	// Credits are above zero.
	Credits  decimal.Decimal
	StartsAt time.Time
	// ExpiresAt is exclusive; zero if they never expire.
	ExpiresAt time.Time
	// Priority is the place in the burn order; lower burns first.
	Priority uint32
	// Reason is for people.
	Reason string
	// Every is how often the credits are given again, from StartsAt on and before Until, which is zero where it goes on.
	// Empty: once. ExpiresAt is zero then: what is unused goes when they are given again, unless Keeps.
	Every schemas.Interval `json:",omitzero"`
	Until time.Time        `json:",omitzero"`
	Keeps bool             `json:",omitzero"`
	// RevokedAt is from when on what is unused is gone; zero unless it was taken back. Reason and person are recorded.
	RevokedAt    time.Time `json:",omitzero"`
	RevokeReason string    `json:",omitzero"`
	RevokedBy    string    `json:",omitzero"`
}

// AddGrant stores a grant. Without an ID it gets one made from its content; without a CreditSystem it is in that of the
// product the customer has at StartsAt, or in the only one there is. A grant of the same id and content that is stored
// already changes nothing: added is false then. The caller holds the warehouse's writer lock.
func AddGrant(
	ctx context.Context, w *warehouse.Warehouse, catalog *schemas.Catalog, grant Grant, now time.Time,
) (stored Grant, added bool, err error) {
	grant.StartsAt, grant.ExpiresAt, grant.Until = grant.StartsAt.UTC(), grant.ExpiresAt.UTC(), grant.Until.UTC()
	if err := grant.check(); err != nil {
		return Grant{}, false, err
	}
	if grant.CreditSystem, err = grantedSystem(ctx, w, catalog, grant); err != nil {
		return Grant{}, false, err
	}
	if grant.ID == "" {
		grant.ID = grant.contentID()
	}
	same, err := grantsOf(ctx, w, grant.ID)
	if err != nil {
		return Grant{}, false, err
	}
	if len(same) > 0 {
		if same[0].contentID() != grant.contentID() {
			return Grant{}, false, fmt.Errorf("grant credits to customer %s: %w: %s has %s %s from %s; choose another --id",
				grant.CustomerID, ErrGrantDiffers, same[0].CustomerID, same[0].Credits, same[0].CreditSystem,
				same[0].StartsAt.Format(time.RFC3339Nano))
		}
		return same[0], false, nil
	}
	err = w.Exec(ctx, "subscription/insert_grant.sql", warehouse.Params{
		"grant_id": grant.ID, "customer_id": grant.CustomerID, "credit_system": grant.CreditSystem,
		"credits": grant.Credits, "starts_at": grant.StartsAt, "expires_at": orNull(grant.ExpiresAt),
		"priority": grant.Priority, "reason": grant.Reason, "now": now.UTC(), "every": string(grant.Every),
		"until": orNull(grant.Until), "keeps": grant.Keeps,
	})
	if err != nil {
		return Grant{}, false, fmt.Errorf("grant credits to customer %s: %w", grant.CustomerID, err)
	}
	return grant, true, nil
}

// grantsOf is the grant of an id, if there is one.
func grantsOf(ctx context.Context, w *warehouse.Warehouse, id string) ([]Grant, error) {
	return selectGrants(ctx, w, "subscription/grant_by_id.sql", warehouse.Params{"grant_id": id})
}

// The longest texts of a grant, in bytes.
const (
	maxGrantID     = 256
	maxGrantReason = 1000
)

// maxGrant is far more than anybody grants, and so little that the grants of a customer add up to what can be stored.
var maxGrant = decimal.New(1, 30)

func (g Grant) check() error {
	last := schemas.Never.Add(-time.Nanosecond)
	switch {
	case !g.Credits.IsPositive():
		return fmt.Errorf("%w: credits must be above zero, not %s", ErrInvalidGrant, g.Credits)
	case g.Credits.GreaterThan(maxGrant):
		return fmt.Errorf("%w: credits must be at most 10^30", ErrInvalidGrant)
	case g.StartsAt.Before(beginning) || g.StartsAt.After(last) || g.ExpiresAt.After(last):
		return fmt.Errorf("%w: times are to lie from %d on and before %d", ErrInvalidGrant, beginning.Year(),
			schemas.Never.Year())
	case !g.ExpiresAt.IsZero() && !g.ExpiresAt.After(g.StartsAt):
		return fmt.Errorf("%w: it is to expire after %s, when it starts", ErrInvalidGrant, g.StartsAt.Format(time.RFC3339))
	case g.ID != "" && schemas.NameProblem([]byte(g.ID)) != "":
		return fmt.Errorf("%w: the id %s", ErrInvalidGrant, schemas.NameProblem([]byte(g.ID)))
	case len(g.ID) > maxGrantID:
		return fmt.Errorf("%w: the id must be at most %d bytes", ErrInvalidGrant, maxGrantID)
	case len(g.Reason) > maxGrantReason:
		return fmt.Errorf("%w: the reason must be at most %d bytes", ErrInvalidGrant, maxGrantReason)
	}
	if err := money.Check(g.Credits); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidGrant, err)
	}
	return g.checkRecurrence()
}

// contentID is made from all that the grant says but its id.
func (g Grant) contentID() string {
	expires := ""
	if !g.ExpiresAt.IsZero() {
		expires = g.ExpiresAt.Format(time.RFC3339Nano)
	}
	content := fmt.Sprintf("%q %q %q %q %q %d %q", g.CustomerID, g.CreditSystem, g.Credits,
		g.StartsAt.Format(time.RFC3339Nano), expires, g.Priority, g.Reason)
	if g.Every != "" {
		content += fmt.Sprintf(" %q %q %v", g.Every, g.Until.Format(time.RFC3339Nano), g.Keeps)
	}
	sum := sha256.Sum256([]byte(content))
	return "gr_" + hex.EncodeToString(sum[:12])
}

func grantedSystem(
	ctx context.Context, w *warehouse.Warehouse, catalog *schemas.Catalog, grant Grant,
) (string, error) {
	var known []string
	for _, system := range catalog.CreditSystems {
		known = append(known, system.ID)
	}
	if grant.CreditSystem != "" {
		if !slices.Contains(known, grant.CreditSystem) {
			return "", fmt.Errorf("%w: unknown credit system %q; the catalog has %s", ErrInvalidGrant, grant.CreditSystem,
				strings.Join(known, ", "))
		}
		return grant.CreditSystem, nil
	}
	if len(known) == 1 {
		return known[0], nil
	}
	held, err := Of(ctx, w, []string{grant.CustomerID})
	if err != nil {
		return "", err
	}
	held, _ = Apart(held, catalog)
	laidOut, err := segments(held, catalog)
	if err != nil {
		return "", err
	}
	periods := spans(laidOut, grant.StartsAt, grant.StartsAt, catalog.Timezone)
	if system := periods[len(periods)-1].CreditSystem(); system != "" {
		return system, nil
	}
	return "", fmt.Errorf("%w: say which credits with --system: %s", ErrInvalidGrant, strings.Join(known, ", "))
}

// Grants returns all grants of the given customers (nil: all), sorted by customer and start.
func Grants(ctx context.Context, w *warehouse.Warehouse, customers []string) ([]Grant, error) {
	return selectGrants(ctx, w, "subscription/grants.sql", Only(customers))
}

func selectGrants(
	ctx context.Context, w *warehouse.Warehouse, statement string, params warehouse.Params,
) ([]Grant, error) {
	type row struct {
		ID           string          `ch:"grant_id"`
		CustomerID   string          `ch:"customer_id"`
		CreditSystem string          `ch:"credit_system"`
		Credits      decimal.Decimal `ch:"credits"`
		StartsAt     time.Time       `ch:"starts_at"`
		ExpiresAt    *time.Time      `ch:"expires_at"`
		Priority     uint32          `ch:"priority"`
		Reason       string          `ch:"reason"`
		Every        string          `ch:"every"`
		Until        *time.Time      `ch:"until"`
		Keeps        bool            `ch:"keeps"`
		RevokedAt    *time.Time      `ch:"revoked_at"`
		RevokeReason string          `ch:"revoke_reason"`
		RevokedBy    string          `ch:"revoked_by"`
	}
	rows, err := warehouse.Select[row](ctx, w, statement, params)
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	grants := make([]Grant, 0, len(rows))
	for _, r := range rows {
		grant := Grant{
			ID: r.ID, CustomerID: r.CustomerID, CreditSystem: r.CreditSystem, Credits: r.Credits,
			StartsAt: r.StartsAt.UTC(), ExpiresAt: timeOf(r.ExpiresAt), Priority: r.Priority, Reason: r.Reason,
			Every: schemas.Interval(r.Every), Until: timeOf(r.Until), Keeps: r.Keeps,
			RevokedAt: timeOf(r.RevokedAt), RevokeReason: r.RevokeReason, RevokedBy: r.RevokedBy,
		}
		grants = append(grants, grant)
	}
	return grants, nil
}
