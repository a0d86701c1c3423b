package ingesttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/schemas"
)

// Sample is a row that is written in every format. A nil pool is null.
type Sample struct {
	ID, At, Customer, Model string
	Tokens                  [5]*int64 // in the order of schemas.ColumnUnits
	Properties              string
	Tier                    string // a dimension; empty is null
}

// Samples are events, one in ten of which is bad in a way that every format can hold.
func Samples(rows int) []Sample {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]Sample, rows)
	for i := range all {
		at := time.Date(2026, 10, 1, 0, 0, i*7, random.IntN(1e9), time.UTC)
		s := Sample{
			ID: fmt.Sprintf("evt-%05d-é\"", i), At: at.Format(time.RFC3339Nano),
			Customer: fmt.Sprintf("cus_%d", random.IntN(40)), Model: []string{"small", "medium", "large"}[random.IntN(3)],
		}
		for pool := range s.Tokens {
			if random.IntN(4) > 0 {
				count := random.Int64N(5000)
				s.Tokens[pool] = &count
			}
		}
		if random.IntN(3) == 0 {
			s.Properties = fmt.Sprintf(`{"region":"eu-%d","tags":["a",{"b":null}]}`, i)
		}
		if random.IntN(10) == 0 {
			spoil(&s, random.IntN(14))
		}
		if s.Tier = []string{"", "batch", "flex", "a&b=c? é", ""}[i%5]; i%97 == 0 {
			s.Tier = "blank "
		}
		all[i] = s
	}
	return all
}

func spoil(s *Sample, how int) {
	negative := int64(-7)
	switch how {
	case 0:
		s.Tokens[0] = &negative
	case 1:
		s.Tokens = [5]*int64{}
	case 2:
		s.At = "yesterday"
	case 3:
		s.At = "1999-12-31T23:59:59Z"
	case 4:
		s.Model = strings.Repeat("m", 300)
	case 5:
		s.Customer = "a\xffb"
	case 6:
		s.At = "2026-10-01T00:00:00"
	case 7:
		s.Properties = "[1,2]"
	case 8:
		s.Customer = strings.Repeat("é", 129)
	case 9:
		s.Customer += " "
	case 10:
		s.ID += "\u200b"
	case 11:
		s.Model = "\ufeff" + s.Model
	case 12:
		s.Customer = "\x1b[31mred"
	case 13:
		s.Customer = "\u00a0 "
	}
}

// JSONL writes rows as JSON Lines.
func JSONL(all []Sample) []byte {
	var out bytes.Buffer
	quote := func(text string) string { return string(columnar.AppendJSONString(nil, []byte(text))) }
	for _, s := range all {
		fmt.Fprintf(&out, `{"event_id":%s,"occurred_at":%s,"customer_id":%s,"model":%s`, quote(s.ID), quote(s.At),
			quote(s.Customer), quote(s.Model))
		for pool, count := range s.Tokens {
			if count != nil {
				fmt.Fprintf(&out, `,"%s":%d`, tokenColumns()[pool], *count)
			}
		}
		if s.Properties != "" {
			fmt.Fprintf(&out, `,"properties":%s`, s.Properties)
		}
		if s.Tier != "" {
			fmt.Fprintf(&out, `,"dimensions":{"tier":%s}`, quote(s.Tier))
		}
		out.WriteString("}\n")
	}
	return out.Bytes()
}

// CSV writes rows as CSV, with a column that nobody looks for.
func CSV(all []Sample, delimiter, newline string) []byte {
	var out bytes.Buffer
	quote := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
	header := append([]string{"properties", "model", "event_id"}, tokenColumns()...)
	header = append(header, "occurred_at", "customer_id", "dimensions.tier", "other")
	out.WriteString(strings.Join(header, delimiter) + newline)
	for _, s := range all {
		fields := []string{"", quote(s.Model), quote(s.ID)}
		if s.Properties != "" {
			fields[0] = quote(s.Properties)
		}
		for _, count := range s.Tokens {
			field := ""
			if count != nil {
				field = fmt.Sprint(*count)
			}
			fields = append(fields, field)
		}
		fields = append(fields, s.At, quote(s.Customer), quote(s.Tier), quote("x\ny"))
		out.WriteString(strings.Join(fields, delimiter) + newline)
	}
	return out.Bytes()
}

// tokenColumns are the canonical columns of tokens.
func tokenColumns() []string {
	var columns []string
	for _, unit := range schemas.ColumnUnits() {
		columns = append(columns, schemas.UnitColumn(unit))
	}
	return columns
}
