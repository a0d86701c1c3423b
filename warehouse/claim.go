package warehouse

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// A claim is how hosts that share nothing but the server agree: a row of the table locks for an epoch of a name, stored
// by compare-and-set. The insert's deduplication token is name/epoch, and of several inserts with one token the server
// keeps the first. So each contender inserts its row for the epoch after the latest one and reads back whose is there.
// All times are the server's clock.
type claim struct {
	Epoch     uint64    `ch:"epoch"`
	Token     string    `ch:"token"`
	Host      string    `ch:"host"`
	PID       uint64    `ch:"pid"`
	IsBrief   bool      `ch:"is_brief"`
	ClaimedAt time.Time `ch:"claimed_at"`
	Holds     bool      `ch:"holds"` // neither released nor expired

	name string
}

func newClaim(name string, epoch uint64, isBrief bool) claim {
	self := thisProcess(nil)
	return claim{
		name: name, Epoch: epoch, Token: rand.Text(), Host: self.Host, IsBrief: isBrief,
		PID: uint64(self.PID), //nolint:gosec // a process id
	}
}

func (c claim) holder() holder {
	return holder{PID: int(c.PID), Host: c.Host, Since: c.ClaimedAt} //nolint:gosec // a process id
}

// params are those of the statements about this claim.
func (c claim) params(life time.Duration) Params {
	return Params{
		"name": c.name, "epoch": c.Epoch, "token": c.Token, "host": c.Host, "pid": c.PID, "is_brief": c.IsBrief,
		"life_seconds": int(life / time.Second),
	}
}

// latestClaim is the one of the highest epoch; its epoch is 0 where there was none. With an epoch it is the one of that
// epoch.
func (w *Warehouse) latestClaim(ctx context.Context, name string, epoch uint64) (claim, error) {
	claims, err := Select[claim](ctx, w, "warehouse/lock_claims.sql", Params{"name": name, "epoch": epoch})
	if err != nil {
		return claim{}, fmt.Errorf("read lock %q: %w", name, err)
	}
	if len(claims) == 0 {
		return claim{name: name}, nil
	}
	if len(claims) > 1 && claims[0].Epoch == claims[1].Epoch {
		return claim{}, fmt.Errorf("read lock %q: the server keeps two claims of epoch %d; "+
			"insert_deduplicate and deduplicate_insert must not be switched off for this user", name, claims[0].Epoch)
	}
	claims[0].name = name
	return claims[0], nil
}

// claiming marks the context of a claim. Whoever takes a lock that this process held leaves its claims alone: what they
// are for, such as the number of the next load, needs no lock, and of two for one epoch one wins.
type claiming struct{}

// tryClaim stores the claim unless another has that epoch, and tells whether it did. After an error nobody knows: what
// was stored all the same is given back.
func (w *Warehouse) tryClaim(ctx context.Context, c claim) (won claim, isOurs bool, err error) {
	asking := clickhouse.Context(context.WithValue(ctx, claiming{}, true), clickhouse.WithSettings(clickhouse.Settings{
		"async_insert": 0, "insert_deduplicate": 1,
		"insert_deduplication_token": c.name + "/" + strconv.FormatUint(c.Epoch, 10),
	}))
	if err = w.Exec(asking, "warehouse/lock_claim.sql", c.params(leaseLife)); err == nil {
		won, err = w.latestClaim(ctx, c.name, c.Epoch)
	}
	if err != nil {
		w.giveBack(c)
		return claim{}, false, fmt.Errorf("take lock %q: %w", c.name, err)
	}
	return won, won.Token == c.Token, nil
}

// giveBack releases the claim. If that fails it ends by itself after leaseLife.
func (w *Warehouse) giveBack(c claim) {
	ctx, cancel := context.WithTimeout(context.Background(), leaseRenew)
	defer cancel()
	if err := w.Exec(ctx, "warehouse/lock_release.sql", c.params(leaseLife)); err != nil {
		w.config.Log.Warn().Str("lock", c.name).Err(err).Msg("lock_release_failed")
	}
}

// lateClaim is the claim that was won, unless one of the epochs that were passed over has come in meanwhile. Whoever
// has that one sees that there is a later one, unless it looked before that was stored: then it is seen here.
func (w *Warehouse) lateClaim(ctx context.Context, won claim, dropped []uint64) (claim, error) {
	for _, epoch := range dropped {
		late, err := w.latestClaim(ctx, won.name, epoch)
		if err != nil || late.Holds {
			return late, err
		}
	}
	return won, nil
}

// claimLock takes the lock of a server, or says who holds it.
func (w *Warehouse) claimLock(ctx context.Context, name string, terms lockTerms) (
	kept *keptClaim, release func(), err error,
) {
	var dropped []uint64 // epochs whose token the server knows, and no claim: of an insert that it ended half-way
	for {
		// Asked first, so that in the usual case of a held lock nothing is written.
		latest, err := w.latestClaim(ctx, name, 0)
		if err != nil {
			return nil, nil, err
		}
		if latest.Holds {
			return nil, nil, &lockedError{
				name: name, holder: latest.holder().String(), isBrief: latest.IsBrief, isLease: true,
			}
		}
		asked, epoch := w.wall(), max(latest.Epoch, slices.Max(append(dropped, 0)))+1
		won, isOurs, err := w.tryClaim(ctx, newClaim(name, epoch, terms.isBrief))
		if err != nil {
			return nil, nil, err
		}
		if won.Epoch == 0 {
			dropped = append(dropped, epoch)
		}
		if !isOurs {
			continue
		}
		// A contender that slept since it asked may have won an epoch that is long past.
		if latest, err = w.latestClaim(ctx, name, 0); err == nil && latest.Token == won.Token {
			latest, err = w.lateClaim(ctx, won, dropped)
		}
		if err != nil || latest.Token != won.Token {
			w.giveBack(won)
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		kept, release = w.keep(won, asked, func() {
			w.config.Log.Error().Str("lock", name).Msg("lock_lost")
			terms.lose()
		})
		return kept, release, nil
	}
}
