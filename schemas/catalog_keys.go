package schemas

// The language of catalog.yaml: what each mapping may hold. docs/catalog.md says the same at more length.
var (
	catalogKeys = keys{
		{"currency", true, textShape, "Currency of every price: a three-letter code such as usd."},
		{"timezone", false, textShape, "Where days, months and bare dates begin, such as Europe/Berlin. Default UTC."},
		{"billing_from", false, timeShape, "Periods that begin before it are shown, never charged."},
		{"features", true, nonEmpty(mappingShape(featureKeys)), "What is metered."},
		{"credit_systems", false, listShape(mappingShape(creditSystemKeys)), "What a token costs, in credits."},
		{"products", true, nonEmpty(mappingShape(productKeys)), "What a customer has."},
		{"overrides", false, listShape(mappingShape(overrideKeys)), "What single customers have instead."},
	}
	featureKeys = keys{
		{"id", true, textShape, "Names the feature."},
		{"models", false, nonEmpty(textShape), "Models that select it. * stands for anything; an exact name goes first."},
	}
	creditSystemKeys = keys{
		{"id", true, textShape, "Names the credit system."},
		{"name", false, textShape, "For people. Default: the id."},
		{"costs", true, nonEmpty(mappingShape(costVersionKeys)), "Versions of the price list, the oldest first."},
	}
	costVersionKeys = keys{
		{"effective", true, timeShape, "From when on it applies, until the next version."},
		{"per_token", false, perTokenShape, "Feature id to credits per token. What is left out is unrated."},
		{"per_unit", false, perUnitShape, "Feature id to credits per unit that is no token; a number prices quantity."},
	}
	tokenCostKeys = append(tokenKeys(),
		key{"inherit", false, boolShape, "Reasoning tokens without a price of their own cost what output tokens do."},
		key{"when", false, whenShape(numberShape), "Prices under conditions, from the top; what none prices costs the base."})
	perTokenShape = mapShape(eitherShape(numberShape, mappingShape(tokenCostKeys)))
	perUnitShape  = mapShape(eitherShape(numberShape, Schema{
		"type":                 "object",
		"properties":           map[string]Schema{"when": described(whenShape(numberShape), "Prices under conditions.")},
		"additionalProperties": numberShape,
	}))

	productKeys = append(keys{
		{"id", true, textShape, "Names the product."},
		{"name", false, textShape, "For people. Default: the id."},
		{"default", false, boolShape, "Every customer who has no other product has this one. One product is the default."},
		{"add_on", false, boolShape, "Customers have it beside another product; its allowance is added. Default false."},
		{"per_seat", false, boolShape, "Several seats at Stripe have as many allowances and limits. Default true."},
		{"tax", false, mappingShape(taxKeys), "How Stripe taxes the overage."},
		{"line_template", false, textShape, "How overage reads on an invoice: text with {product}, {credits}, {period}…"},
		{"adjustment_template", false, textShape, "How a later difference reads on an invoice."},
		{"metadata", false, mapShape(textShape), "Added to the items and invoices at Stripe."},
		{"versions", false, nonEmpty(mappingShape(versionKeys)), "Dated terms instead of price, credits and trial."},
	}, termsKeys...)
	taxKeys = keys{
		{"code", false, textShape, "Stripe's tax code, such as txcd_10103001. Default: that of the Stripe account."},
		{"behavior", true, choiceShape(taxBehaviors...), "exclusive: tax comes on top of the price; inclusive: it is in it."},
	}
	versionKeys = append(keys{
		{"effective", true, timeShape, "From when on the terms hold. A running period keeps those of its start."},
	}, termsKeys...)
	termsKeys = keys{
		{"price", false, mappingShape(priceKeys), "The base price, which Stripe's subscription collects."},
		{"credits", false, mappingShape(creditsKeys), "The allowance and its overage."},
		{"trial", false, mappingShape(trialKeys), "The first days of a customer's first subscription: no overage is billed."},
	}
	priceKeys = keys{
		{"amount", true, numberShape, "In the catalog's currency, such as \"100.00\"."},
		{"every", true, choiceShape(priceIntervals...), "How often it is due."},
		{"stripe_price", false, textShape, "Id of the price at Stripe."},
	}
	trialKeys = keys{
		{"days", true, integerShape, "How long the trial is. It is one period with the full allowance."},
	}
	creditsKeys = keys{
		{"system", true, textShape, "Id of a credit system."},
		{"included", true, includedShape, "Credits of each period, or unlimited."},
		{"every", true, choiceShape(Intervals...), "How often the allowance is renewed."},
		{"overage", false, mappingShape(overageKeys), "How usage beyond the allowance is sold. Without it none is charged."},
		{"hard_cap", false, boolShape, "No use beyond the allowance: entitled says no, and none is charged."},
		{"rollover", false, mappingShape(rolloverKeys), "How much of the unused rest is carried over."},
	}
	includedShape = eitherShape(Schema{"const": unlimited}, numberShape)
	overageKeys   = keys{
		{"per_credit", false, numberShape, "Price of one credit, or else tiers."},
		{"tiers", false, tiersShape, "Prices by range of a period's overage; tiers_mode says how they are read."},
		{"tiers_mode", false, tiersModeShape, tiersModeDoc},
		{"minimum", false, numberShape, "Least that a period's overage costs where it costs anything. Default 0."},
		{"charge_every", false, numberShape, "Amount of overage at each multiple of which a period that goes on is charged."},
		{"billing_units", false, integerShape, "Credits sold at a time: overage is rounded up to a multiple. Default 1."},
		{"limit", false, numberShape, "Most overage credits charged in a period. Default 0: no limit."},
	}
	tierKeys = keys{
		{"up_to", false, numberShape, "Last overage credit of the range. The last range has none."},
		{"per_credit", true, numberShape, "Price of one credit of the range."},
		{"flat", false, numberShape, "Charged once a period whose overage reaches the range. Default 0."},
	}
	tiersModeShape = choiceShape(tiersGraduated, tiersVolume)
	tiersShape     = nonEmpty(mappingShape(tierKeys))
	rolloverKeys   = keys{
		{"max", false, numberShape, "Most unused credits carried over in all. Default 0."},
		{"periods", false, integerShape, "For how many following periods they can be used. Default 0."},
	}
	overrideKeys = keys{
		{"customer", true, textShape, "The customer's id."},
		{"effective", true, timeShape, "From when on it holds. A running period keeps the terms of its start."},
		{"until", false, timeShape, "When it ends, exclusive. Default: never."},
		{"product", false, textShape, "The product whose terms it changes. Needed but for costs."},
		{"included", false, includedShape, "Credits of each period instead of the product's, or unlimited."},
		{"per_credit", false, numberShape, "Price of one overage credit instead of the product's."},
		{"tiers", false, tiersShape, "Prices by range instead of the product's."},
		{"tiers_mode", false, tiersModeShape, tiersModeDoc},
		{"minimum", false, numberShape, "Least that a period's overage costs instead of the product's. 0: none."},
		{"limit", false, numberShape, "Most overage credits charged in a period instead of the product's. 0: no limit."},
		{"hard_cap", false, boolShape, "No use beyond the allowance, even if the product sells overage."},
		{"costs", false, mappingShape(overrideCostKeys), "Credits per token instead of the price list's."},
	}
	overrideCostKeys = keys{
		{"system", true, textShape, "Id of the credit system."},
		{"per_token", false, perTokenShape, "Feature id to credits per token. What is left out costs what all pay."},
		{"per_unit", false, perUnitShape, "Feature id to credits per unit that is no token."},
	}
)

