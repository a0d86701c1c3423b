package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// The accounts of a journal.
const (
	Receivable        = "accounts_receivable" // what Stripe bills
	Unbilled          = "unbilled_receivable" // charges that Stripe does not have yet
	Deferred          = "deferred_revenue"    // prices of allowances that are neither used nor lapsed
	RevenueUsed       = "revenue_allowance"   // the share of a price that was used
	RevenueBreakage   = "revenue_breakage"    // the share that lapsed with its period
	RevenueOverage    = "revenue_overage"     // usage beyond the allowance
	eventDeferred     = "deferred"            // a period begins
	eventUsed         = "used"                // credits of it were used
	eventBreakage     = "breakage"            // it ends, and the rest lapses
	eventOverage      = "overage"             // charges that Stripe has
	eventOverageAhead = "overage_not_billed"  // charges that Stripe does not have yet
	statePosted       = "posted"              // of v_charges
	stateOpen         = "open"                // of v_charges
)

// ErrUnbalanced is returned when a journal's debits are not its credits: nothing is written then.
var ErrUnbalanced = errors.New("debits and credits differ")

// ErrNotAggregated is returned when no aggregate run has counted the month's usage to its end.
var ErrNotAggregated = errors.New("its usage is not aggregated to its end")

// Journal is what one month's entries are, by product. DebitMinor = CreditMinor; what is deferred at its end is what
// was at its start, with what was deferred, without what was used and what lapsed.
type Journal struct {
	Month              string    `json:"month"`
	Currency           string    `json:"currency"`
	DebitMinor         int64     `json:"debit_minor"`
	CreditMinor        int64     `json:"credit_minor"`
	DeferredStartMinor int64     `json:"deferred_at_start_minor"`
	DeferredEndMinor   int64     `json:"deferred_at_end_minor"`
	Entries            []Entry   `json:"entries"`
	LeftOut            []LeftOut `json:"left_out"`

	revenue map[holder]int64 // all of its revenue
}

// Entry is a line of a journal. One of both amounts is above zero; amounts are in minor units.
type Entry struct {
	Event       string `json:"event"`
	Product     string `json:"product"`
	Account     string `json:"account"`
	DebitMinor  int64  `json:"debit_minor"`
	CreditMinor int64  `json:"credit_minor"`
}

// LeftOut is what a journal says nothing of, and why.
type LeftOut struct {
	Product string `json:"product"`
	Reason  string `json:"reason"`
	Count   int    `json:"count"` // periods, or charges
}

// Month is an accounting month, [Start, End), as people write it: 2026-10.
type Month struct {
	Name       string
	Start, End time.Time
}

// ParseMonth reads a month such as 2026-10 of the timezone's calendar.
func ParseMonth(text string, zone *time.Location) (Month, error) {
	start, err := time.ParseInLocation("2006-01", text, zone)
	if err != nil {
		return Month{}, fmt.Errorf("want a month such as 2026-10, not %q", text)
	}
	return Month{Name: text, Start: start, End: start.AddDate(0, 1, 0)}, nil
}

// chargesOf are the charges of a customer, product and state: a row of journal_charges.sql.
type chargesOf struct {
	Customer   string `ch:"customer_id"`
	Product    string `ch:"product"`
	Currency   string `ch:"currency"`
	State      string `ch:"state"`
	Charges    uint64 `ch:"charges"`
	TotalMinor int64  `ch:"total_minor"`
}

// MakeJournal makes the journal of a month: of the subscriptions' periods at the catalog's prices, used as the latest
// aggregate run has it, and of the charges of one of Stripe's modes.
func MakeJournal(
	ctx context.Context, w *warehouse.Warehouse, catalog *schemas.Catalog, month Month, livemode bool,
) (Journal, error) {
	var asOf time.Time
	if err := w.QueryRow(ctx, "invoice/journal_run.sql", nil, &asOf); err != nil {
		return Journal{}, err
	}
	if asOf.Before(month.End) {
		return Journal{}, fmt.Errorf("journal of %s: %w; run: creditmill aggregate --as-of %s", month.Name,
			ErrNotAggregated, month.End.Format(time.RFC3339))
	}
	allowances, left, err := allowancesOf(ctx, w, catalog, month)
	if err != nil {
		return Journal{}, err
	}
	mode := 0
	if livemode {
		mode = 1
	}
	charges, err := warehouse.Select[chargesOf](ctx, w, "invoice/journal_charges.sql",
		warehouse.Params{"from": month.Start, "to": month.End, "livemode": mode})
	if err != nil {
		return Journal{}, err
	}
	return journalOf(catalog, month, allowances, charges, left)
}

