package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrNoGrant is returned when no grant has an id.
var ErrNoGrant = errors.New("no such grant")

// Revocation takes a grant back: from At on, what is unused of it is gone, and it is given no more. What was used of it
// stays used.
type Revocation struct {
	GrantID string
	At      time.Time
	// Reason and By are who took it back, and why.
	Reason, By string
}

// RevokeGrant stores a revocation. A grant that was taken back before stays as it is: revoked is false then. The caller
// holds the warehouse's writer lock.
func RevokeGrant(
	ctx context.Context, w *warehouse.Warehouse, revocation Revocation, now time.Time,
) (grant Grant, revoked bool, err error) {
	at := revocation.At.UTC()
	found, err := grantsOf(ctx, w, revocation.GrantID)
	if err != nil {
		return Grant{}, false, err
	}
	if len(found) == 0 {
		return Grant{}, false, fmt.Errorf("revoke grant %s: %w; list them with: creditmill grants", revocation.GrantID,
			ErrNoGrant)
	}
	grant = found[0]
	switch {
	case !grant.RevokedAt.IsZero():
		return grant, false, nil
	case at.Before(beginning) || !at.Before(schemas.Never):
		return Grant{}, false, fmt.Errorf("%w: times are to lie from %d on and before %d", ErrInvalidGrant,
			beginning.Year(), schemas.Never.Year())
	case !grant.ExpiresAt.IsZero() && !at.Before(grant.ExpiresAt):
		return Grant{}, false, fmt.Errorf("%w: nothing is left of %s to revoke, it expires at %s", ErrInvalidGrant, grant.ID,
			grant.ExpiresAt.Format(time.RFC3339))
	case strings.TrimSpace(revocation.Reason) == "" || len(revocation.Reason) > maxGrantReason:
		return Grant{}, false, fmt.Errorf("%w: the reason must have 1 to %d bytes", ErrInvalidGrant, maxGrantReason)
	}
	err = w.Exec(ctx, "subscription/revoke_grant.sql", warehouse.Params{
		"grant_id": grant.ID, "customer_id": grant.CustomerID, "revoked_at": at, "reason": revocation.Reason,
		"by": revocation.By, "now": now.UTC(),
	})
	if err != nil {
		return Grant{}, false, fmt.Errorf("revoke grant %s: %w", grant.ID, err)
	}
	grant.RevokedAt, grant.RevokeReason, grant.RevokedBy = at, revocation.Reason, revocation.By
	return grant, true, nil
}