// tiersModeDoc is what tiers_mode says.
const tiersModeDoc = "graduated: each credit costs what its range says; volume: what that of the last one says."

// CatalogSchema is the JSON Schema of catalog.yaml, for editors. It knows the shape of the file; ParseCatalog knows
// what must hold between its parts.
func CatalogSchema() Schema { return fileShape("creditmill price book", catalogKeys) }

// tokenKeys are the units of tokens as keys of a feature's costs.
func tokenKeys() keys {
	var list keys
	for _, unit := range TokenUnits {
		list = append(list, key{unit, false, numberShape, "Credits per token: " + tokenDocs[unit]})
	}
	return list
}

// tokenDocs say what each unit of tokens counts.
var tokenDocs = map[string]string{
	UnitInput:            "input.",
	UnitCachedInput:      "input read from a cache.",
	UnitCacheWrite:       "input written to a cache for 5 minutes, or however long the vendor keeps it unless told.",
	UnitCacheWrite1h:     "input written to a cache for an hour. Default: cache_write.",
	UnitOutput:           "output.",
	UnitReasoning:        "reasoning.",
	UnitInputAudio:       "audio put in. Default: input.",
	UnitCachedInputAudio: "audio put in, read from a cache. Default: cached_input.",
	UnitOutputAudio:      "audio put out. Default: output.",
	UnitInputImage:       "images put in. Default: input.",
	UnitOutputImage:      "images put out. Default: output.",
	UnitInputVideo:       "video put in. Default: input.",
}
