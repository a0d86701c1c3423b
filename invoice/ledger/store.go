package ledger

import (
	"strings"

	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
)

// Ledger keeps plans, frozen charges and charge events in the warehouse. Rows are only ever added.
type Ledger struct{ Warehouse *warehouse.Warehouse }

// Account is a Stripe account in one of its modes.
type Account struct {
	ID       string
	Livemode bool
}

// bit is a truth as a column has it.
func bit(set bool) uint8 {
	if set {
		return 1
	}
	return 0
}

func statement(name string) string { return strings.TrimSuffix(strings.TrimSpace(sql.Text(name)), ";") }
