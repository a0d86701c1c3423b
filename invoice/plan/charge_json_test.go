package plan

import (
	"math/big"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/schemas"
)

// TestJSONOfCharges: charges and entries are written byte for byte as encoding/json writes their types.
func TestJSONOfCharges(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[a-z_0-9]{0,12}`), rapid.String())
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		nanos := rapid.SampledFrom([]int64{0, 1, 500_000_000}).Draw(t, "nanos")
		return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), nanos).UTC()
	})
	amount := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		coefficient := new(big.Int).Mul(big.NewInt(rapid.Int64().Draw(t, "high")), big.NewInt(rapid.Int64().Draw(t, "low")))
		return decimal.NewFromBigInt(coefficient, rapid.Int32Range(-18, 1).Draw(t, "exponent"))
	})
	line := rapid.Custom(func(t *rapid.T) Line {
		tokens := new(big.Int).Lsh(big.NewInt(rapid.Int64().Draw(t, "tokens")), rapid.UintRange(0, 70).Draw(t, "shift"))
		var units schemas.Others
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z0-9_]{0,8}`), 0, 3, rapid.ID)
		for _, unit := range names.Draw(t, "units") {
			units.AddAll(schemas.Others{{Unit: unit, Quantity: amount.Draw(t, "quantity").Abs()}})
		}
		return Line{text.Draw(t, "feature"), tokens, units, amount.Draw(t, "credits"), rapid.Int64().Draw(t, "minor")}
	})
	code := rapid.Map(text, func(text string) HoldCode { return HoldCode(text) })
	rapid.Check(t, func(t *rapid.T) {
		charge := Charge{
			ID: text.Draw(t, "id"), CustomerID: text.Draw(t, "customer"), StripeCustomer: text.Draw(t, "stripe"),
			Product: text.Draw(t, "product"), CreditSystem: text.Draw(t, "system"), Kind: text.Draw(t, "kind"),
			PeriodStart: instant.Draw(t, "start"), PeriodEnd: instant.Draw(t, "end"), Currency: text.Draw(t, "currency"),
			BillableCredits: amount.Draw(t, "billable"), BilledCredits: amount.Draw(t, "billed"),
			AmountExact: amount.Draw(t, "exact"), AmountMinor: rapid.Int64().Draw(t, "minor"),
			Residual: amount.Draw(t, "residual"), Lines: rapid.SliceOf(line).Draw(t, "lines"),
			Status: text.Draw(t, "status"), HoldReason: text.Draw(t, "reason"),
		}
		if rapid.Bool().Draw(t, "taxed") {
			charge.Tax = &schemas.Tax{Code: text.Draw(t, "code"), Behavior: schemas.TaxBehavior(text.Draw(t, "behavior"))}
		}
		entry := Entry{
			Charge: charge, HoldCodes: rapid.SliceOf(code).Draw(t, "codes"),
			Granted: rapid.Ptr(amount, true).Draw(t, "granted"),
			Overage: rapid.Ptr(amount, true).Draw(t, "overage"), Capped: rapid.Ptr(amount, true).Draw(t, "capped"),
			Used: amount.Draw(t, "used"), PerCredit: rapid.Ptr(amount, true).Draw(t, "per credit"),
			PreviousMinor: rapid.Ptr(rapid.Int64(), true).Draw(t, "previous"),
			ChangeMinor:   rapid.Ptr(rapid.Int64(), true).Draw(t, "change"), ChangePercent: text.Draw(t, "percent"),
		}
		if rapid.Bool().Draw(t, "tiers") {
			entry.Tiers = []schemas.Tier{{UpTo: amount.Draw(t, "up to"), PerCredit: amount.Draw(t, "tier")}, {}}
			entry.Tiers[1].Flat, entry.Minimum = amount.Draw(t, "flat"), amount.Draw(t, "minimum")
			entry.TiersMode = rapid.SampledFrom([]string{"", "volume"}).Draw(t, "tiers mode")
		}
		var j jsonText
		j.charge(&charge, charge.Status, charge.HoldReason)
		sameJSON(t, charge, append(j.text, '}'), j.err)
		j = jsonText{}
		j.entry(&entry)
		sameJSON(t, entry, j.text, j.err)
	})
	var j jsonText
	j.entry(new(Entry))
	sameJSON(t, Entry{}, j.text, j.err)
	j.time("", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	if j.err == nil {
		t.Error("a year of five digits is written")
	}
}

func sameJSON(t rapid.TB, value any, got []byte, err error) {
	t.Helper()
	want, wantErr := Canonical(value)
	if err != nil || wantErr != nil || string(got) != string(want) {
		t.Fatalf("%v %v\n%s\nwant\n%s", err, wantErr, got, want)
	}
}
