package warehouse_test

import (
	"context"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

// TestLeaseIsGivenBackBeforeClose closes the warehouse right after the release: the next one need not wait for the
// lease to run out.
func TestLeaseIsGivenBackBeforeClose(t *testing.T) {
	dsn, password := serverDSN(t, "lease_release")
	ctx := context.Background()
	for range 3 {
		w, err := warehouse.Open(ctx, warehouse.Config{DSN: dsn, Password: password, Migrate: true})
		check(t, err)
		release, err := w.Lock(ctx, "writer")
		check(t, err)
		release()
		check(t, w.Close())
	}
}
