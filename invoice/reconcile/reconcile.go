// Package reconcile compares what the ledger holds with what Stripe does, and says of each charge and item how it
// stands. It writes nothing, and knows nothing of how a charge is posted.
package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
)

// Class says how a charge here and the items at Stripe agree.
type Class string

// The classes. All but ClassMatched, ClassOpen and ClassRebilled need a person.
const (
	// ClassMatched: one item with the charge's figures, on its way to an invoice or on one that is good.
	ClassMatched Class = "MATCHED"
	// ClassOpen: not known to be at Stripe yet; the next post goes on with it.
	ClassOpen Class = "OPEN"
	// ClassHeld: not posted until the reason is gone, or refused by Stripe.
	ClassHeld Class = "HELD"
	// ClassMissing: it was posted, and Stripe has no item any more. It is not posted again.
	ClassMissing Class = "MISSING"
	// ClassExtra: an item with a charge id that is not known here.
	ClassExtra Class = "EXTRA"
	// ClassDuplicate: several items for one charge.
	ClassDuplicate Class = "DUPLICATE"
	// ClassDrift: the item has other figures than the charge.
	ClassDrift Class = "AMOUNT_DRIFT"
	// ClassStuck: an item has been pending for longer than a billing cycle.
	ClassStuck Class = "STUCK_PENDING"
	// ClassOnVoid: the item's invoice is void or uncollectible.
	ClassOnVoid Class = "ON_VOID"
	// ClassRebilled: its invoice is void, and a person has it billed again.
	ClassRebilled Class = "REBILLED"
	// ClassStaleDraft: an invoice of a charge's own that nobody finalized.
	ClassStaleDraft Class = "STALE_DRAFT"
)

// Finding is a charge, or an item, and how it stands.
type Finding struct {
	Class          Class    `json:"class"`
	ChargeID       string   `json:"charge_id"`
	PartOf         string   `json:"part_of,omitempty"`
	CustomerID     string   `json:"customer_id"`
	StripeCustomer string   `json:"stripe_customer"`
	StripeIDs      []string `json:"stripe_ids"`
	Currency       string   `json:"currency"`
	PlannedMinor   int64    `json:"planned_minor"`
	PostedMinor    int64    `json:"posted_minor"`
	InvoiceID      string   `json:"invoice_id"`
	InvoiceStatus  string   `json:"invoice_status"`
	Detail         string   `json:"detail"`
}

// Balance is a currency's sums, in minor units. Planned = Acked + Open + Held where no charge has drifted, and
// Posted = Acked where nothing is missing, extra or twice.
type Balance struct {
	PlannedMinor int64 `json:"planned_minor"`
	AckedMinor   int64 `json:"acked_minor"`
	OpenMinor    int64 `json:"open_minor"`
	HeldMinor    int64 `json:"held_minor"`
	// ManualMinor is what of AckedMinor was settled by persons.
	ManualMinor int64 `json:"manual_minor"`
	// PostedMinor is what Stripe's items with charge ids add up to, those unknown here included.
	PostedMinor int64 `json:"posted_minor"`
}

// Twice is a charge of which Stripe holds several items.
type Twice struct {
	Charge plan.FrozenCharge
	Items  int
}

// Result is the ledger compared with Stripe.
type Result struct {
	Counts   map[Class]int
	Balances map[string]Balance
	// Findings are all charges and items but the matched ones, by class and charge id.
	Findings []Finding
	// Twice are the charges of the duplicates, by charge id.
	Twice []Twice
	// Settlements are the invoices on which matched items ended.
	Settlements []ledger.Settlement
}

// NeedsPerson counts the findings that no further post will fix.
func (r Result) NeedsPerson() int {
	count := 0
	for class, number := range r.Counts {
		if class != ClassMatched && class != ClassOpen && class != ClassRebilled {
			count += number
		}
	}
	return count
}

// Books are what a comparison is worked out from.
type Books struct {
	Plan    plan.Plan
	Frozen  []plan.FrozenCharge
	Items   []*stripego.InvoiceItem
	Bills   []*stripego.Invoice
	Catalog *schemas.Catalog
	// Now is when an item has been pending, or an invoice a draft, for too long.
	Now time.Time
}

