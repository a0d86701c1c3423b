package pricelist

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// YAML writes a book as the part of a catalog that it is: features, and one credit system with its costs. comment is
// written above, line by line.
func (b *Book) YAML(system, comment string) []byte {
	var text strings.Builder
	for line := range strings.Lines(comment) {
		text.WriteString("# " + line)
	}
	if len(b.Features) > 0 {
		text.WriteString("features:\n")
	}
	for _, feature := range b.Features {
		text.WriteString("  - {id: " + scalar(feature.ID) + ", models: " + list(feature.Models) + "}\n")
	}
	text.WriteString("credit_systems:\n  - id: " + scalar(system) + "\n    costs:\n")
	for i, costs := range b.Versions {
		from := costs.From.UTC().Format(time.RFC3339)
		if i == 0 && b.Bare {
			from = costs.From.Format(time.DateOnly)
		}
		text.WriteString("      - effective: " + from + "\n")
		writeCosts(&text, "per_token", costs, schemas.IsTokens)
		writeCosts(&text, "per_unit", costs, func(unit string) bool { return !schemas.IsTokens(unit) })
	}
	return []byte(text.String())
}

// writeCosts writes the costs of the units that of says.
func writeCosts(text *strings.Builder, key string, costs Costs, of func(unit string) bool) {
	head := "        " + key + ":\n"
	for _, id := range slices.Sorted(maps.Keys(costs.ByFeature)) {
		body := costsText(costs.ByFeature[id], of)
		if body == "" {
			continue
		}
		text.WriteString(head + "          " + scalar(id) + ":" + body)
		head = ""
	}
}

// costsText is what stands behind a feature's id, empty if it has no such unit.
func costsText(version Version, of func(unit string) bool) string {
	prices := pricesText(version.Prices, of)
	priced := len(prices) > 0
	var whens []string
	for _, when := range version.When {
		parts := pricesText(when.Prices, of)
		priced = priced || len(parts) > 0
		if !when.Times.IsZero() && of(schemas.UnitInput) {
			parts = []string{"times: " + when.Times.String()}
		}
		if len(parts) > 0 {
			whens = append(whens, "{"+strings.Join(append([]string{conditions(when)}, parts...), ", ")+"}")
		}
	}
	switch {
	case !priced:
		return ""
	case len(whens) == 0:
		return " {" + strings.Join(prices, ", ") + "}\n"
	}
	const indent = "\n            "
	text := ""
	for _, price := range prices {
		text += indent + price
	}
	return text + indent + "when:" + indent + "  - " + strings.Join(whens, indent+"  - ") + "\n"
}

func pricesText(prices Prices, of func(unit string) bool) []string {
	var parts []string
	for _, unit := range slices.SortedFunc(maps.Keys(prices), schemas.CompareUnits) {
		if of(unit) {
			parts = append(parts, unit+": "+prices[unit].String())
		}
	}
	return parts
}

// conditions are the conditions of prices, as the catalog writes them.
func conditions(when When) string {
	var parts []string
	for _, dimension := range when.Dimensions {
		parts = append(parts, dimension[0]+": ["+scalar(dimension[1])+"]")
	}
	if when.ContextOver > 0 {
		parts = append(parts, "context_over: "+strconv.FormatInt(when.ContextOver, 10))
	}
	if when.Between != [2]string{} {
		parts = append(parts, `between: ["`+when.Between[0]+`", "`+when.Between[1]+`"], timezone: UTC`)
	}
	return strings.Join(parts, ", ")
}

func list(texts []string) string {
	parts := make([]string, len(texts))
	for i, text := range texts {
		parts[i] = scalar(text)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// plain is text that YAML reads as text without quotes, unless it is one of its words.
var (
	plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	words = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n)$`)
)

func scalar(text string) string {
	if plain.MatchString(text) && !words.MatchString(text) {
		return text
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return strconv.Quote(text)
	}
	return string(quoted)
}
