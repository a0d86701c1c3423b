package schemas

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"
)

// priceIntervals are those at which Stripe bills a subscription.
var priceIntervals = []Interval{IntervalDay, IntervalWeek, IntervalMonth, IntervalQuarter, IntervalYear}

// unlimited is the `included` of a product without an allowance to count down.
const unlimited = "unlimited"

func (r *catalogReader) readProduct(node ast.Node) {
	o, ok := r.object(node, "a product", productKeys.names())
	if !ok {
		return
	}
	product := Product{ID: r.declare(o, "product"), Name: o.text("name", false), Default: o.bool("default")}
	product.PerSeat = !o.has("per_seat") || o.bool("per_seat")
	product.AddOn = o.bool("add_on")
	if product.Name == "" {
		product.Name = product.ID
	}
	r.readBilling(o, &product)
	if product.Default {
		r.checkDefault(o)
	}
	if !o.has("versions") {
		product.Versions = []ProductVersion{r.readTerms(o, product)}
	} else {
		for _, key := range termsKeys.names() {
			if o.has(key) {
				r.problem(o.fields[key].key, "a product has either versions or %s: move %[1]s into a version", key)
			}
		}
		product.Versions = r.readVersions(o, product)
	}
	if product.AddOn {
		r.checkAddOn(o, product)
	}
	r.catalog.Products = append(r.catalog.Products, product)
}

// checkAddOn refuses what only the product can have that an add-on is beside.
func (r *catalogReader) checkAddOn(o *object, product Product) {
	key := o.fields["add_on"].key
	if product.Default {
		r.problem(key, "default product %q is an add-on: it is what everyone has who has no other", product.ID)
	}
	for _, version := range product.Versions {
		credits := version.Credits
		what := ""
		switch {
		case credits == nil:
			what = "no credits to add"
		case credits.Overage != nil:
			what = "overage: that is sold by the product it is beside"
		case credits.HardCap:
			what = "hard_cap: that is the product's it is beside"
		case credits.Unlimited:
			what = "unlimited credits: they cannot be added"
		case credits.Rollover != Rollover{}:
			what = "rollover: its credits end with its own period"
		case credits.Every == IntervalHour:
			what = "every: hour; it is renewed by the day at the most"
		case version.TrialDays > 0:
			what = "trial: that is the product's it is beside"
		}
		if what != "" {
			r.problem(key, "add-on %q has %s", product.ID, what)
			return
		}
	}
}

// checkDefault refuses a second default product.
func (r *catalogReader) checkDefault(o *object) {
	node := o.fields["default"].key
	if first, twice := r.nodes[nodeID{"default"}]; twice {
		line, column := position(startToken(first))
		r.problem(node, "second default product (first at %d:%d)", line, column)
		return
	}
	r.nodes[nodeID{"default"}] = node
}

func (r *catalogReader) readVersions(o *object, product Product) []ProductVersion {
	var versions []ProductVersion
	for _, node := range o.list("versions", true) {
		version, ok := r.object(node, "a version of a product", versionKeys.names())
		if !ok {
			continue
		}
		terms := r.readTerms(version, product)
		if terms.Effective, ok = version.time("effective", true, r.catalog.Timezone); !ok {
			continue
		}
		if n := len(versions); n > 0 {
			r.checkOrder(version, terms.Effective, versions[n-1].Effective)
		}
		versions = append(versions, terms)
	}
	return versions
}

// readTerms reads price and credits, from the product itself or from one of its versions.
func (r *catalogReader) readTerms(o *object, product Product) ProductVersion {
	var terms ProductVersion
	if node := o.value("price", false); node != nil {
		if product.Default {
			r.problem(o.fields["price"].key, "default product %q has a price: everyone who has bought nothing has it",
				product.ID)
		}
		terms.Price = r.readPrice(node)
	}
	if node := o.value("credits", false); node != nil {
		terms.Credits = r.readCredits(node)
	}
	r.warnOfWait(o, terms)
	if node := o.value("trial", false); node != nil {
		terms.TrialDays = r.readTrial(node, product)
		if terms.Credits == nil {
			r.warning(o.fields["trial"].key, "a trial without credits changes nothing")
		}
	}
	if !o.has("price") && !o.has("credits") && !o.has("versions") {
		r.warning(o.node, "product %q has neither price nor credits", product.ID)
	}
	return terms
}

// warnOfWait tells of overage that comes about more often than the price has invoices.
func (r *catalogReader) warnOfWait(o *object, terms ProductVersion) {
	price, credits := terms.Price, terms.Credits
	if price == nil || credits == nil || credits.Overage == nil || !price.Every.LongerThan(IntervalMonth) ||
		!price.Every.LongerThan(credits.Every) {
		return
	}
	r.warning(o.fields["credits"].key, "the price has an invoice every %[1]s, overage comes about every %[2]s and "+
		"would wait for it up to a %[1]s: where the next invoice is more than 35 days away, `creditmill invoice post` "+
		"makes an invoice of the subscription at once", price.Every, credits.Every)
}

