package invoice

import "github.com/creditmill/creditmill/invoice/invoicetest"

var (
	histories   = invoicetest.Histories
	utc         = invoicetest.UTC
	number      = invoicetest.Number
	seedCatalog = invoicetest.SeedCatalog
)
