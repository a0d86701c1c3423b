package warehouse_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestClusterIsMigratedAndRefused(t *testing.T) {
	c := warehousetest.NewCluster(t, 2)
	dsn := c.NewDSN()
	open := func(dsn string) (*warehouse.Warehouse, error) {
		return warehouse.Open(t.Context(), warehouse.Config{DSN: dsn, Now: time.Now})
	}
	if _, err := open(dsn); !errors.Is(err, warehouse.ErrNotMigrated) {
		t.Errorf("before it is migrated: %v", err)
	}
	c.Migrate(dsn)
	w, err := open(dsn)
	check(t, err)
	check(t, w.CheckComplete(t.Context()))
	check(t, w.CountAll(t.Context()))
	taken, free, err := w.Disk(t.Context())
	if err != nil || taken == 0 || free == 0 {
		t.Errorf("the disks: %d bytes taken, %d free, %v", taken, free, err)
	}
	check(t, w.Close())

	t.Run("a shard that is new", func(t *testing.T) {
		c.Exec(1, "DROP DATABASE "+warehousetest.ShardDatabase(dsn)+" SYNC")
		_, err := open(dsn)
		if !errors.Is(err, warehouse.ErrNotMigrated) || !strings.Contains(err.Error(), "shard 2 (127.0.0.1:") {
			t.Errorf("before it is migrated: %v", err)
		}
		c.Migrate(dsn)
		w, err := open(dsn)
		check(t, err)
		check(t, w.Close())
	})
	for name, test := range map[string]struct{ cluster, want string }{
		"no such cluster": {"nobody", `the server knows no cluster "nobody"`},
		"replicas":        {warehousetest.Replicated, "shard 1 has more than one replica"},
	} {
		t.Run(name, func(t *testing.T) {
			base, _, _ := strings.Cut(dsn, "?")
			_, err := open(base + "?cluster=" + test.cluster)
			if !errors.Is(err, warehouse.ErrConfig) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want ErrConfig with %q", err, test.want)
			}
		})
	}
	t.Run("a shard that is away", func(t *testing.T) {
		c.Stop(1)
		_, err := open(dsn)
		if !errors.Is(err, warehouse.ErrUnreachable) || !errors.Is(err, warehouse.ErrShard) ||
			!strings.Contains(err.Error(), "on shard 2 (127.0.0.1:") {
			t.Errorf("got %v, want ErrUnreachable with the shard", err)
		}
		c.Start(1)
		w, err := open(dsn)
		check(t, err)
		check(t, w.Close())
	})
}