// booking is an event of a product.
type booking struct{ event, product, debit, credit string }

// holder is a customer and a product that it has.
type holder struct{ customer, product string }

// journalist adds bookings up.
type journalist struct {
	catalog *schemas.Catalog
	month   Month
	sums    map[booking]int64
	revenue map[holder]int64
	leftOut map[LeftOut]int // by product and reason
	journal Journal
}

func journalOf(
	catalog *schemas.Catalog, month Month, allowances []allowance, charges []chargesOf, left []LeftOut,
) (Journal, error) {
	j := journalist{
		catalog: catalog, month: month, sums: map[booking]int64{}, leftOut: map[LeftOut]int{},
		revenue: map[holder]int64{},
		journal: Journal{Month: month.Name, Currency: catalog.Currency.Code, Entries: []Entry{}, LeftOut: []LeftOut{}},
	}
	for _, of := range left {
		j.leave(of.Product, of.Reason, of.Count)
	}
	for _, period := range allowances {
		if err := j.allowance(period); err != nil {
			return Journal{}, fmt.Errorf("journal of %s, %s from %s: %w", period.customer, period.Product.ID,
				period.Start.UTC().Format(time.RFC3339), err)
		}
	}
	for _, each := range charges {
		j.charges(each)
	}
	return j.close()
}

// leave notes that something is not in the journal.
func (j *journalist) leave(product, reason string, count int) {
	j.leftOut[LeftOut{Product: product, Reason: reason}] += count
}

// allowance books what the month saw of a period: its price when it begins, the share that was used by the end of the
// month beyond what was used before it, and the rest when it ends.
func (j *journalist) allowance(period allowance) error {
	price, err := j.priceOf(period)
	if err != nil || price == 0 {
		return err
	}
	started, ended := !period.Start.Before(j.month.Start), !period.End.After(j.month.End)
	product := period.Product.ID
	before, err := releasedBy(price, period, period.usedBefore, j.month.Start)
	if err != nil {
		return err
	}
	now, err := releasedBy(price, period, period.usedTo, j.month.End)
	if err != nil {
		return err
	}
	now = max(now, before)
	if started {
		j.sums[booking{eventDeferred, product, Receivable, Deferred}] += price
	} else {
		j.journal.DeferredStartMinor += price - before
	}
	j.sums[booking{eventUsed, product, Deferred, RevenueUsed}] += now - before
	j.revenue[holder{period.customer, product}] += now - before
	if ended {
		j.sums[booking{eventBreakage, product, Deferred, RevenueBreakage}] += price - now
		j.revenue[holder{period.customer, product}] += price - now
	} else {
		j.journal.DeferredEndMinor += price - now
	}
	return nil
}

// releasedBy is the share of the price that was used by a time: in proportion to the credits of the allowance, and
// where it has no end or no credits in proportion to time.
func releasedBy(price int64, period allowance, used decimal.Decimal, at time.Time) (int64, error) {
	var weights []decimal.Decimal
	if period.granted != nil && period.granted.IsPositive() {
		used = decimal.Min(used, *period.granted)
		weights = []decimal.Decimal{used, period.granted.Sub(used)}
	} else {
		length := period.End.Sub(period.Start)
		elapsed := min(max(0, at.Sub(period.Start)), length)
		weights = []decimal.Decimal{decimal.NewFromInt(int64(elapsed)), decimal.NewFromInt(int64(length - elapsed))}
	}
	shares, err := money.Allocate(price, weights)
	if err != nil {
		return 0, err
	}
	return shares[0], nil
}

// priceOf is what a period costs, in minor units: the price in force at its start, in proportion to time where the
// period is shorter than what the price is for. 0: it costs nothing, or is left out.
func (j *journalist) priceOf(period allowance) (int64, error) {
	price, credits := period.Terms.Price, period.Terms.Credits
	switch {
	case price == nil || period.Trial:
		return 0, nil
	case period.End.IsZero() || credits != nil && credits.Every.LongerThan(price.Every):
		j.leave(period.Product.ID, "its price is due more often than its credits are renewed", 1)
		return 0, nil
	}
	amount := price.Amount
	if period.Product.PerSeat {
		amount = amount.Mul(decimal.NewFromUint64(max(1, period.Seats)))
	}
	full, err := j.catalog.Currency.Round(amount)
	if err != nil || full <= 0 {
		return 0, err
	}
	paid := price.Every.PeriodAt(period.Start, &period.Start, j.catalog.Timezone)
	length, whole := period.End.Sub(period.Start), paid.End.Sub(period.Start)
	if length >= whole {
		return full, nil
	}
	shares, err := money.Allocate(full, []decimal.Decimal{
		decimal.NewFromInt(int64(length)), decimal.NewFromInt(int64(whole - length)),
	})
	if err != nil {
		return 0, err
	}
	return shares[0], nil
}