// Listed are Stripe's items, credit notes among them, and invoices from the time on at which one of the charges can
// have been made.
func Listed(
	ctx context.Context, client *stripe.Client, frozen []plan.FrozenCharge, asOf time.Time,
) ([]*stripego.InvoiceItem, []*stripego.Invoice, error) {
	from := asOf.Add(-2 * plan.DefaultLateWindow)
	for _, charge := range frozen {
		if earliest := charge.ListedFrom(); earliest.Before(from) {
			from = earliest
		}
	}
	created := url.Values{"created[gte]": {strconv.FormatInt(from.Unix(), 10)}}
	items, err := client.InvoiceItems(ctx, created)
	if err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(frozen, func(f plan.FrozenCharge) bool {
		return f.Mode == plan.ModeCreditNote || strings.HasPrefix(f.StripeID, "cn_")
	}) {
		credits, err := client.CreditNotes(ctx, created)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, credits...)
	}
	bills, err := client.Invoices(ctx, created)
	return items, bills, err
}

// comparison is what Compare works on.
type comparison struct {
	Books
	items map[string][]*stripego.InvoiceItem
	bills map[string]*stripego.Invoice
	out   Result
}

// Compare says how each charge and item stands.
func Compare(books Books) Result {
	c := &comparison{
		Books: books, items: map[string][]*stripego.InvoiceItem{}, bills: map[string]*stripego.Invoice{},
		out: Result{Counts: map[Class]int{}, Balances: map[string]Balance{}, Findings: []Finding{}},
	}
	for _, bill := range books.Bills {
		c.bills[bill.ID] = bill
	}
	for _, item := range books.Items {
		if id := item.Metadata[stripe.MetadataChargeID]; id != "" {
			c.items[id] = append(c.items[id], item)
			c.add(string(item.Currency), Balance{PostedMinor: item.Amount})
		}
	}
	known := map[string]*plan.FrozenCharge{}
	for i := range books.Frozen {
		charge := &books.Frozen[i]
		known[charge.ID] = charge
		c.charge(charge)
	}
	for _, charge := range books.Plan.Charges {
		if known[charge.ID] == nil {
			c.planned(charge)
		}
	}
	for id, items := range c.items {
		if known[id] == nil {
			c.extra(id, items)
		}
	}
	for _, bill := range books.Bills {
		c.draft(bill, known[bill.Metadata[stripe.MetadataBillID]])
	}
	slices.SortFunc(c.out.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.ChargeID, b.ChargeID),
			cmp.Compare(a.InvoiceID, b.InvoiceID))
	})
	slices.SortFunc(c.out.Twice, func(a, b Twice) int { return cmp.Compare(a.Charge.ID, b.Charge.ID) })
	return c.out
}

func (c *comparison) add(currency string, more Balance) {
	sum := c.out.Balances[currency]
	sum.PlannedMinor += more.PlannedMinor
	sum.AckedMinor += more.AckedMinor
	sum.ManualMinor += more.ManualMinor
	sum.OpenMinor += more.OpenMinor
	sum.HeldMinor += more.HeldMinor
	sum.PostedMinor += more.PostedMinor
	c.out.Balances[currency] = sum
}

func (c *comparison) find(finding Finding) {
	c.out.Counts[finding.Class]++
	if finding.Class != ClassMatched {
		c.out.Findings = append(c.out.Findings, finding)
	}
}

// charge classifies one that is frozen.
func (c *comparison) charge(charge *plan.FrozenCharge) {
	items := c.items[charge.ID]
	finding := Finding{
		ChargeID: charge.ID, PartOf: charge.PartOf, CustomerID: charge.CustomerID, StripeCustomer: charge.StripeCustomer,
		StripeIDs: []string{},
		Currency:  charge.Currency, PlannedMinor: charge.AmountMinor,
	}
	for _, item := range items {
		finding.StripeIDs = append(finding.StripeIDs, item.ID)
		finding.PostedMinor += item.Amount
	}
	planned := Balance{PlannedMinor: charge.AmountMinor}
	switch charge.State {
	case plan.StatePosted:
		planned.AckedMinor = charge.ChargedMinor()
	case plan.StateManual:
		planned.AckedMinor, planned.ManualMinor = charge.AmountMinor, charge.AmountMinor
	case plan.StateRejected:
		planned.HeldMinor = charge.AmountMinor
	default:
		planned.OpenMinor = charge.AmountMinor
	}
	c.add(charge.Currency, planned)
	c.classify(&finding, charge, items)
	c.find(finding)
}

