package stripe

// Metadata keys on Stripe's objects. They stay as they are forever: posted charges are recognized by them.
const (
	// MetadataChargeID is on items: the charge they are.
	MetadataChargeID = "charge_id"
	// MetadataBillID is on invoices that were made for a charge: its id.
	MetadataBillID = "bill_id"
	// MetadataAccount is the customer's id here, MetadataPeriod the charge's days, MetadataPlan the plan's hash.
	MetadataAccount = "account_id"
	MetadataPeriod  = "period"
	MetadataPlan    = "plan_sha"
	// MetadataPartOf is on the items of a charge that has one a feature: its first charge_id. MetadataFeature is which.
	MetadataPartOf  = "creditmill_part_of"
	MetadataFeature = "feature"
	// MetadataKind is on the items of charges within a period: plan.KindThreshold.
	MetadataKind = "creditmill_kind"
	// MetadataCustomer is on customers, subscriptions and sessions: the customer's id here.
	MetadataCustomer = "creditmill_customer"
	// MetadataOffer tells a Checkout session's offer from others: what the customer pays for, and on which terms.
	MetadataOffer = "creditmill_offer"
)
