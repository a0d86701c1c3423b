package post

import "github.com/creditmill/creditmill/invoice/invoicetest"

var (
	histories = invoicetest.Histories
	utc       = invoicetest.UTC
)
