package invoice

import "github.com/creditmill/creditmill/invoice/invoicetest"

var (
	utc         = invoicetest.UTC
	number      = invoicetest.Number
	seedCatalog = invoicetest.SeedCatalog
)