func (r *catalogReader) readPrice(node ast.Node) *Price {
	o, ok := r.object(node, "a price", priceKeys.names())
	if !ok {
		return nil
	}
	price := &Price{
		Amount:      o.decimal("amount", true),
		Every:       o.interval("every", priceIntervals),
		StripePrice: o.text("stripe_price", false),
	}
	if o.has("amount") {
		r.checkPayable(o.fields["amount"].value, "price", price.Amount)
	}
	return price
}

func (r *catalogReader) readCredits(node ast.Node) *Credits {
	o, ok := r.object(node, "credits", creditsKeys.names())
	if !ok {
		return nil
	}
	credits := &Credits{System: o.text("system", true), Every: o.interval("every", Intervals)}
	if _, ok := r.nodes[nodeID{"credit system", credits.System}]; !ok && credits.System != "" {
		known := r.known("credit system")
		r.problem(o.fields["system"].value, "unknown credit system %q%s",
			credits.System, suggest(credits.System, known, ": declare it under credit_systems"))
	}
	if included := o.value("included", true); included != nil {
		credits.Included, credits.Unlimited = r.readIncluded(included)
	}
	r.readBeyond(o, credits)
	if rollover := o.value("rollover", false); rollover != nil {
		credits.Rollover = r.readRollover(rollover)
	}
	return credits
}

// readIncluded reads an allowance: a number, or unlimited.
func (r *catalogReader) readIncluded(node ast.Node) (included decimal.Decimal, isUnlimited bool) {
	text, kind := r.scalar(node)
	switch {
	case text == unlimited:
		return decimal.Zero, true
	case kind == scalarText && Closest(text, []string{unlimited}) != "":
		r.problem(node, "field %q must be a number or unlimited, not %q", "included", text)
		return decimal.Zero, false
	}
	included, _ = r.number(node, `field "included"`)
	return included, false
}

// readBeyond reads what becomes of usage beyond the allowance.
func (r *catalogReader) readBeyond(o *object, credits *Credits) {
	credits.HardCap = o.bool("hard_cap")
	if overage := o.value("overage", false); overage != nil {
		credits.Overage = r.readOverage(overage)
		key := o.fields["overage"].key
		if credits.Unlimited {
			r.warning(key, "unlimited credits have no overage: it is never charged")
		}
		if credits.Every == IntervalOnce {
			r.problem(key, "credits given once have no period at whose end overage could be billed: remove overage, "+
				"or renew them with every: month")
		}
		if credits.HardCap {
			r.problem(key, "hard_cap allows no use beyond the allowance: remove overage or hard_cap")
		}
	}
	if credits.HardCap && credits.Unlimited {
		r.warning(o.fields["hard_cap"].key, "unlimited credits have no cap")
	}
}

func (r *catalogReader) readOverage(node ast.Node) *Overage {
	o, ok := r.object(node, "overage", overageKeys.names())
	if !ok {
		return nil
	}
	if !o.has("per_credit") && !o.has("tiers") {
		o.value("per_credit", true) // notes that it is missing
	}
	overage := &Overage{BillingUnits: o.integer("billing_units", 1), Limit: o.decimal("limit", false)}
	overage.PerCredit, overage.Tiers = flatten(r.readPrices(o))
	overage.Volume, overage.Minimum = r.readTiersMode(o), r.readMinimum(o)
	overage.ChargeEvery = r.readChargeEvery(o)
	return overage
}

// readTiersMode tells whether tiers price by volume.
func (r *catalogReader) readTiersMode(o *object) (volume bool) {
	if o.has("tiers_mode") && !o.has("tiers") {
		r.problem(o.fields["tiers_mode"].key, "tiers_mode says how tiers are read: give tiers or remove it")
	}
	return o.choice("tiers_mode", tiersGraduated, tiersVolume) == tiersVolume
}

// readMinimum reads the least that overage costs, which must be an amount that can be paid.
func (r *catalogReader) readMinimum(o *object) decimal.Decimal {
	minimum := o.decimal("minimum", false)
	if o.has("minimum") {
		r.checkPayable(o.fields["minimum"].value, "minimum", minimum)
	}
	return minimum
}

// readChargeEvery reads the amount at each multiple of which overage is charged.
func (r *catalogReader) readChargeEvery(o *object) decimal.Decimal {
	every := o.decimal("charge_every", false)
	if o.has("charge_every") {
		node := o.fields["charge_every"].value
		if !every.IsPositive() {
			r.problem(node, "charge_every must be above 0: it is the amount of overage at which a period is charged")
			return decimal.Zero
		}
		r.checkPayable(node, "charge_every", every)
	}
	return every
}

