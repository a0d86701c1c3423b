package costs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Sources are what Parse reads.
var Sources = []string{"openai", "anthropic", "csv"}

// Parse reads a report. Pages of an admin API's answer may stand one after the other in one file; a last page that is
// missing is an error.
func Parse(source string, text []byte) ([]Line, error) {
	var lines []Line
	var err error
	switch source {
	case "openai":
		lines, err = parsePages(text, openAIBucket.lines)
	case "anthropic":
		lines, err = parsePages(text, anthropicBucket.lines)
	case "csv":
		lines, err = parseCSV(text)
	default:
		return nil, fmt.Errorf("%w: no source is called %q; there are %s", ErrInvalid, source, strings.Join(Sources, ", "))
	}
	if err == nil && len(lines) == 0 {
		err = fmt.Errorf("%w: there is no line in it", ErrInvalid)
	}
	return lines, err
}

// page is an answer of an admin API.
type page[B any] struct {
	Data    *[]B `json:"data"`
	HasMore bool `json:"has_more"`
}

func parsePages[B any](text []byte, lines func(B) ([]Line, error)) (all []Line, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	more := false
	for n := 1; ; n++ {
		var read page[B]
		if err := decoder.Decode(&read); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%w: page %d: %w", ErrInvalid, n, err)
		}
		if read.Data == nil {
			return nil, fmt.Errorf("%w: page %d has no data", ErrInvalid, n)
		}
		for i, bucket := range *read.Data {
			of, err := lines(bucket)
			if err != nil {
				return nil, fmt.Errorf("%w: page %d, data[%d]: %w", ErrInvalid, n, i, err)
			}
			all = append(all, of...)
		}
		more = read.HasMore
	}
	if more {
		return nil, fmt.Errorf("%w: its last page says has_more; append the pages that follow", ErrInvalid)
	}
	return all, nil
}

// openAIBucket is a bucket of /v1/organization/costs or /v1/organization/usage/completions.
type openAIBucket struct {
	StartTime int64 `json:"start_time"`
	Results   []struct {
		Object string `json:"object"`
		Amount *struct {
			Value    json.Number `json:"value"`
			Currency string      `json:"currency"`
		} `json:"amount"`
		LineItem     string  `json:"line_item"`
		Model        string  `json:"model"`
		InputTokens  *uint64 `json:"input_tokens"`
		OutputTokens uint64  `json:"output_tokens"`
		Requests     uint64  `json:"num_model_requests"`
	} `json:"results"`
}

