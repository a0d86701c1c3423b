package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsByObjectCountWithinEachObject(t *testing.T) {
	element := func(line, place uint64) uint64 { return 1<<52 + line<<20 + place }
	objects := LoadObjects{1: {{1, "a", 1}, {1, "b", 4}, {1, "c", 5}}}
	got := objects.Rows(1, [][2]uint64{
		{2, 2}, {3, 6}, {9, 9}, {element(4, 1), element(4, 3)}, {element(6, 2), element(6, 2)},
	})
	want := []ObjectRows{
		{"a", [][2]uint64{{2, 2}, {3, 3}}},
		{"b", [][2]uint64{{1, 1}}},
		{"c", [][2]uint64{{1, 2}, {5, 5}}},
		{"b", [][2]uint64{{element(1, 1), element(1, 3)}}},
		{"c", [][2]uint64{{element(2, 2), element(2, 2)}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows by object (-want +got):\n%s", diff)
	}
	if got := objects.Rows(2, [][2]uint64{{1, 3}}); got != nil {
		t.Errorf("a load of a file has objects: %v", got)
	}
}
