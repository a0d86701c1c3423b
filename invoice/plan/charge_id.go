package plan

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// Identity is what makes a charge the same charge, whenever and by whomever it is posted. It has no amount, no run
// and no time of posting. The encoding is version 1 and never changes: golden vectors in the tests hold it.
type Identity struct {
	StripeAccount string
	Livemode      bool
	CustomerID    string
	PeriodStart   time.Time
	PeriodEnd     time.Time
	Currency      string
	// LineCode is overage:<credit system> or adjustment:<credit system>:<n>.
	LineCode string
	// Part counts the parts of an amount above Stripe's limit, from 0.
	Part int
}

// idVersion opens the hashed text.
const idVersion = "v1"

// ChargePrefix begins the id of every charge.
const ChargePrefix = "oc_"

// ChargeID is "oc_" and 26 characters of the identity's hash.
func (i Identity) ChargeID() string {
	livemode := "test"
	if i.Livemode {
		livemode = "live"
	}
	fields := []string{
		idVersion, i.StripeAccount, livemode, i.CustomerID,
		i.PeriodStart.UTC().Format(time.RFC3339Nano), i.PeriodEnd.UTC().Format(time.RFC3339Nano),
		i.Currency, i.LineCode, strconv.Itoa(i.Part),
	}
	// Each field carries its length, so that no two identities are the same text.
	var text strings.Builder
	for _, field := range fields {
		text.WriteString(strconv.Itoa(len(field)) + ":" + field + "|")
	}
	sum := sha256.Sum256([]byte(text.String()))
	encoded := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	return ChargePrefix + strings.ToLower(encoded[:26])
}
