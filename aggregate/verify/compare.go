package verify

import (
	"slices"
	"strings"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
)

// figureRow is a stored or recomputed row as text: where it belongs and what it says.
type figureRow struct {
	key     []string
	figures []string
	sums    sums
}

// said is all that the row says, for people.
func (r figureRow) said() string {
	said := slices.Clone(r.figures)
	for _, unit := range namesOf(r.sums, nil) {
		text := r.sums[unit].String()
		if !slices.Contains(schemas.ColumnUnits(), unit) {
			text = unit + " " + text
		}
		said = append(said, text)
	}
	return strings.Join(said, ", ")
}

// compare walks stored and recomputed rows, both in order of their keys, and names those that differ but for the keys
// to be left out.
func compare(
	check *findings.Check, what string, names []string, stored, recomputed func() (figureRow, bool, error),
	leftOut func(key []string) bool,
) error {
	mine, more, err := recomputed()
	if err != nil {
		return err
	}
	for {
		row, found, err := stored()
		if err != nil {
			return err
		}
		for more && (!found || slices.Compare(mine.key, row.key) < 0) {
			if !leftOut(mine.key) {
				check.Problem("%s of %s is missing: %s", what, strings.Join(mine.key, ", "), mine.said())
			}
			if mine, more, err = recomputed(); err != nil {
				return err
			}
		}
		if !found {
			return nil
		}
		check.LookedAt++
		if !more || slices.Compare(mine.key, row.key) != 0 {
			if !leftOut(row.key) {
				check.Problem("%s of %s should not be there: %s", what, strings.Join(row.key, ", "), row.said())
			}
			continue
		}
		wrong := []string{differences(names, row.figures, mine.figures), sumDifferences(row.sums, mine.sums)}
		wrong = slices.DeleteFunc(wrong, func(text string) bool { return text == "" })
		if len(wrong) > 0 && !leftOut(row.key) {
			check.Problem("%s of %s: %s", what, strings.Join(row.key, ", "), strings.Join(wrong, "; "))
		}
		if mine, more, err = recomputed(); err != nil {
			return err
		}
	}
}

// keyTime is a time in a key: of one length, so that texts sort as times do.
const keyTime = "2006-01-02T15:04:05.000000000Z"
