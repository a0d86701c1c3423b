package plan

import (
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// Wording is how charges read on invoices: in the words of the catalog as it is when they are frozen. The zero value
// names products by their ids, and days in UTC.
type Wording struct {
	Catalog *schemas.Catalog
}

// The lines of products that have no words of their own.
const (
	overageLine    = "{product}: {credits} {unit} over the allowance, {period}"
	adjustmentLine = "{product}: adjustment for {period}"
	thresholdLine  = "{product}: usage over the allowance so far, {period}"
	// Those of a feature's share of them.
	overageShare    = "{product}: {feature}, of {credits} {unit} over the allowance, {period}"
	adjustmentShare = "{product}: {feature}, adjustment for {period}"
)

// Line is the text of a charge's line on an invoice.
func (w Wording) Line(charge Charge) string {
	product := w.product(charge.Product)
	template, share, own, credits := overageLine, overageShare, product.LineTemplate, charge.BilledCredits
	if charge.Kind == KindAdjustment {
		template, share, own = adjustmentLine, adjustmentShare, product.AdjustmentTemplate
	}
	if charge.Kind == KindThreshold { // its credits are on the charge of the period's end
		template, own = thresholdLine, ""
	}
	if charge.Group != nil {
		template, credits = share, charge.Group.BilledCredits
	}
	unit := "credits"
	if credits.Abs().Equal(decimal.NewFromInt(1)) {
		unit = "credit"
	}
	if own != "" {
		template, unit = own, w.system(charge.CreditSystem)
	}
	features := make([]string, 0, len(charge.Lines))
	for _, line := range charge.Lines {
		if line.FeatureID != "" {
			features = append(features, line.FeatureID)
		}
	}
	first, last := w.days(charge)
	return schemas.FillLine(template, map[string]string{
		"product": product.Name, "credits": money.Grouped(credits), "unit": unit,
		"period": w.period(charge), "period_start": first.Format(time.DateOnly), "period_end": last.Format(time.DateOnly),
		"feature": strings.Join(features, ", "), "customer": charge.CustomerID,
	})
}

// WholeLine is the text of the charge that a part is of; of another charge it is Line.
func (w Wording) WholeLine(charge Charge) string {
	if group := charge.Group; group != nil {
		charge.Group, charge.BilledCredits, charge.Lines = nil, group.BilledCredits, nil
		for _, feature := range group.Features {
			charge.Lines = append(charge.Lines, Line{FeatureID: feature})
		}
	}
	return w.Line(charge)
}

// Metadata is what the charge's product adds to Stripe's objects; own are added to it, and go first.
func (w Wording) Metadata(charge Charge, own map[string]string) map[string]string {
	metadata := maps.Clone(w.product(charge.Product).Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	maps.Copy(metadata, own)
	return metadata
}

// Span is the charge's period as it is noted at Stripe: its days from the first to the one after the last.
func (w Wording) Span(charge Charge) string {
	return charge.PeriodStart.In(w.zone()).Format(time.DateOnly) + "/" +
		charge.PeriodEnd.In(w.zone()).Format(time.DateOnly)
}

func (w Wording) product(id string) schemas.Product {
	if w.Catalog != nil {
		if product, found := w.Catalog.Product(id); found {
			return product
		}
	}
	return schemas.Product{ID: id, Name: id}
}

func (w Wording) system(id string) string {
	if w.Catalog != nil {
		if system, found := w.Catalog.CreditSystem(id); found {
			return system.Name
		}
	}
	return id
}

func (w Wording) zone() *time.Location {
	if w.Catalog == nil {
		return time.UTC
	}
	return w.Catalog.Timezone
}

// days are the first and the last day of a charge's period, both in it.
func (w Wording) days(charge Charge) (first, last time.Time) {
	last = charge.PeriodEnd
	if last.After(charge.PeriodStart) {
		last = last.Add(-time.Nanosecond)
	}
	return charge.PeriodStart.In(w.zone()), last.In(w.zone())
}

// period writes a period as people do, the last day included: "1–31 Oct 2026", "15 Oct–14 Nov 2026". One that is
// shorter than a day has its times.
func (w Wording) period(charge Charge) string {
	first, last := w.days(charge)
	const day = "2 Jan 2006"
	until := last.Format(day)
	switch {
	case charge.PeriodEnd.Sub(charge.PeriodStart) < 23*time.Hour: // a day on which the clocks change is one
		end := charge.PeriodEnd.In(w.zone())
		return fmt.Sprintf("%s, %s–%s", first.Format(day), first.Format("15:04"), end.Format("15:04"))
	case first.Format(day) == until:
		return until
	case first.Year() != last.Year():
		return first.Format(day) + "–" + until
	case first.Month() != last.Month():
		return first.Format("2 Jan") + "–" + until
	}
	return first.Format("2") + "–" + until
}

// Shorten cuts a text to as many characters as Stripe takes.
func Shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
