package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/explain"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

func (s *shop) explain(chargeID string) (explain.Explanation, error) {
	s.t.Helper()
	return s.runner("run_explain").Explain(context.Background(), chargeID, true)
}

// outline writes what an explanation says, shortly.
func outline(e explain.Explanation) string {
	var text strings.Builder
	for _, line := range e.Lines {
		fmt.Fprintf(&text, "%s %s %d:", line.FeatureID, line.Credits, line.AmountMinor)
		for _, day := range line.Days {
			fmt.Fprintf(&text, " %s", day.Day)
			for _, part := range day.Priced {
				fmt.Fprintf(&text, " %s %s*%s", part.Unit, part.Quantity, part.PerUnit)
			}
			for _, load := range day.Loads {
				fmt.Fprintf(&text, " %s%v", load.LoadID, load.Rows)
			}
		}
		text.WriteString("\n")
	}
	return text.String()
}

// TestExplain walks a charge of the preview, the same charge once it is posted and more usage has come, and the
// adjustment for that.
func TestExplain(t *testing.T) {
	s := newShop(t, true)
	planned := s.plan().Charges[0]
	first, err := s.explain(planned.ID)
	s.must(err)
	want := "medium-model-tokens 20000 10000: 2026-10-05 input 20000*1 ld_1[[1 1]]\n"
	if outline(first) != want || first.Frozen || first.Granted.String() != "10000" || first.Overage.String() != "10000" {
		t.Fatalf("%s%+v", outline(first), first)
	}
	s.post("run_1")
	s.load("2026-10-20T10:00:00Z", "small-model", 10005)
	again, err := s.explain(planned.ID)
	s.must(err)
	if outline(again) != want || !again.Frozen || again.State != plan.StatePosted || again.Granted.String() != "10000" ||
		again.StripeID == "" || len(again.Loads) != 1 || again.TotalMinor != 10000 {
		t.Fatalf("%s%+v", outline(again), again)
	}
	adjustment, err := s.explain(s.plan().Charges[1].ID)
	s.must(err)
	want = "medium-model-tokens 20000 953: 2026-10-05 input 20000*1 ld_1[[1 1]]\n" +
		"small-model-tokens 1000.5 48: 2026-10-20 input 10005*0.1 ld_2[[1 1]]\n"
	if outline(adjustment) != want || adjustment.TotalMinor != 11001 || len(adjustment.Before) != 1 ||
		adjustment.Before[0].AmountMinor != 10000 || adjustment.AmountMinor != 1001 || len(adjustment.Loads) != 2 {
		t.Fatalf("%s%+v", outline(adjustment), adjustment)
	}
	s.post("run_2")
	posted, err := s.explain(adjustment.ID)
	s.must(err)
	if outline(posted) != want || posted.TotalMinor != 11001 || len(posted.Before) != 1 {
		t.Fatalf("%s%+v", outline(posted), posted)
	}
	if _, err := s.explain("oc_nothing"); !errors.Is(err, explain.ErrNoCharge) {
		t.Error(err)
	}
}

// TestExplainOtherCatalog: a posted charge is explained by the catalog it was posted with, which was kept.
func TestExplainOtherCatalog(t *testing.T) {
	s := newShop(t, true)
	charge := s.plan().Charges[0]
	s.post("run_1")
	text := strings.Replace(string(s.catalog.Text), "medium-model-tokens: 1", "medium-model-tokens: 2", 1)
	text = strings.Replace(text, "medium-model-tokens:  1", "medium-model-tokens: 2", 1)
	dearer, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if dearer == nil || dearer.SHA256 == s.catalog.SHA256 {
		t.Fatal(problems, "or the catalog is the same")
	}
	kept := s.catalog.SHA256
	s.catalog = dearer
	explained, err := s.explain(charge.ID)
	s.must(err)
	if explained.CatalogSHA != kept || explained.Used.String() != "20000" {
		t.Fatalf("%+v", explained)
	}
}

// TestExplainChangedEvents: events that were changed behind the back of the program no longer explain the charge.
func TestExplainChangedEvents(t *testing.T) {
	s := newShop(t, true)
	charge := s.plan().Charges[0]
	s.post("run_1")
	s.must(s.w.Conn().Exec(context.Background(), `INSERT INTO usage_events (load_seq, row_number, source, event_id,
occurred_at, customer_id, model, units, quantities)
VALUES (1, 2, 'test', 'x', '2026-10-06 00:00:00', 'acme', 'medium-model', 'input', [1])`))
	if _, err := s.explain(charge.ID); !errors.Is(err, plan.ErrInvariant) || !strings.Contains(err.Error(), "20001") {
		t.Fatal(err)
	}
}

// TestShow: a posted run as it was, by its month or a day inside, and nothing of other months.
func TestShow(t *testing.T) {
	s := newShop(t, true)
	s.post("run_1")
	s.load("2026-10-20T10:00:00Z", "small-model", 10005)
	october := schemas.Period{Start: utc("2026-10-01T00:00:00Z"), End: utc("2026-11-01T00:00:00Z")}
	for _, period := range []schemas.Period{october, {Start: utc("2026-10-31T23:59:59Z")}} {
		shown, err := ledger.Show(context.Background(), s.w, period)
		s.must(err)
		text, err := json.Marshal(shown)
		s.must(err)
		if len(shown) != 1 || shown[0].AmountMinor != 10000 || *shown[0].PostedMinor != 10000 || len(shown[0].Events) != 2 ||
			shown[0].Events[1].Kind != ledger.Ack || shown[0].Events[1].StripeID != shown[0].StripeID {
			t.Errorf("%s", text)
		}
	}
	september := schemas.Period{Start: utc("2026-09-01T00:00:00Z"), End: october.Start}
	for _, period := range []schemas.Period{{Start: october.End}, september} {
		if shown, err := ledger.Show(context.Background(), s.w, period); err != nil || len(shown) != 0 {
			t.Errorf("%v %v", shown, err)
		}
	}
}

// TestExplainOverride: a customer's own costs, from an instant inside a day on, and own price of a credit.
func TestExplainOverride(t *testing.T) {
	s := newShop(t, true)
	text := string(s.catalog.Text) + `
overrides:
  - {customer: acme, effective: 2026-10-01, product: pro, per_credit: "0.02"}
  - customer: acme
    effective: 2026-10-05T11:00:00Z
    costs: {system: ai-credits, per_token: {medium-model-tokens: 0.5}}
`
	own, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if own == nil {
		t.Fatal(problems)
	}
	s.catalog = own
	s.load("2026-10-05T11:00:00Z", "medium-model", 10)
	e, err := s.explain(s.plan().Charges[0].ID)
	s.must(err)
	want := "medium-model-tokens 20005 20010: 2026-10-05 input 20000*1 input 10*0.5 ld_1[[1 1]] ld_2[[1 1]]\n"
	if outline(e) != want || e.PerCredit.String() != "0.02" {
		t.Fatalf("%s%+v", outline(e), e)
	}
	if from := e.Lines[0].Days[0].Priced[1].PriceFrom; !from.Equal(utc("2026-10-05T11:00:00Z")) {
		t.Errorf("its own price holds from %s", from)
	}
}
