package ingest

import (
	"context"
	"fmt"
	"sort"

	"github.com/creditmill/creditmill/warehouse"
)

// ObjectRows are rows of an object in object storage: ranges of row numbers in it, both ends included.
type ObjectRows struct {
	Object string
	Rows   [][2]uint64
}

// LoadObjects are the objects of loads that are made of many, in the order of their rows.
type LoadObjects map[uint64][]objectPlace

// objectPlace is where in its load an object begins.
type objectPlace struct {
	Load     uint64 `ch:"load_seq"`
	URL      string `ch:"url"`
	FirstRow uint64 `ch:"first_row"`
}

// ObjectsOf reads the objects of those of the loads that are made of many.
func ObjectsOf(ctx context.Context, w *warehouse.Warehouse, loads []uint64) (LoadObjects, error) {
	rows, err := warehouse.Select[objectPlace](ctx, w, "ingest/objects_of_loads.sql", warehouse.Params{"loads": loads})
	if err != nil {
		return nil, fmt.Errorf("read objects of loads: %w", err)
	}
	found := LoadObjects{}
	for _, row := range rows {
		found[row.Load] = append(found[row.Load], row)
	}
	return found, nil
}

// Rows parts ranges of rows of a load, in the order of the load, among its objects. It is nil for a load that is not
// made of many.
func (o LoadObjects) Rows(load uint64, ranges [][2]uint64) []ObjectRows {
	objects := o[load]
	if len(objects) == 0 {
		return nil
	}
	var found []ObjectRows
	for _, rows := range ranges {
		for from, to := rows[0], rows[1]; from <= to; {
			line := RowNumber(from).Line()
			at := sort.Search(len(objects), func(i int) bool { return objects[i].FirstRow > line }) - 1
			object, last := objects[max(0, at)], to
			if at+1 < len(objects) && from == line { // elements of one line are of one object
				last = min(to, objects[at+1].FirstRow-1)
			}
			if n := len(found); n == 0 || found[n-1].Object != object.URL {
				found = append(found, ObjectRows{Object: object.URL})
			}
			own := &found[len(found)-1]
			first, end := RowNumber(from).Within(object.FirstRow), RowNumber(last).Within(object.FirstRow)
			own.Rows = append(own.Rows, [2]uint64{uint64(first), uint64(end)})
			from = last + 1
		}
	}
	return found
}