// checkPayable refuses an amount with parts of the currency's smallest.
func (r *catalogReader) checkPayable(node ast.Node, what string, amount decimal.Decimal) {
	currency := r.catalog.Currency
	if currency.Code == "" {
		return
	}
	minor, err := currency.Round(amount)
	if err != nil || !currency.FromMinor(minor).Equal(amount) {
		r.problem(node, "%s %s cannot be paid in %s: its smallest amount is %s",
			what, amount, currency, currency.FromMinor(currency.Step))
	}
}

// readPrices reads per_credit or tiers; nil if there is neither.
func (r *catalogReader) readPrices(o *object) []Tier {
	if o.has("per_credit") && o.has("tiers") {
		r.problem(o.fields["tiers"].key, "overage has either per_credit or tiers: remove one of them")
	}
	if o.has("per_credit") {
		return []Tier{{PerCredit: o.decimal("per_credit", false)}}
	}
	if !o.has("tiers") {
		return nil
	}
	var tiers []Tier
	last := decimal.Zero
	nodes := o.list("tiers", true)
	for i, node := range nodes {
		tier, ok := r.object(node, "a tier", tierKeys.names())
		if !ok {
			continue
		}
		read := Tier{
			UpTo: tier.decimal("up_to", false), PerCredit: tier.decimal("per_credit", true), Flat: tier.decimal("flat", false),
		}
		switch open := i == len(nodes)-1; {
		case open && tier.has("up_to"):
			r.problem(tier.fields["up_to"].key, "the last tier has no up_to: add a tier for what is beyond it, "+
				"or set a limit")
		case !open && !tier.has("up_to"):
			tier.value("up_to", true) // notes that it is missing
		case !open && read.UpTo.LessThanOrEqual(last):
			r.problem(tier.fields["up_to"].value, "up_to must be above %s, where the tier before it ends", last)
		}
		last = read.UpTo
		tiers = append(tiers, read)
	}
	return tiers
}

func (r *catalogReader) readTrial(node ast.Node, product Product) int {
	o, ok := r.object(node, "a trial", trialKeys.names())
	if !ok || o.value("days", true) == nil {
		return 0
	}
	if product.Default {
		r.problem(node, "default product %q has a trial: everyone has it from the beginning", product.ID)
	}
	return int(o.integerWithin("days", 1, maxTrialDays))
}

const maxTrialDays = 3660

func (r *catalogReader) readRollover(node ast.Node) Rollover {
	o, ok := r.object(node, "rollover", rolloverKeys.names())
	if !ok {
		return Rollover{}
	}
	rollover := Rollover{Max: o.decimal("max", false), Periods: int(o.integer("periods", 0))}
	if rollover.Max.IsPositive() != (rollover.Periods > 0) {
		r.warning(node, "rollover carries nothing over: give both max and periods")
	}
	return rollover
}

// checkProducts checks what holds for all products together.
func (r *catalogReader) checkProducts(root *object) {
	if _, ok := r.nodes[nodeID{"default"}]; !ok && root.has("products") {
		r.problem(root.fields["products"].key, "no default product: set `default: true` on the product that every "+
			"customer begins with")
	}
	for _, product := range r.catalog.Products {
		r.checkAmbiguity(product)
	}
}

// warnOfSystems warns of credits that no product gives.
func (r *catalogReader) warnOfSystems() {
	used := map[string]bool{}
	for _, product := range r.catalog.Products {
		for _, version := range product.Versions {
			if version.Credits != nil {
				used[version.Credits.System] = true
			}
		}
	}
	for _, system := range r.catalog.CreditSystems {
		if !used[system.ID] {
			r.warning(r.nodes[nodeID{"credit system", system.ID}],
				"no product has credits of %q: they come from grants alone", system.ID)
		}
	}
}

// checkAmbiguity refuses a product under which a feature's usage could be charged to either of two credit systems: it
// is charged to the product's own, so that must be one of them.
func (r *catalogReader) checkAmbiguity(product Product) {
	if product.AddOn {
		return // usage is charged to the product that it is beside
	}
	for _, feature := range r.catalog.Features {
		systems := r.systemsOf(feature.ID)
		if len(systems) < 2 {
			continue
		}
		for _, version := range product.Versions {
			if version.Credits != nil && slices.Contains(systems, version.Credits.System) {
				continue
			}
			r.problem(r.nodes[nodeID{"costs of", systems[1], feature.ID}],
				"feature %q is priced by the credit systems %s and product %q has neither: "+
					"its usage could be charged to either", feature.ID, quoted(systems), product.ID)
			return
		}
	}
}
