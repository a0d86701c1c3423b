package explain

import (
	"fmt"
	"testing"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

func TestRanges(t *testing.T) {
	if got := fmt.Sprint(ranges([]uint64{1, 2, 3, 7, 9, 10})); got != "[[1 3] [7 7] [9 10]]" {
		t.Error(got)
	}
	if ranges(nil) != nil {
		t.Error("ranges of nothing")
	}
}