func (b openAIBucket) lines() (lines []Line, err error) {
	if b.StartTime <= 0 {
		return nil, errors.New("start_time is missing")
	}
	day := time.Unix(b.StartTime, 0).UTC().Truncate(24 * time.Hour)
	for i, result := range b.Results {
		line := Line{Provider: "openai", Day: day, Model: result.Model, Item: result.LineItem, Kind: KindUsage}
		switch {
		case result.Amount != nil:
			line.Kind, line.Currency = KindCost, strings.ToLower(result.Amount.Currency)
			// A line item reads "gpt-4o-2024-08-06, input".
			if model, _, isModel := strings.Cut(result.LineItem, ", "); isModel && line.Model == "" {
				line.Model = model
			}
			if line.Amount, err = parseAmount(result.Amount.Value.String()); err != nil {
				return nil, fmt.Errorf("results[%d].amount.value: %w", i, err)
			}
			if len(line.Currency) != 3 {
				return nil, fmt.Errorf("results[%d].amount.currency: %q is no currency", i, result.Amount.Currency)
			}
		case result.InputTokens != nil:
			if line.Model == "" {
				return nil, fmt.Errorf("results[%d] names no model; ask for group_by=model", i)
			}
			line.InputTokens, line.OutputTokens, line.Requests = *result.InputTokens, result.OutputTokens, result.Requests
		default:
			return nil, fmt.Errorf("results[%d] (%s) has neither amount nor input_tokens", i, result.Object)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// anthropicBucket is a bucket of /v1/organizations/cost_report or /v1/organizations/usage_report/messages.
type anthropicBucket struct {
	StartingAt time.Time `json:"starting_at"`
	Results    []struct {
		Amount        *string `json:"amount"` // in the lowest unit of the currency
		Currency      string  `json:"currency"`
		Description   string  `json:"description"`
		Model         string  `json:"model"`
		Uncached      *uint64 `json:"uncached_input_tokens"`
		CacheRead     uint64  `json:"cache_read_input_tokens"`
		CacheCreation struct {
			Hour    uint64 `json:"ephemeral_1h_input_tokens"`
			Minutes uint64 `json:"ephemeral_5m_input_tokens"`
		} `json:"cache_creation"`
		OutputTokens uint64 `json:"output_tokens"`
	} `json:"results"`
}

// anthropicExponent is how many digits the lowest unit has: its reports are in US dollars.
const anthropicExponent, anthropicCurrency = -2, "usd"

func (b anthropicBucket) lines() (lines []Line, err error) {
	if b.StartingAt.IsZero() {
		return nil, errors.New("starting_at is missing")
	}
	day := b.StartingAt.UTC().Truncate(24 * time.Hour)
	for i, result := range b.Results {
		line := Line{Provider: "anthropic", Day: day, Model: result.Model, Item: result.Description, Kind: KindUsage}
		switch {
		case result.Amount != nil:
			line.Kind, line.Currency = KindCost, strings.ToLower(result.Currency)
			if line.Currency != anthropicCurrency {
				return nil, fmt.Errorf("results[%d].currency: want %s, not %q", i, anthropicCurrency, result.Currency)
			}
			if line.Amount, err = parseAmount(*result.Amount); err != nil {
				return nil, fmt.Errorf("results[%d].amount: %w", i, err)
			}
			line.Amount = line.Amount.Shift(anthropicExponent)
		case result.Uncached != nil:
			if line.Model == "" {
				return nil, fmt.Errorf("results[%d] names no model; ask for group_by[]=model", i)
			}
			line.InputTokens = *result.Uncached + result.CacheRead + result.CacheCreation.Hour + result.CacheCreation.Minutes
			line.OutputTokens = result.OutputTokens
		default:
			return nil, fmt.Errorf("results[%d] has neither amount nor uncached_input_tokens", i)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// mostDigits are those that costs keep behind the point.
const mostDigits = 18

func parseAmount(text string) (decimal.Decimal, error) {
	amount, err := decimal.NewFromString(text)
	if err != nil {
		return amount, fmt.Errorf("%q is no amount", text)
	}
	return amount.Round(mostDigits), nil
}

// columnsOfCSV are those that a file of one's own may have.
var columnsOfCSV = []string{
	"provider", "day", "model", "customer_id", "item", "currency", "amount", "input_tokens", "output_tokens", "requests",
}

func parseCSV(text []byte) (lines []Line, err error) {
	reader := csv.NewReader(bytes.NewReader(text))
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: read header: %w", ErrInvalid, err)
	}
	place := map[string]int{}
	for i, name := range header {
		if _, twice := place[name]; twice || !slices.Contains(columnsOfCSV, name) {
			return nil, fmt.Errorf("%w: column %q is unknown or there twice; there are %s", ErrInvalid, name,
				strings.Join(columnsOfCSV, ", "))
		}
		place[name] = i
	}
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		row, _ := reader.FieldPos(0)
		of, err := linesOfCSV(func(name string) string {
			if i, is := place[name]; is {
				return strings.TrimSpace(cells[i])
			}
			return ""
		})
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrInvalid, row, err)
		}
		lines = append(lines, of...)
	}
}

// linesOfCSV are those of a row: its amount, and what was counted.
func linesOfCSV(cell func(string) string) (lines []Line, err error) {
	line := Line{Provider: cell("provider"), Model: cell("model"), Customer: cell("customer_id"), Item: cell("item")}
	if line.Provider == "" {
		return nil, errors.New("provider is empty")
	}
	if line.Day, err = time.Parse(time.DateOnly, cell("day")); err != nil {
		return nil, fmt.Errorf("day: want one such as 2026-10-31, not %q", cell("day"))
	}
	if cell("amount") != "" {
		cost := line
		cost.Kind, cost.Currency = KindCost, strings.ToLower(cell("currency"))
		if cost.Amount, err = parseAmount(cell("amount")); err != nil {
			return nil, err
		}
		if len(cost.Currency) != 3 {
			return nil, fmt.Errorf("currency: want a code such as usd, not %q", cell("currency"))
		}
		lines = append(lines, cost)
	}
	usage := line
	usage.Kind = KindUsage
	counted := false
	for name, to := range map[string]*uint64{
		"input_tokens": &usage.InputTokens, "output_tokens": &usage.OutputTokens, "requests": &usage.Requests,
	} {
		if cell(name) == "" {
			continue
		}
		if *to, err = strconv.ParseUint(cell(name), 10, 64); err != nil {
			return nil, fmt.Errorf("%s: %q is no whole number", name, cell(name))
		}
		counted = true
	}
	if counted {
		lines = append(lines, usage)
	}
	if len(lines) == 0 {
		return nil, errors.New("neither amount nor tokens are there")
	}
	return lines, nil
}
