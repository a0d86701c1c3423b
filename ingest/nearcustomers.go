package ingest

import (
	"context"
	"fmt"
	"strings"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// nearCustomers says which customers of the committed load differ from others, of the load or known before, in nothing
// that a reader notices: likely they are one customer, whose usage would be billed to two. The engine compares them, so
// no memory is taken here. What goes wrong is a warning too, since the load counts by now.
func (l *load) nearCustomers(ctx context.Context) []string {
	if l.stored.loaded == 0 {
		return nil
	}
	type alike struct {
		IDs   []string `ch:"ids"`
		Total uint64   `ch:"total"`
	}
	w, params := l.config.Warehouse, warehouse.Params{"load_seq": l.seq}
	err := w.Exec(ctx, "ingest/record_customers.sql", params)
	var found []alike
	if err == nil {
		found, err = warehouse.Select[alike](ctx, w, "ingest/near_customers.sql", params)
	}
	if err != nil {
		return []string{fmt.Sprintf("customer ids were not compared with those known before: %v", err)}
	}
	if len(found) == 0 {
		return nil
	}
	const most = 5
	groups := make([]string, len(found))
	for i, group := range found {
		var ids []string
		for _, id := range group.IDs[:min(most, len(group.IDs))] {
			ids = append(ids, `"`+schemas.Visible(id)+`"`)
		}
		if len(group.IDs) > most {
			ids = append(ids, "…")
		}
		groups[i] = strings.Join(ids, " and ")
	}
	more := ""
	if rest := found[0].Total - uint64(len(found)); rest > 0 {
		more = fmt.Sprintf("; and %d more", rest)
	}
	return []string{fmt.Sprintf("customers whose ids look alike are billed as different ones: %s%s",
		strings.Join(groups, "; "), more)}
}
