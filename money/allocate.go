package money

import (
	"errors"
	"math/big"
	"sort"

	"github.com/shopspring/decimal"
)

// ErrNoWeight is returned for an amount other than zero and no weight above zero.
var ErrNoWeight = errors.New("nothing to share the amount among")

// ErrNegativeWeight is returned when a weight is below zero.
var ErrNegativeWeight = errors.New("negative weight")

// Allocate shares total minor units in proportion to weights by largest remainder: each share is the exact one rounded
// down, and the units left over go one each to the largest remainders, ties to the weight given first. The shares
// always add up to total; a negative total is shared by its magnitude.
func Allocate(total int64, weights []decimal.Decimal) ([]int64, error) {
	shares := make([]int64, len(weights))
	integers, sum, err := integerWeights(weights)
	if err != nil || total == 0 {
		return shares, err
	}
	if sum.Sign() == 0 {
		return nil, ErrNoWeight
	}

	magnitude := new(big.Int).Abs(big.NewInt(total))
	left := new(big.Int).Set(magnitude)
	remainders := make([]*big.Int, len(weights))
	floors := make([]*big.Int, len(weights))
	for i, weight := range integers {
		product := new(big.Int).Mul(magnitude, weight)
		floors[i], remainders[i] = new(big.Int).QuoRem(product, sum, new(big.Int))
		left.Sub(left, floors[i])
	}

	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		return remainders[order[a]].Cmp(remainders[order[b]]) > 0
	})
	// Σ remainders = left × sum, and each is below sum, so left is less than the number of weights above zero.
	for _, i := range order[:left.Int64()] {
		floors[i].Add(floors[i], big.NewInt(1))
	}
	for i, floor := range floors {
		if total < 0 {
			floor.Neg(floor)
		}
		shares[i] = floor.Int64()
	}
	return shares, nil
}

// integerWeights scales weights to integers of the same proportions and returns them with their sum.
func integerWeights(weights []decimal.Decimal) ([]*big.Int, *big.Int, error) {
	var least int32
	for _, weight := range weights {
		if weight.IsNegative() {
			return nil, nil, ErrNegativeWeight
		}
		least = min(least, weight.Exponent())
	}
	sum := new(big.Int)
	integers := make([]*big.Int, len(weights))
	for i, weight := range weights {
		integers[i] = weight.Shift(-least).BigInt()
		sum.Add(sum, integers[i])
	}
	return integers, sum, nil
}
