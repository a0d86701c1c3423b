package pricelist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// field is a key of a JSON object with what stands behind it.
type field struct {
	key   string
	value json.RawMessage
}

// object is a JSON object whose keys keep their order.
type object []field

func (o *object) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	opening, err := decoder.Token()
	if err != nil {
		return err
	}
	if opening != json.Delim('{') {
		return errors.New("want an object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		name, _ := key.(string) // a key is text, or Token had an error
		*o = append(*o, field{name, value})
	}
	return nil
}

func (o object) get(key string) json.RawMessage {
	for _, field := range o {
		if field.key == key {
			return field.value
		}
	}
	return nil
}

// text is what a key holds, empty if that is not text.
func (o object) text(key string) string {
	var text string
	if json.Unmarshal(o.get(key), &text) != nil {
		return ""
	}
	return text
}

// number reads an exact number, which may be quoted. It is never read as floating point.
func number(value json.RawMessage) (decimal.Decimal, error) {
	text := strings.Trim(string(value), `"`)
	if len(text) > 64 {
		return decimal.Zero, errors.New("not a number that could be a price")
	}
	price, err := decimal.NewFromString(text)
	switch {
	case err != nil:
		return decimal.Zero, fmt.Errorf("%s is not a number", clipped(value))
	case price.IsNegative():
		return decimal.Zero, fmt.Errorf("%s is negative", text)
	case price.Exponent() < -64 || price.Exponent() > 20:
		return decimal.Zero, fmt.Errorf("%s is no price", text)
	}
	return price, nil
}

// clipped is the beginning of a value, for messages.
func clipped(value json.RawMessage) string {
	const most = 60
	if len(value) > most {
		return string(value[:most]) + "…"
	}
	return string(value)
}

// isNull says that nothing stands behind a key.
func isNull(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

// looksLikePrice says that a key that is not known may be one of a price.
func looksLikePrice(key string) bool {
	for _, word := range []string{"cost", "price", "pricing", "multiplier", "uplift", "surcharge", "discount"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
