// Package plan makes the plan of what is charged: balances of ended periods, what was charged and closed before, holds
// and releases go in, charges come out, each ready, held with its reason, or posted already (Build). It holds the words
// that all of invoice speaks in: Charge and its Identity, FrozenCharge, modes, statuses, closed time, rebills; and
// writes a plan as canonical JSON, whose hash names it, and as CSV.
//
// It is pure: the same inputs give the same plan, byte for byte. It never knows Stripe's client, a clock, the network
// or the warehouse; what they say is handed to it.
package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// Plan is what would be posted, what is held and why, and what is posted already.
type Plan struct {
	SHA     string
	AsOf    time.Time
	Charges []Charge
	// Frozen holds those of Charges that are frozen already, by id.
	Frozen map[string]FrozenCharge
	// Inputs is what it was made from; Loads are those that counted, Known is what the periods were computed with.
	Inputs Inputs
	Loads  []uint64
	Known  aggregate.Known
	// Closings are what was closed before. Narrowed: its periods do not close, since it is another plan's remains.
	Closings Closings
	Narrowed bool
}

// Totals are a plan's sums in one currency, in minor units. What is void and billed again is in none of them.
type Totals struct {
	ReadyMinor  int64 `json:"ready_minor"`
	HeldMinor   int64 `json:"held_minor"`
	PostedMinor int64 `json:"posted_minor"`
}

// Body is the canonical form of a plan.
type Body struct {
	Version       int      `json:"version"`
	StripeAccount string   `json:"stripe_account"`
	Livemode      bool     `json:"livemode"`
	Charges       []Charge `json:"charges"`
}

const (
	planVersion   = 1
	statusCharged = "charged"
)

// seal computes SHA.
func (p Plan) seal() (Plan, error) {
	sum := sha256.New()
	if err := p.writeBody(sum); err != nil {
		return Plan{}, err
	}
	p.SHA = hex.EncodeToString(sum.Sum(nil))
	return p, nil
}

// Body is the canonical JSON that SHA is the hash of: every charge's figures, and for held ones the reason. Whether a
// charge is posted yet is not in it, nor is AsOf, so posting a plan does not change its hash.
func (p Plan) Body() ([]byte, error) {
	var text bytes.Buffer
	err := p.writeBody(&text)
	return text.Bytes(), err
}

// writeBody writes Body piece by piece: of many charges it is large, and a preview needs its hash alone.
func (p Plan) writeBody(w io.Writer) error {
	head, err := Canonical(Body{
		Version: planVersion, StripeAccount: p.Inputs.StripeAccount, Livemode: p.Inputs.Livemode, Charges: []Charge{},
	})
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	if _, err := w.Write(bytes.TrimSuffix(head, []byte("]}"))); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	separator := ""
	err = writeCharges(p.Charges, p.encodeBody, func(text []byte) error {
		if _, err := io.WriteString(w, separator); err != nil {
			return err
		}
		separator = ","
		_, err := w.Write(text)
		return err
	})
	if err == nil {
		_, err = io.WriteString(w, "]}")
	}
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// encodeBody writes charges as they stand in the plan's body.
func (p Plan) encodeBody(j *jsonText, charges []Charge) {
	for i := range charges {
		charge := &charges[i]
		status, reason := charge.Status, charge.HoldReason
		if _, frozen := p.Frozen[charge.ID]; frozen || status == StatusReady {
			status, reason = statusCharged, ""
		}
		if i > 0 {
			j.text = append(j.text, ',')
		}
		j.charge(charge, status, reason)
		j.text = append(j.text, '}')
	}
}

// Totals sums the plan up by currency.
func (p Plan) Totals() map[string]Totals {
	totals := map[string]Totals{}
	for _, charge := range p.Charges {
		sum := totals[charge.Currency]
		switch charge.Status {
		case StatusReady:
			sum.ReadyMinor += charge.AmountMinor
		case StatusHeld:
			sum.HeldMinor += charge.AmountMinor
		case StatusPosted:
			if p.Frozen[charge.ID].Void == nil {
				sum.PostedMinor += charge.AmountMinor
			}
		}
		totals[charge.Currency] = sum
	}
	return totals
}

// ForCustomer is the plan with the charges of one customer only; the hash stays that of the whole plan.
func (p Plan) ForCustomer(customerID string) Plan {
	p.Charges = slices.DeleteFunc(slices.Clone(p.Charges), func(c Charge) bool { return c.CustomerID != customerID })
	return p
}

// Count is the number of charges with a status.
func (p Plan) Count(status string) int {
	count := 0
	for _, charge := range p.Charges {
		if charge.Status == status {
			count++
		}
	}
	return count
}

// Notes are what is worth knowing of a plan and holds nothing.
func (p Plan) Notes() []string {
	notes, billed := []string{}, map[string]bool{}
	for _, charge := range p.Charges {
		billed[charge.Product] = billed[charge.Product] || charge.Status != StatusHeld
	}
	for _, product := range p.Inputs.Catalog.Products {
		for _, terms := range product.Versions {
			if billed[product.ID] && terms.Price != nil && terms.Price.Every.LongerThan(schemas.IntervalMonth) {
				notes = append(notes, fmt.Sprintf("%s is paid every %s: where Stripe's next invoice is more than 35 days away, "+
					"overage does not wait for it; post makes an invoice of the subscription at once", product.ID,
					terms.Price.Every))
				break
			}
		}
	}
	return notes
}

// Query asks for the periods that a plan of an instant needs, computed from the loads alone: those that ended, and
// where the catalog charges overage before a period's end, those that go on.
func Query(asOf time.Time, catalog *schemas.Catalog, loads []uint64) aggregate.Query {
	query := aggregate.Query{AsOf: asOf, Catalog: catalog, EndedOnly: !catalog.ChargesWithin(), Loads: loads}
	if from := catalog.BillingFrom; from != nil {
		query.From = *from
	}
	return query
}

// Differences are what a rebill comes to in the plan, beside what is frozen.
func (p Plan) Differences(rebill Rebill) []Charge {
	found := []Charge{}
	for _, charge := range p.Charges {
		_, frozen := p.Frozen[charge.ID]
		if !frozen && rebill.Pending && charge.CustomerID == rebill.CustomerID &&
			charge.PeriodStart.Equal(rebill.Period.Start) && charge.PeriodEnd.Equal(rebill.Period.End) {
			found = append(found, charge)
		}
	}
	return found
}
