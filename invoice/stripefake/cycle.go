package stripefake

import "time"

// cycle is the end of the nth cycle after start, with month clamping.
func cycle(price *Price, start int64, n int) int64 {
	from := time.Unix(start, 0).UTC()
	n *= price.Recurring.IntervalCount
	switch price.Recurring.Interval {
	case "day":
		return from.AddDate(0, 0, n).Unix()
	case "week":
		return from.AddDate(0, 0, 7*n).Unix()
	case "year":
		n *= 12
	}
	first := time.Date(from.Year(), from.Month()+time.Month(n), 1,
		from.Hour(), from.Minute(), from.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(from.Day(), last)-1).Unix()
}

// renew begins the periods that are due, and finalizes renewal drafts an hour after they were made.
func (s *Server) renew() {
	s.enterPhases()
	for _, x := range s.state.Subscriptions {
		price := find(s.state.Prices, x.PriceKept)
		runs := x.Status == "active" || x.Status == "trialing"
		for runs && price != nil && s.unix() >= x.CurrentPeriodEnd {
			cancels := x.CancelAt != nil && *x.CancelAt <= x.CurrentPeriodEnd && x.Schedule == nil
			if x.CancelAtPeriodEnd || cancels {
				s.cancel(x)
				break
			}
			x.Cycles++
			x.Status = "active"
			x.CurrentPeriodStart = x.CurrentPeriodEnd
			x.CurrentPeriodEnd = cycle(price, x.BillingCycleAnchor, x.Cycles)
			s.periodInvoice(x, price, "subscription_cycle")
		}
	}
	for _, invoice := range s.state.Invoices {
		if invoice.Status == "draft" && invoice.AutoAdvance && s.unix() >= invoice.Created+draftHourS {
			s.finalize(invoice)
		}
	}
}

const (
	draftHourS = 3600
	daySeconds = 24 * 3600
)
