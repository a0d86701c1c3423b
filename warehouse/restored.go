package warehouse

import (
	"context"
	"fmt"
	"time"
)

// MarkRestored says that the warehouse was restored at that time, from a backup of whatever kind: what it knows of
// Stripe may be old. It holds until MarkCaughtUp. Tokens that were revoked since the backup would open the API again,
// so all are.
func (w *Warehouse) MarkRestored(ctx context.Context, at time.Time) error {
	if err := w.Exec(ctx, "warehouse/revoke_tokens.sql", Params{"now": at.UTC()}); err != nil {
		return fmt.Errorf("revoke the tokens of the restored warehouse: %w", err)
	}
	return w.setRestored(ctx, at.UTC().Format(time.RFC3339Nano), at)
}

// MarkCaughtUp says that what Stripe holds was adopted since the warehouse was restored.
func (w *Warehouse) MarkCaughtUp(ctx context.Context, now time.Time) error {
	return w.setRestored(ctx, "", now)
}

func (w *Warehouse) setRestored(ctx context.Context, value string, now time.Time) error {
	err := w.Exec(ctx, "warehouse/set_restored.sql", Params{"restored_at": value, "now": now.UTC()})
	if err != nil {
		return fmt.Errorf("note that the warehouse was restored: %w", err)
	}
	return nil
}

// Restored is when the warehouse was restored; zero where it was not, or where it caught up since.
func (w *Warehouse) Restored(ctx context.Context) (time.Time, error) {
	var value string
	if err := w.QueryRow(ctx, "warehouse/restored.sql", nil, &value); err != nil || value == "" {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return at, fmt.Errorf("read when the warehouse was restored: %w", err)
	}
	return at, nil
}
