package schemas

import (
	"fmt"
	"strconv"
	"strings"
)

const loadPrefix = "ld_"

// LoadID is the public id of a load, such as ld_12.
func LoadID(seq uint64) string { return loadPrefix + strconv.FormatUint(seq, 10) }

// ParseLoadID reads ld_12 or 12.
func ParseLoadID(text string) (uint64, error) {
	seq, err := strconv.ParseUint(strings.TrimPrefix(text, loadPrefix), 10, 64)
	if err != nil || seq == 0 {
		return 0, fmt.Errorf("read load id %q: want one like ld_12; creditmill loads lists them", text)
	}
	return seq, nil
}
