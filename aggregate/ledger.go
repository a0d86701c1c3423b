package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// The burn order of what is no grant; lower burns first.
const (
	rolloverPriority  = 10
	allowancePriority = 50
)

// origin is where a bucket's credits come from.
type origin int

const (
	ofAllowance origin = iota
	ofRollover
	ofGrant
)

// bucket is an amount of credits that usage can be taken from until it expires.
type bucket struct {
	origin   origin
	priority uint32
	expires  time.Time // zero: never
	// revoked is when a grant was taken back, zero: never. Unlike expires, nothing burns the sooner for it.
	revoked time.Time
	since   time.Time
	left    decimal.Decimal
	// periods is in how many periods rollover can be used, the running one included.
	periods int
}

// sortBuckets puts buckets in the order in which they burn: by priority, then the one that expires first, then the
// oldest.
func sortBuckets(buckets []bucket) {
	slices.SortStableFunc(buckets, func(a, b bucket) int {
		byExpiry := a.expires.Compare(b.expires)
		if a.expires.IsZero() != b.expires.IsZero() {
			byExpiry = -byExpiry // never is later than any time
		}
		return cmp.Or(cmp.Compare(a.priority, b.priority), byExpiry, a.since.Compare(b.since))
	})
}

// burn takes the amount from the buckets in their order and returns what they do not cover.
func burn(buckets []bucket, amount decimal.Decimal) (uncovered decimal.Decimal) {
	for i := range buckets {
		if !amount.IsPositive() {
			break
		}
		if !buckets[i].left.LessThan(amount) {
			buckets[i].left = buckets[i].left.Sub(amount)
			return decimal.Zero
		}
		amount = amount.Sub(buckets[i].left)
		buckets[i].left = decimal.Zero
	}
	return amount
}

// ledger is what a customer has of one credit system, followed from period to period. Where something is uncovered,
// nothing is left in any bucket.
type ledger struct {
	coming []bucket // grants that have not started, the earliest first
	held   []bucket // in burn order
	// What the running period took from buckets, and what they did not cover.
	taken, uncovered decimal.Decimal
	// shown says that the running period has credits other than its allowance.
	shown bool
}

// begin opens a period at an instant, with what was carried into it.
func (l *ledger) begin(at time.Time) {
	l.taken, l.uncovered = decimal.Zero, decimal.Zero
	l.shown = false
	l.advance(at)
	l.shown = len(l.held) > 0
}

// add puts a bucket to the others; what is uncovered is taken from it.
func (l *ledger) add(b bucket) {
	l.held = append(l.held, b)
	sortBuckets(l.held)
	l.use(decimal.Zero)
}

// use takes the amount from the buckets, and what was uncovered before.
func (l *ledger) use(amount decimal.Decimal) {
	if !l.uncovered.IsZero() {
		amount = amount.Add(l.uncovered)
	}
	if amount.IsZero() {
		return
	}
	l.uncovered = burn(l.held, amount)
	if !l.uncovered.IsZero() {
		amount = amount.Sub(l.uncovered)
	}
	l.taken = l.taken.Add(amount)
}

// advance lets grants expire and start, in the order of time, up to and including the instant.
func (l *ledger) advance(to time.Time) {
	for {
		next := to
		for _, b := range l.held {
			if b.expiresBy(next) {
				next = b.end()
			}
		}
		if len(l.coming) > 0 {
			next = schemas.Earlier(next, l.coming[0].since)
		}
		l.held = slices.DeleteFunc(l.held, func(b bucket) bool { return b.expiresBy(next) })
		started := 0
		for started < len(l.coming) && !l.coming[started].since.After(next) {
			l.held = append(l.held, l.coming[started])
			started++
		}
		if started > 0 {
			l.coming, l.shown = l.coming[started:], true
			sortBuckets(l.held)
			l.use(decimal.Zero)
		}
		if next.Equal(to) {
			return
		}
	}
}

// expiresBy tells whether a grant has expired at an instant. The others end with periods.
func (b bucket) expiresBy(at time.Time) bool {
	end := b.end()
	return b.origin == ofGrant && !end.IsZero() && !end.After(at)
}

// end is from when on the credits cannot be used; zero: never.
func (b bucket) end() time.Time {
	if b.revoked.IsZero() || !b.expires.IsZero() && b.expires.Before(b.revoked) {
		return b.expires
	}
	return b.revoked
}

// left is what is in the buckets.
func (l *ledger) left() decimal.Decimal {
	sum := decimal.Zero
	for _, b := range l.held {
		sum = sum.Add(b.left)
	}
	return sum
}

// end closes the running period and returns the unused rest of its allowance. Grants and rollover that can still be
// used stay.
func (l *ledger) end() (rest decimal.Decimal) {
	kept := l.held[:0]
	for _, b := range l.held {
		switch b.origin {
		case ofAllowance:
			rest = rest.Add(b.left)
			continue
		case ofRollover:
			b.periods--
			if b.periods == 0 {
				continue
			}
		}
		if b.left.IsPositive() {
			kept = append(kept, b)
		}
	}
	l.held = kept
	return rest
}

// dropRollover takes all rollover away.
func (l *ledger) dropRollover() {
	l.held = slices.DeleteFunc(l.held, func(b bucket) bool { return b.origin == ofRollover })
}

// limitRollover takes what is more than most credits away from the rollover, the oldest first.
func (l *ledger) limitRollover(most decimal.Decimal) {
	var rollover []*bucket
	for i := range l.held {
		if l.held[i].origin == ofRollover {
			rollover = append(rollover, &l.held[i])
		}
	}
	slices.SortFunc(rollover, func(a, b *bucket) int { return b.since.Compare(a.since) })
	for _, b := range rollover {
		b.left = decimal.Min(b.left, most)
		most = most.Sub(b.left)
	}
	l.held = slices.DeleteFunc(l.held, func(b bucket) bool { return b.origin == ofRollover && b.left.IsZero() })
}
