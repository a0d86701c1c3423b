package plan

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// jsonText writes charges and entries exactly as encoding/json does without HTML escapes, but without reflection and
// without memory for each value: a plan is written twice, for its hash and for its readers, and may be very long. A
// test holds it against encoding/json.
type jsonText struct {
	text []byte
	err  error
}

// charge opens an object and writes all of a charge's fields but the closing brace.
func (j *jsonText) charge(c *Charge, status, holdReason string) {
	j.text = append(j.text, '{')
	j.string(`"charge_id":`, c.ID)
	j.string(`,"customer_id":`, c.CustomerID)
	j.string(`,"stripe_customer":`, c.StripeCustomer)
	j.string(`,"product":`, c.Product)
	j.string(`,"credit_system":`, c.CreditSystem)
	j.string(`,"kind":`, c.Kind)
	j.time(`,"period_start":`, c.PeriodStart)
	j.time(`,"period_end":`, c.PeriodEnd)
	j.string(`,"currency":`, c.Currency)
	j.decimal(`,"billable_credits":`, &c.BillableCredits)
	j.decimal(`,"billed_credits":`, &c.BilledCredits)
	j.decimal(`,"amount_exact":`, &c.AmountExact)
	j.int(`,"amount_minor":`, &c.AmountMinor)
	j.decimal(`,"residual":`, &c.Residual)
	j.lines(`,"lines":`, c.Lines)
	j.string(`,"status":`, status)
	j.string(`,"hold_reason":`, holdReason)
	if c.Tax != nil {
		j.other(`,"tax":`, c.Tax)
	}
	if c.PartOf != "" {
		j.string(`,"part_of":`, c.PartOf)
	}
}

func (j *jsonText) lines(name string, lines []Line) {
	j.text = append(j.text, name...)
	if lines == nil {
		j.text = append(j.text, "null"...)
		return
	}
	j.text = append(j.text, '[')
	for i := range lines {
		if i > 0 {
			j.text = append(j.text, ',')
		}
		line := &lines[i]
		j.string(`{"feature_id":`, line.FeatureID)
		j.bigInt(`,"tokens":`, line.Tokens)
		if len(line.Units) > 0 {
			j.other(`,"units":`, line.Units)
		}
		j.decimal(`,"credits":`, &line.Credits)
		j.int(`,"amount_minor":`, &line.AmountMinor)
		j.text = append(j.text, '}')
	}
	j.text = append(j.text, ']')
}

func (j *jsonText) string(name, value string) {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			j.other(name, value)
			return
		}
	}
	j.text = append(append(append(append(j.text, name...), '"'), value...), '"')
}

func (j *jsonText) time(name string, value time.Time) {
	j.text = append(append(j.text, name...), '"')
	text, err := value.AppendText(j.text)
	if err != nil {
		j.err = fmt.Errorf("write time %v: %w", value, err)
		return
	}
	j.text = append(text, '"')
}

// decimal writes nil as null.
func (j *jsonText) decimal(name string, value *decimal.Decimal) {
	j.text = append(j.text, name...)
	if value == nil {
		j.text = append(j.text, "null"...)
		return
	}
	j.text = append(money.Append(append(j.text, '"'), *value), '"')
}

// int writes nil as null.
func (j *jsonText) int(name string, value *int64) {
	j.text = append(j.text, name...)
	if value == nil {
		j.text = append(j.text, "null"...)
		return
	}
	j.text = strconv.AppendInt(j.text, *value, 10)
}

// bigInt writes nil as null.
func (j *jsonText) bigInt(name string, value *big.Int) {
	j.text = append(j.text, name...)
	switch {
	case value == nil:
		j.text = append(j.text, "null"...)
	case value.IsUint64():
		j.text = strconv.AppendUint(j.text, value.Uint64(), 10)
	default:
		j.text = value.Append(j.text, 10)
	}
}

// other writes what is rare as encoding/json does.
func (j *jsonText) other(name string, value any) {
	text, err := Canonical(value)
	if err != nil {
		j.err = fmt.Errorf("write %s %w", name, err)
	}
	j.text = append(append(j.text, name...), text...)
}
