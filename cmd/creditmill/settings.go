package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/shopspring/decimal"
)

// setting is one key of the config file: what it is, for people and for editors, and what takes its value.
type setting struct {
	doc   string
	shape schemas.Schema
	set   schemas.Setting // nil for a group of settings, and for one that is read elsewhere
}

// readSettings gives every scalar of the file to the setting of its dotted name.
func readSettings(file string, text []byte, known map[string]setting) schemas.Problems {
	takes := map[string]schemas.Setting{sourcesKey: nil}
	for name, setting := range known {
		if setting.set != nil {
			takes[name] = setting.set
		}
	}
	return schemas.ReadSettings(file, text, takes)
}

// settingGroup is a key that has settings below it.
func settingGroup(doc string) setting {
	return setting{doc: doc, shape: schemas.Schema{"type": "object", "additionalProperties": false}}
}

var textShape = schemas.Schema{"type": []string{"string", "number"}}

func textSetting(to *string, doc string) setting {
	return setting{doc, textShape, func(text string) error {
		*to = text
		return nil
	}}
}

// boolSetting leaves nil where the file says nothing.
func boolSetting(to **bool, doc string) setting {
	shape := schemas.Schema{"type": "boolean"}
	return setting{doc, shape, func(text string) error {
		switch text {
		case "true", "false":
			said := text == "true"
			*to = &said
			return nil
		default:
			return fmt.Errorf("want true or false, not %q", text)
		}
	}}
}

// urlSetting takes the address of a web page. Braces stay as they are: Stripe fills {CHECKOUT_SESSION_ID} in.
func urlSetting(to *string, doc string) setting {
	return setting{doc, textShape, func(text string) error {
		if !isWebAddress(text) {
			return fmt.Errorf("want an address such as https://example.com/paid, not %q", text)
		}
		*to = text
		return nil
	}}
}

func isWebAddress(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != ""
}

// webhookSetting takes an address that is a secret: no error quotes it.
func webhookSetting(to *string, doc string) setting {
	return setting{doc, textShape, func(text string) error {
		if !isWebAddress(text) {
			return errors.New("want an address such as https://hooks.example.com/…")
		}
		*to = text
		return nil
	}}
}

// headerSetting takes the name of an HTTP header.
func headerSetting(to *string, doc string) setting {
	shape := schemas.Schema{"type": "string", "pattern": "^[A-Za-z0-9-]+$"}
	return setting{doc, shape, func(text string) error {
		if text == "" || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("want a header such as X-Forwarded-User, not %q", text)
		}
		*to = text
		return nil
	}}
}

// networksSetting takes networks with commas between.
func networksSetting(to *[]netip.Prefix, doc string) setting {
	return setting{doc, schemas.Schema{"type": "string"}, func(text string) error {
		var networks []netip.Prefix
		for part := range strings.SplitSeq(text, ",") {
			network, err := netip.ParsePrefix(strings.TrimSpace(part))
			if err != nil {
				return fmt.Errorf("want networks such as 10.0.0.0/8, fd00::/8, not %q", text)
			}
			networks = append(networks, network.Masked())
		}
		*to = networks
		return nil
	}}
}

func countSetting(to *int, doc string) setting {
	shape := schemas.Schema{"type": []string{"integer", "string"}, "pattern": "^[0-9]+$"}
	return setting{doc, shape, func(text string) error {
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 {
			return fmt.Errorf("want a whole number from 1, not %q", text)
		}
		*to = number
		return nil
	}}
}

// rejectsSetting takes what --max-rejects takes.
func rejectsSetting(to *ingest.MaxRejects, doc string) setting {
	shape := schemas.Schema{"type": []string{"integer", "string"}, "pattern": "^[0-9]+%?$"}
	return setting{doc, shape, func(text string) error {
		limit, err := parseMaxRejects(text)
		*to = limit
		return err
	}}
}

func choiceSetting(to *string, doc string, choices ...string) setting {
	shape := schemas.Schema{"type": "string", "enum": choices}
	return setting{doc, shape, func(text string) error {
		if !slices.Contains(choices, text) {
			return fmt.Errorf("want %s, not %q", strings.Join(choices, " or "), text)
		}
		*to = text
		return nil
	}}
}

func cronSetting(to *string, doc string) setting {
	return setting{doc, textShape, func(text string) error {
		if _, err := parseSchedule(text); err != nil {
			return err
		}
		*to = text
		return nil
	}}
}

// durationSetting takes days, as in 60d, beside what Go calls a duration.
func durationSetting(to *time.Duration, doc string) setting {
	shape := schemas.Schema{"type": []string{"string", "integer"}, "pattern": "^[0-9]"}
	return setting{doc, shape, func(text string) error {
		days, isDays := strings.CutSuffix(text, "d")
		if number, err := strconv.Atoi(days); isDays && err == nil && number >= 0 && number <= 36500 {
			*to = time.Duration(number) * 24 * time.Hour
			return nil
		}
		duration, err := time.ParseDuration(text)
		if err != nil || duration < 0 {
			return fmt.Errorf("want days such as 60d, or hours such as 36h, not %q", text)
		}
		*to = duration
		return nil
	}}
}

// keepSetting takes how long something is kept: days as in 90d, or months as in 6mo, of 31 days so that nothing goes
// early.
func keepSetting(to *time.Duration, doc string) setting {
	shape := schemas.Schema{"type": "string", "pattern": "^[1-9][0-9]*(d|mo)$"}
	return setting{doc, shape, func(text string) error {
		for suffix, days := range map[string]int{"mo": 31, "d": 1} {
			count, is := strings.CutSuffix(text, suffix)
			if number, err := strconv.Atoi(count); is && err == nil && number > 0 && number*days <= 36500 {
				*to = time.Duration(number*days) * 24 * time.Hour
				return nil
			}
		}
		return fmt.Errorf("want days such as 90d, or months such as 6mo, not %q", text)
	}}
}

func percentSetting(to *decimal.NullDecimal, doc string) setting {
	shape := schemas.Schema{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)?%$`}
	return setting{doc, shape, func(text string) error {
		percent, err := parsePercent(text)
		if err != nil {
			return err
		}
		*to = decimal.NewNullDecimal(percent)
		return nil
	}}
}

// parsePercent reads a share such as 1% as 1.
func parsePercent(text string) (decimal.Decimal, error) {
	number, isPercent := strings.CutSuffix(text, "%")
	percent, err := decimal.NewFromString(number)
	if err != nil || !isPercent || percent.IsNegative() {
		return percent, fmt.Errorf("want a share such as 1%% or 0.5%%, not %q", text)
	}
	return percent, nil
}

func decimalSetting(to *decimal.NullDecimal, doc string) setting {
	shape := schemas.Schema{"type": []string{"number", "string"}, "pattern": `^[0-9]*\.?[0-9]*$`}
	return setting{doc, shape, func(text string) error {
		number, err := decimal.NewFromString(text)
		if err != nil || !number.IsPositive() {
			return fmt.Errorf("want a number above 0 such as \"500.00\", not %q", text)
		}
		*to = decimal.NewNullDecimal(number)
		return nil
	}}
}
