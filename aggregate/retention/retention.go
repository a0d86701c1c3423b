// Package retention removes texts that no figure is made of: properties of events and the raw text of rejects, when
// they are old (Expire), or when a person asks for it (Forget).
//
// Rows stay, with their identity, time, customer, model and quantities: so what counts, what is a duplicate, balances,
// charges and every check of them are the same before and after. What was removed is written down with its sums.
package retention

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// The kinds of removals.
const (
	KindProperties = "properties"
	KindRejects    = "rejects"
	KindForgotten  = "forgotten"
)

// ErrInvalid is returned for a request that cannot be meant.
var ErrInvalid = errors.New("cannot remove")

// Removal is what was or would be removed.
type Removal struct {
	// ID is empty where nothing was removed.
	ID   string `ch:"removal_id"`
	Kind string `ch:"kind"`
	// Subject is the hex SHA-256 of the customer's id, for KindForgotten.
	Subject string    `ch:"subject"`
	Before  time.Time `ch:"before"`
	Rows    uint64    `ch:"rows"`
	Bytes   uint64    `ch:"size_bytes"`
	// Checksum is the sum of xxh3 of the texts, modulo 2^64.
	Checksum uint64    `ch:"checksum"`
	Reason   string    `ch:"reason"`
	By       string    `ch:"requested_by"`
	At       time.Time `ch:"at"`
	// Finished says that it was begun by a command that was cut short.
	Finished bool
}

// KindEvents are whole rows; aggregate.ExpireRows removes them.
const KindEvents = "events"

// Rules say how long texts and rows are kept. Zero keeps them forever.
type Rules struct {
	// Events are raw rows of billed usage, from the time of the load's last event on. Expire leaves them to the
	// aggregator, which knows what is billed.
	Events     time.Duration
	Properties time.Duration // from the event's time on
	Rejects    time.Duration // from the time on at which their load was done
	// LateWindow is the least of all: what may still be billed late stays as it came.
	LateWindow time.Duration
}

// BeforeOf is the instant before which something that is kept so long may be removed.
func (r Rules) BeforeOf(keep time.Duration, now time.Time) time.Time {
	return now.UTC().Add(-max(keep, r.LateWindow))
}

// Remover removes texts from a warehouse whose writers' lock the caller holds.
type Remover struct {
	Warehouse *warehouse.Warehouse
	Now       func() time.Time
	// Fault is called at each step with its name, for tests that end the process there; nil for none.
	Fault func(step string)
	// DryRun measures, and changes nothing.
	DryRun bool
}

// Expire removes what is older than the rules say, and returns what that was, by kind. It first finishes what another
// one began. Where nothing is that old, nothing is written.
func (r Remover) Expire(ctx context.Context, rules Rules) ([]Removal, error) {
	var removals []Removal
	for _, rule := range []struct {
		kind string
		keep time.Duration
	}{{KindProperties, rules.Properties}, {KindRejects, rules.Rejects}} {
		finished, err := r.finish(ctx, rule.kind, "")
		removals = append(removals, finished...)
		if err != nil {
			return removals, err
		}
		if rule.keep == 0 {
			continue
		}
		before := rules.BeforeOf(rule.keep, r.Now())
		done, err := r.remove(ctx, Removal{Kind: rule.kind, Before: before, Reason: "retention"}, "")
		if err != nil {
			return removals, err
		}
		removals = append(removals, done)
	}
	return removals, nil
}

// end is after every event.
var end = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// Forget removes a customer's properties and the raw text of rejects that name it. The customer's id is written nowhere
// by this, only its hash. A second time there is nothing left to remove, and nothing is written. While a load is under
// way, which may bring more of the customer, it removes nothing and returns warehouse.ErrLocked.
func (r Remover) Forget(ctx context.Context, customer, reason, by string) (Removal, error) {
	if customer == "" || strings.TrimSpace(reason) == "" {
		return Removal{}, fmt.Errorf("%w: want a customer and a reason", ErrInvalid)
	}
	if err := r.nothingUnderWay(ctx); err != nil {
		return Removal{}, err
	}
	hash := sha256.Sum256([]byte(customer))
	subject := hex.EncodeToString(hash[:])
	finished, err := r.finish(ctx, KindForgotten, customer)
	if err != nil {
		return Removal{}, err
	}
	done, err := r.remove(ctx, Removal{
		Kind: KindForgotten, Subject: subject, Before: end, Reason: reason, By: by,
	}, customer)
	if err == nil && done.Rows == 0 && len(finished) > 0 {
		return finished[0], nil
	}
	return done, err
}

// nothingUnderWay says which load is being read, if one is.
func (r Remover) nothingUnderWay(ctx context.Context) error {
	type load struct {
		Seq  uint64 `ch:"load_seq"`
		File string `ch:"file"`
	}
	loads, err := warehouse.Select[load](ctx, r.Warehouse, "retention/loads_under_way.sql", nil)
	if err != nil {
		return fmt.Errorf("look for loads under way: %w", err)
	}
	if len(loads) > 0 {
		return fmt.Errorf("load %s (%s) is being read, and may bring more of the customer: nothing was removed; run it "+
			"again once that is done: %w", schemas.LoadID(loads[0].Seq), loads[0].File, warehouse.ErrLocked)
	}
	return nil
}