func (j *journalist) charges(of chargesOf) {
	switch {
	case of.Currency != j.catalog.Currency.Code:
		j.leave(of.Product, "charged in "+of.Currency, int(of.Charges))
	case of.State == statePosted:
		j.sums[booking{eventOverage, of.Product, Receivable, RevenueOverage}] += of.TotalMinor
		j.revenue[holder{of.Customer, of.Product}] += of.TotalMinor
	case of.State == stateOpen:
		j.sums[booking{eventOverageAhead, of.Product, Unbilled, RevenueOverage}] += of.TotalMinor
		j.revenue[holder{of.Customer, of.Product}] += of.TotalMinor
	default:
		j.leave(of.Product, "charges in state "+of.State, int(of.Charges))
	}
}

// close makes entries of the sums, and asserts that they balance and that they lead from one deferred sum to the other.
func (j *journalist) close() (Journal, error) {
	deferred := j.journal.DeferredStartMinor
	for booked, sum := range j.sums {
		debit, credit := booked.debit, booked.credit
		switch {
		case sum == 0:
			continue
		case sum < 0: // more was credited than charged
			debit, credit, sum = credit, debit, -sum
		}
		j.journal.Entries = append(j.journal.Entries,
			Entry{Event: booked.event, Product: booked.product, Account: debit, DebitMinor: sum},
			Entry{Event: booked.event, Product: booked.product, Account: credit, CreditMinor: sum})
	}
	slices.SortFunc(j.journal.Entries, func(x, y Entry) int {
		return cmp.Or(cmp.Compare(x.Product, y.Product), cmp.Compare(x.Event, y.Event),
			cmp.Compare(y.DebitMinor, x.DebitMinor))
	})
	for _, entry := range j.journal.Entries {
		j.journal.DebitMinor += entry.DebitMinor
		j.journal.CreditMinor += entry.CreditMinor
		if entry.Account == Deferred {
			deferred += entry.CreditMinor - entry.DebitMinor
		}
	}
	for left, count := range j.leftOut {
		left.Count = count
		j.journal.LeftOut = append(j.journal.LeftOut, left)
	}
	slices.SortFunc(j.journal.LeftOut, func(x, y LeftOut) int {
		return cmp.Or(cmp.Compare(x.Product, y.Product), cmp.Compare(x.Reason, y.Reason))
	})
	if j.journal.DebitMinor != j.journal.CreditMinor || deferred != j.journal.DeferredEndMinor {
		return Journal{}, fmt.Errorf("journal of %s: debits %d, credits %d, deferred %d, want %d: %w", j.month.Name,
			j.journal.DebitMinor, j.journal.CreditMinor, deferred, j.journal.DeferredEndMinor, ErrUnbalanced)
	}
	j.journal.revenue = j.revenue
	return j.journal, nil
}

// JournalColumns are those of a journal as CSV.
func JournalColumns() []Column {
	return []Column{
		{"month", Text},
		{"event", Text},
		{"product", Text},
		{"account", Text},
		{"currency", Text},
		{"debit", Decimal},
		{"credit", Decimal},
	}
}

// Write writes the entries, and returns how many. Amounts are in the currency; the side that an entry has not is null.
func (j Journal) Write(out Writer) (int, error) {
	currency, err := money.LookupCurrency(j.Currency)
	if err != nil {
		return 0, err
	}
	for i, entry := range j.Entries {
		row := []any{j.Month, entry.Event, entry.Product, entry.Account, j.Currency, nil, nil}
		if entry.DebitMinor > 0 {
			row[5] = currency.FromMinor(entry.DebitMinor)
		} else {
			row[6] = currency.FromMinor(entry.CreditMinor)
		}
		if err := out.Row(row); err != nil {
			return i, fmt.Errorf("write row: %w", err)
		}
	}
	return len(j.Entries), nil
}