func (c *comparison) classify(finding *Finding, charge *plan.FrozenCharge, items []*stripego.InvoiceItem) {
	set := func(class Class, format string, values ...any) {
		finding.Class, finding.Detail = class, fmt.Sprintf(format, values...)
	}
	switch {
	case len(items) > 1:
		set(ClassDuplicate, "Stripe holds %d items; remove all but one: --repair does so while they are not invoiced",
			len(items))
		c.out.Twice = append(c.out.Twice, Twice{Charge: *charge, Items: len(items)})
		return
	case len(items) == 0 && charge.State == plan.StateManual:
		set(ClassMatched, "settled by hand")
		return
	case len(items) == 0 && charge.State == plan.StateRejected:
		set(ClassHeld, "Stripe refused it permanently: bill it by hand or waive it, then resolve it")
		return
	case len(items) == 0 && charge.State == plan.StatePosted:
		set(ClassMissing, "item %s is gone; it is not posted again by itself", charge.StripeID)
		return
	case len(items) == 0:
		set(ClassOpen, "not known to be at Stripe; post again")
		return
	}
	item := items[0]
	bill := c.bill(item)
	if bill != nil {
		finding.InvoiceID, finding.InvoiceStatus = bill.ID, string(bill.Status)
		c.out.Settlements = append(c.out.Settlements, ledger.Settlement{
			ChargeID: charge.ID, InvoiceID: bill.ID, Status: string(bill.Status), AmountMinor: item.Amount,
		})
	}
	pendingSince := time.Unix(item.Date, 0).UTC()
	differs := stripe.ItemDiffers(item, stripe.Wanted{
		ChargeID: charge.ID, AmountMinor: charge.AmountMinor, Currency: charge.Currency, Customer: charge.StripeCustomer,
		Livemode: charge.Livemode,
	})
	switch {
	case differs != "":
		set(ClassDrift, "Stripe holds it with %s", differs)
	case charge.State == plan.StateRejected:
		set(ClassHeld, "Stripe refused it permanently, yet has %s", item.ID)
	case charge.State == plan.StateOpen:
		set(ClassOpen, "Stripe has %s, the ledger does not know it yet; post again", item.ID)
	case charge.Void != nil && bill != nil && bill.Status == stripego.InvoiceStatusVoid:
		set(ClassRebilled, "invoice %s is void, and the charge is billed again, says %s: %s", bill.ID, charge.Void.By,
			charge.Void.Reason)
	case charge.Void != nil:
		set(ClassDuplicate, "it is billed again since its invoice %s was void, yet it is where it may be paid: write a "+
			"credit note on one of the two", charge.Void.Invoice)
	case bill != nil && bill.Status == stripego.InvoiceStatusVoid:
		set(ClassOnVoid, "invoice %s is void: the charge will not be paid; to bill it again run `creditmill invoice "+
			"rebill %s --reason …`", bill.ID, charge.ID)
	case bill != nil && bill.Status == stripego.InvoiceStatusUncollectible:
		set(ClassOnVoid, "invoice %s is %s: the charge will not be paid", bill.ID, bill.Status)
	case bill == nil && c.Now.Sub(pendingSince) > c.cycle(charge):
		set(ClassStuck, "pending since %s, which is more than one billing cycle", pendingSince.Format(time.DateOnly))
	default:
		set(ClassMatched, "")
	}
}

// bill is the invoice that an item is on; one too old to be listed is known by its id only.
func (c *comparison) bill(item *stripego.InvoiceItem) *stripego.Invoice {
	if item.Invoice == nil || item.Invoice.ID == "" {
		return nil
	}
	if bill := c.bills[item.Invoice.ID]; bill != nil {
		return bill
	}
	return item.Invoice
}

