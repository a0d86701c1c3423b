package event

import (
	"slices"

	"github.com/creditmill/creditmill/schemas"
)

// QuantityColumn is the quantities of a unit, by row. Nanos is shorter where the last rows have none, and until the
// block is placed Whole is, too.
type QuantityColumn struct {
	Whole []uint64
	Nanos []uint32
}

// pad makes rows of 0, up to so many in all.
func (c *QuantityColumn) pad(rows int) {
	if missing := rows - len(c.Whole); missing > 0 {
		c.Whole = append(c.Whole, make([]uint64, missing)...)
	}
}

// append adds a quantity of a row; rows before it that have none are 0.
func (c *QuantityColumn) append(row int, quantity Quantity) {
	c.pad(row)
	c.Whole = append(c.Whole, quantity.Whole)
	if quantity.Nanos > 0 {
		c.Nanos = append(c.Nanos, make([]uint32, row-len(c.Nanos))...)
		c.Nanos = append(c.Nanos, quantity.Nanos)
	}
}

// UsedUnits are the names of the units that some row has any of, separated by commas, and the quantities of these, row
// by row. What is left of whole quantities stands under a name of its own, schemas.NanoSuffix behind the unit's. Where
// no row has any it is the first unit.
func (b *Block) UsedUnits() (names string, quantities []uint64) {
	var used []usedColumn
	for i, sum := range b.Units {
		if sum.Whole != (Sum128{}) {
			used = append(used, usedColumn{sum.Unit, b.Quantities[i].Whole, nil})
		}
		if sum.Nanos != (Sum128{}) {
			used = append(used, usedColumn{sum.Unit + schemas.NanoSuffix, nil, b.Quantities[i].Nanos})
		}
	}
	if len(used) == 0 && len(b.Units) > 0 {
		used = append(used, usedColumn{b.Units[0].Unit, b.Quantities[0].Whole, nil})
	}
	slices.SortStableFunc(used, func(x, y usedColumn) int { return schemas.CompareUnits(x.name, y.name) })
	rows := len(b.RowNumber)
	b.used = slices.Grow(b.used[:0], rows*len(used))[:rows*len(used)]
	clear(b.used)
	for place, column := range used {
		if place > 0 {
			names += ","
		}
		names += column.name
		for row, quantity := range column.whole {
			b.used[row*len(used)+place] = quantity
		}
		for row, quantity := range column.nanos {
			b.used[row*len(used)+place] = uint64(quantity)
		}
	}
	return names, b.used
}

// UnitLists are the lists of units of the rows, with their dimensions behind them: the distinct ones, and for each row
// which it is; nil where all have the first. names is what UsedUnits returned.
func (b *Block) UnitLists(names string) (lists []string, keys []uint32) {
	if len(b.Dimensions.Keys) == 0 {
		return []string{names}, nil
	}
	b.Dimensions.PadTo(len(b.RowNumber))
	lists = b.Dimensions.Texts()
	for i, dimensions := range lists {
		if lists[i] = names; dimensions != "" {
			lists[i] += "?" + dimensions
		}
	}
	return lists, b.Dimensions.Keys
}

// usedColumn is a column of quantities, whole or in nanos, as it is listed.
type usedColumn struct {
	name  string
	whole []uint64
	nanos []uint32
}

func (b *Block) quantity(unit, row int) Quantity {
	column := &b.Quantities[unit]
	quantity := Quantity{Whole: column.Whole[row]}
	if row < len(column.Nanos) {
		quantity.Nanos = column.Nanos[row]
	}
	return quantity
}
