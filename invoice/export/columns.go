package export

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Kind is what a column holds, or nil for null.
type Kind int

// The kinds of columns.
const (
	Text    Kind = iota // string
	Decimal             // decimal.Decimal
	Instant             // time.Time, kept to the microsecond in Parquet
	Exact               // time.Time, kept to the nanosecond
	Day                 // time.Time
	Integer             // int64
	Boolean             // bool
)

// Column is one of an export.
type Column struct {
	Name string
	Kind Kind
}

// focusColumn is a column of FOCUS, or one of ours, which begins with x_.
type focusColumn struct {
	Column
	value func(usage) any
}

// FocusColumns are the columns of Focus, in order.
func FocusColumns() []Column {
	columns := make([]Column, len(focusColumns))
	for i, column := range focusColumns {
		columns[i] = column.Column
	}
	return columns
}

// focusColumns are those of FOCUS 1.2 that apply to usage which is paid for in credits, in alphabetical order.
var focusColumns = []focusColumn{
	{Column{"BilledCost", Decimal}, func(u usage) any { return u.amount }},
	{Column{"BillingAccountId", Text}, func(u usage) any { return first(u.StripeCustomer, u.Customer) }},
	{Column{"BillingAccountName", Text}, func(u usage) any { return u.Customer }},
	{Column{"BillingAccountType", Text}, func(usage) any { return "Customer" }},
	{Column{"BillingCurrency", Text}, func(u usage) any { return strings.ToUpper(u.Currency) }},
	{Column{"BillingPeriodEnd", Instant}, func(u usage) any { _, end := u.billingPeriod(); return end }},
	{Column{"BillingPeriodStart", Instant}, func(u usage) any { start, _ := u.billingPeriod(); return start }},
	{Column{"ChargeCategory", Text}, func(usage) any { return "Usage" }},
	{Column{"ChargeClass", Text}, func(u usage) any {
		if u.correction {
			return "Correction"
		}
		return nil
	}},
	{Column{"ChargeDescription", Text}, usage.description},
	{Column{"ChargeFrequency", Text}, func(usage) any { return "Usage-Based" }},
	{Column{"ChargePeriodEnd", Instant}, func(u usage) any { return u.End }},
	{Column{"ChargePeriodStart", Instant}, func(u usage) any { return u.Start }},
	{Column{"ConsumedQuantity", Decimal}, func(u usage) any { return u.consumed(u.tokens) }},
	{Column{"ConsumedUnit", Text}, func(u usage) any { return u.consumed("Tokens") }},
	{Column{"ContractedCost", Decimal}, func(u usage) any { return u.listCost() }},
	{Column{"ContractedUnitPrice", Decimal}, func(u usage) any { return u.unless(u.unitPrice) }},
	{Column{"EffectiveCost", Decimal}, func(u usage) any { return u.amount }},
	{Column{"InvoiceId", Text}, func(u usage) any { return first(u.Invoice) }},
	{Column{"InvoiceIssuerName", Text}, func(u usage) any { return u.provider }},
	{Column{"ListCost", Decimal}, func(u usage) any { return u.listCost() }},
	{Column{"ListUnitPrice", Decimal}, func(u usage) any { return u.unless(u.unitPrice) }},
	{Column{"PricingCategory", Text}, func(usage) any { return "Standard" }},
	{Column{"PricingCurrency", Text}, func(u usage) any { return u.System }},
	{Column{"PricingCurrencyContractedUnitPrice", Decimal}, func(u usage) any { return u.unless(oneCredit) }},
	{Column{"PricingCurrencyEffectiveCost", Decimal}, func(u usage) any { return u.quantity }},
	{Column{"PricingCurrencyListUnitPrice", Decimal}, func(u usage) any { return u.unless(oneCredit) }},
	{Column{"PricingQuantity", Decimal}, func(u usage) any { return u.quantity }},
	{Column{"PricingUnit", Text}, func(usage) any { return "Credits" }},
	{Column{"ProviderName", Text}, func(u usage) any { return u.provider }},
	{Column{"PublisherName", Text}, func(u usage) any { return u.provider }},
	{Column{"ServiceCategory", Text}, func(usage) any { return "AI and Machine Learning" }},
	{Column{"ServiceName", Text}, func(u usage) any { return u.provider }},
	{Column{"ServiceSubcategory", Text}, func(usage) any { return "Generative AI" }},
	{Column{"SkuId", Text}, func(u usage) any { return first(u.feature, "adjustment") }},
	{Column{"SkuPriceId", Text}, func(u usage) any { return first(u.feature, "adjustment").(string) + "/" + u.Product }},
	{Column{"x_ChargeId", Text}, func(u usage) any { return u.ID }},
	{Column{"x_CustomerId", Text}, func(u usage) any { return u.Customer }},
	{Column{"x_Product", Text}, func(u usage) any { return u.Product }},
}

// oneCredit is the price of a credit, in credits.
var oneCredit = decimal.NewFromInt(1)

// first is the first text that is not empty, or null.
func first(texts ...string) any {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return nil
}

// unless is null for a correction.
func (u usage) unless(value any) any {
	if u.correction {
		return nil
	}
	return value
}

// consumed is null where no tokens were counted: a line may count something else, or be a difference.
func (u usage) consumed(value any) any {
	if u.correction || !u.tokens.IsPositive() {
		return nil
	}
	return value
}

// billingPeriod is the period itself, and for a correction the month in which it was charged.
func (u usage) billingPeriod() (start, end time.Time) {
	if !u.correction {
		return u.Start, u.End
	}
	at := u.FrozenAt.UTC()
	start = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return start, start.AddDate(0, 1, 0)
}

func (u usage) description() any {
	what := "Usage of " + u.feature + " beyond the allowance of " + u.Product
	if u.correction {
		what = "Adjustment of " + u.Product
	}
	return fmt.Sprintf("%s, %s to %s", what, u.Start.UTC().Format(time.DateOnly), u.End.UTC().Format(time.DateOnly))
}