// cycle is the time between two invoices of a charge's subscription, and a day for Stripe to make them.
func (c *comparison) cycle(charge *plan.FrozenCharge) time.Duration {
	length := charge.PeriodEnd.Sub(charge.PeriodStart)
	product, _ := c.Catalog.Product(charge.Product)
	if price := product.At(charge.PeriodStart).Price; price != nil && price.Every != schemas.IntervalOnce {
		period := price.Every.PeriodAt(charge.PeriodStart, &charge.PeriodStart, c.Catalog.Timezone)
		length = max(length, period.End.Sub(period.Start))
	}
	return length + 24*time.Hour
}

// planned counts a charge that is not frozen yet.
func (c *comparison) planned(charge plan.Charge) {
	finding := Finding{
		Class: ClassOpen, ChargeID: charge.ID, PartOf: charge.PartOf, CustomerID: charge.CustomerID,
		StripeCustomer: charge.StripeCustomer, StripeIDs: []string{}, Currency: charge.Currency,
		PlannedMinor: charge.AmountMinor,
		Detail:       "ready: `creditmill invoice post` posts it",
	}
	sums := Balance{PlannedMinor: charge.AmountMinor, OpenMinor: charge.AmountMinor}
	if charge.Status == plan.StatusHeld {
		finding.Class, finding.Detail = ClassHeld, charge.HoldReason
		sums = Balance{PlannedMinor: charge.AmountMinor, HeldMinor: charge.AmountMinor}
	}
	if items := c.items[charge.ID]; len(items) > 0 {
		finding.Detail += "; Stripe has it all the same: was the warehouse restored from a backup?"
	}
	c.add(charge.Currency, sums)
	c.find(finding)
}

// extra are items with the metadata of a charge that is not frozen here.
func (c *comparison) extra(chargeID string, items []*stripego.InvoiceItem) {
	finding := Finding{
		Class: ClassExtra, ChargeID: chargeID, PartOf: items[0].Metadata[stripe.MetadataPartOf],
		CustomerID: items[0].Metadata[stripe.MetadataAccount], StripeIDs: []string{},
		Currency: string(items[0].Currency), Detail: "no charge of this id was ever frozen here",
	}
	if items[0].Customer != nil {
		finding.StripeCustomer = items[0].Customer.ID
	}
	for _, item := range items {
		finding.StripeIDs = append(finding.StripeIDs, item.ID)
		finding.PostedMinor += item.Amount
	}
	c.find(finding)
}

// draftPatience is how long an invoice of a charge's own may stay a draft: one that a person finalizes, longer.
const (
	draftPatience       = 24 * time.Hour
	draftPatienceManual = 7 * 24 * time.Hour
)

// draft finds invoices of charges that nobody finalized.
func (c *comparison) draft(bill *stripego.Invoice, charge *plan.FrozenCharge) {
	if bill.Metadata[stripe.MetadataBillID] == "" || bill.Status != stripego.InvoiceStatusDraft {
		return
	}
	patience := draftPatience
	if charge != nil && charge.Mode == plan.ModeDraft {
		patience = draftPatienceManual
	}
	made := time.Unix(bill.Created, 0).UTC()
	if c.Now.Sub(made) <= patience {
		return
	}
	finding := Finding{
		Class: ClassStaleDraft, ChargeID: bill.Metadata[stripe.MetadataBillID], StripeIDs: []string{bill.ID},
		Currency: string(bill.Currency), PostedMinor: bill.Total, InvoiceID: bill.ID, InvoiceStatus: string(bill.Status),
		Detail: "a draft since " + made.Format(time.DateOnly) + "; finalize or delete it at Stripe",
	}
	if charge != nil {
		finding.CustomerID, finding.StripeCustomer = charge.CustomerID, charge.StripeCustomer
		finding.PlannedMinor = charge.AmountMinor
		if charge.Group != nil && charge.OwnInvoice() {
			finding.PlannedMinor = charge.Group.AmountMinor
		}
	}
	c.find(finding)
}
