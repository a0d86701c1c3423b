package ingest

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// outranked sums up the rows of a load that its source's keep would count, and that do not, since an earlier load has
// the identity: an earlier load's row stands, for nothing that counts changes but by loading and withdrawing.
type outranked struct {
	rows   uint64
	tokens *big.Int // more than the rows that stand have
	loads  []uint64 // some of those that hold them
}

// look adds those of a range of hashes.
func (o *outranked) look(ctx context.Context, l *load, part hashRange) error {
	if l.source.Keep != schemas.KeepLast && l.source.Keep != schemas.KeepLargest {
		return nil
	}
	var rows uint64
	var loads []uint64
	tokens := new(big.Int)
	err := l.loader.config.Warehouse.QueryRow(ctx, "ingest/would_count.sql", warehouse.Params{
		"load_seq": l.seq, "hash_from": part.from, "hash_to": part.to, "keep": l.source.Keep,
	}, &rows, tokens, &loads)
	if err != nil {
		return fmt.Errorf("compare with rows of earlier loads: %w", err)
	}
	if o.tokens == nil {
		o.tokens = new(big.Int)
	}
	o.rows += rows
	o.tokens.Add(o.tokens, tokens)
	o.loads = slices.Compact(slices.Sorted(slices.Values(append(o.loads, loads...))))
	return nil
}

// warnings says it to people; nil where there is nothing to say.
func (o *outranked) warnings(keep string) []string {
	if o.rows == 0 {
		return nil
	}
	var loads []string
	for _, seq := range o.loads {
		loads = append(loads, schemas.LoadID(seq))
	}
	const most = 5
	if len(loads) > most {
		loads = append(loads[:most], "…")
	}
	difference := fmt.Sprintf("%s tokens more", o.tokens)
	if o.tokens.Sign() < 0 {
		difference = fmt.Sprintf("%s tokens fewer", new(big.Int).Neg(o.tokens))
	}
	return []string{fmt.Sprintf("rows: %d would count by keep: %s instead of rows of earlier loads (%s), which stand: "+
		"%s; to count them, unload the earlier load and load its file again",
		o.rows, keep, strings.Join(loads, ", "), difference)}
}