// finish does again what was begun and is not done; every step of it may be repeated.
func (r Remover) finish(ctx context.Context, kind, customer string) ([]Removal, error) {
	subject := ""
	if customer != "" {
		hash := sha256.Sum256([]byte(customer))
		subject = hex.EncodeToString(hash[:])
	}
	begun, err := warehouse.Select[Removal](ctx, r.Warehouse, "retention/unfinished.sql",
		warehouse.Params{"kind": kind, "subject": subject})
	if err != nil || r.DryRun {
		return nil, err
	}
	for i := range begun {
		if err := r.carryOut(ctx, begun[i], customer); err != nil {
			return nil, err
		}
		begun[i].Finished = true
	}
	return begun, nil
}

// remove measures what must be removed, writes that down, and removes it.
func (r Remover) remove(ctx context.Context, removal Removal, customer string) (Removal, error) {
	for _, statement := range measuring(removal.Kind) {
		var rows, size, checksum uint64
		err := r.Warehouse.QueryRow(ctx, statement, params(removal, customer), &rows, &size, &checksum)
		if err != nil {
			return removal, fmt.Errorf("measure %s: %w", removal.Kind, err)
		}
		removal.Rows += rows
		removal.Bytes += size
		removal.Checksum += checksum
	}
	if removal.Rows == 0 || r.DryRun {
		return removal, nil
	}
	removal.ID, removal.At = "rm_"+strings.ToLower(rand.Text()), r.Now()
	if err := r.record(ctx, removal, "begun"); err != nil {
		return removal, err
	}
	return removal, r.carryOut(ctx, removal, customer)
}

func (r Remover) carryOut(ctx context.Context, removal Removal, customer string) error {
	r.fault("expire-begun")
	for _, statement := range removing(removal.Kind) {
		given := params(removal, customer)
		if statement == removeRawTexts {
			loads, err := r.loadsOfRejects(ctx, removal)
			if err != nil {
				return err
			}
			given["loads"] = loads
		}
		if err := r.Warehouse.Delete(ctx, statement, given); err != nil {
			return fmt.Errorf("remove %s: %w", removal.Kind, err)
		}
		r.fault("expire-step")
	}
	removal.At = r.Now()
	if err := r.record(ctx, removal, "done"); err != nil {
		return err
	}
	r.fault("expire-done")
	return nil
}

// loadsOfRejects are the loads of which raw texts are to be removed.
func (r Remover) loadsOfRejects(ctx context.Context, removal Removal) ([]uint64, error) {
	type load struct {
		Seq uint64 `ch:"load_seq"`
	}
	loads, err := warehouse.Select[load](ctx, r.Warehouse, "retention/loads_of_rejects.sql",
		warehouse.Params{"before": removal.Before})
	if err != nil {
		return nil, fmt.Errorf("list loads with rejects: %w", err)
	}
	seqs := make([]uint64, len(loads))
	for i, load := range loads {
		seqs[i] = load.Seq
	}
	return seqs, nil
}

func (r Remover) fault(step string) {
	if r.Fault != nil {
		r.Fault(step)
	}
}

func (r Remover) record(ctx context.Context, removal Removal, step string) error {
	err := r.Warehouse.Exec(ctx, "retention/record.sql", warehouse.Params{
		"removal_id": removal.ID, "step": step, "kind": removal.Kind, "subject": removal.Subject, "before": removal.Before,
		"rows": removal.Rows, "size_bytes": removal.Bytes, "checksum": removal.Checksum, "reason": removal.Reason,
		"requested_by": removal.By, "at": removal.At,
	})
	if err != nil {
		return fmt.Errorf("write down removal %s: %w", removal.ID, err)
	}
	return nil
}

func params(removal Removal, customer string) warehouse.Params {
	return warehouse.Params{
		"before": removal.Before, "customer": customer, "everyone": removal.Kind != KindForgotten,
	}
}

const removeRawTexts = "retention/remove_rejects.sql"

var (
	measureProperties = []string{"retention/measure_properties.sql"}
	measureRejects    = []string{"retention/measure_rejects.sql"}
	removeProperties  = []string{"retention/remove_properties_usage.sql", "retention/remove_properties_duplicate.sql"}
	removeRejects     = []string{removeRawTexts}
)

func measuring(kind string) []string { return statements(kind, measureProperties, measureRejects) }

func removing(kind string) []string { return statements(kind, removeProperties, removeRejects) }

func statements(kind string, properties, rejects []string) []string {
	switch kind {
	case KindProperties:
		return properties
	case KindRejects:
		return rejects
	default:
		return append(append([]string{}, properties...), rejects...)
	}
}
