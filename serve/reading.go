package serve

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// mostListed bounds a list that is read from the warehouse at once.
const mostListed = 1000

// selected answers the rows of a statement, whose parameters are made from what the request gives.
func selected[T any](statement string, of func(*http.Request, map[string]string) (warehouse.Params, error),
) func(*Server, http.ResponseWriter, *http.Request, call) {
	return func(s *Server, w http.ResponseWriter, r *http.Request, by call) {
		given, err := s.values(r, by)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		params, err := of(r, given)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		rows, err := warehouse.Select[T](r.Context(), s.config.Warehouse, statement, params)
		if err != nil {
			s.config.Log.Error().Err(err).Msg("read_failed")
			refuse(w, http.StatusServiceUnavailable, "the warehouse does not answer")
			return
		}
		if rows == nil {
			rows = []T{}
		}
		answer(w, http.StatusOK, rows)
	}
}

// ofCustomer are the parameters of a list of a customer's.
func ofCustomer(r *http.Request, _ map[string]string) (warehouse.Params, error) {
	return warehouse.Params{"customer": r.PathValue("id"), "most": mostListed}, nil
}

func latest(*http.Request, map[string]string) (warehouse.Params, error) {
	return warehouse.Params{"most": mostListed}, nil
}

// betweenDays are the parameters of what is listed by day. A list by day has at most two years.
func betweenDays(_ *http.Request, given map[string]string) (warehouse.Params, error) {
	from, err := time.Parse(time.DateOnly, given["from"])
	to, other := time.Parse(time.DateOnly, given["to"])
	if err != nil || other != nil || !from.Before(to) || to.Sub(from) > 2*366*24*time.Hour {
		return nil, errors.New("from and to are days such as 2026-10-01, at most two years apart; to is exclusive")
	}
	return warehouse.Params{"from": warehouse.Date(from), "to": warehouse.Date(to), "customer": given["customer"]}, nil
}

func noParams(*http.Request, map[string]string) (warehouse.Params, error) { return nil, nil }

// costReports is a row of serve/cost_reports.sql.
type costReports struct {
	Provider string    `ch:"provider" json:"provider"`
	Kind     string    `ch:"kind" json:"kind"`
	FirstDay time.Time `ch:"first_day" json:"first_day"`
	LastDay  time.Time `ch:"last_day" json:"last_day"`
	Lines    uint64    `ch:"lines" json:"lines"`
}

// decision is a row of serve/audit.sql.
type decision struct {
	DecidedAt   time.Time `ch:"decided_at" json:"decided_at"`
	DecidedBy   string    `ch:"decided_by" json:"decided_by"`
	Action      string    `ch:"action" json:"action"`
	Subject     string    `ch:"subject" json:"subject"`
	CustomerID  string    `ch:"customer_id" json:"customer_id"`
	AmountMinor *int64    `ch:"amount_minor" json:"amount_minor"`
	About       string    `ch:"about" json:"about"`
	Reason      string    `ch:"reason" json:"reason"`
	HoldCodes   []string  `ch:"hold_codes" json:"hold_codes"`
}

// dailyCredits is a row of serve/daily_credits.sql.
type dailyCredits struct {
	Day          time.Time `ch:"day" json:"day"`
	CreditSystem string    `ch:"credit_system" json:"credit_system"`
	FeatureID    string    `ch:"feature_id" json:"feature_id"`
	Credits      string    `ch:"credits" json:"credits"`
}

// customerPeriod is a row of serve/customer_periods.sql.
type customerPeriod struct {
	CreditSystem  string     `ch:"credit_system" json:"credit_system"`
	Product       string     `ch:"product" json:"product"`
	PeriodStart   time.Time  `ch:"period_start" json:"period_start"`
	PeriodEnd     *time.Time `ch:"period_end" json:"period_end"`
	Granted       *string    `ch:"granted" json:"granted"`
	Used          string     `ch:"used" json:"used"`
	Remaining     *string    `ch:"remaining" json:"remaining"`
	Overage       string     `ch:"overage" json:"overage"`
	Billable      string     `ch:"billable" json:"billable"`
	UnratedEvents uint64     `ch:"unrated_events" json:"unrated_events"`
}

// customerCharge is a row of serve/customer_charges.sql.
type customerCharge struct {
	ChargeID      string     `ch:"charge_id" json:"charge_id"`
	Product       string     `ch:"product" json:"product"`
	CreditSystem  string     `ch:"credit_system" json:"credit_system"`
	Kind          string     `ch:"kind" json:"kind"`
	PeriodStart   time.Time  `ch:"period_start" json:"period_start"`
	PeriodEnd     time.Time  `ch:"period_end" json:"period_end"`
	Currency      string     `ch:"currency" json:"currency"`
	AmountMinor   int64      `ch:"amount_minor" json:"amount_minor"`
	State         string     `ch:"state" json:"state"`
	StripeID      string     `ch:"stripe_id" json:"stripe_id"`
	PostedAt      *time.Time `ch:"posted_at" json:"posted_at"`
	InvoiceID     string     `ch:"invoice_id" json:"invoice_id"`
	InvoiceStatus string     `ch:"invoice_status" json:"invoice_status"`
	PlanSHA       string     `ch:"plan_sha" json:"plan_sha"`
}

// proposedName is what messages call a price book that was sent.
const proposedName = "proposed.yaml"

// propose compares a price book that is sent with the one in force. Mistakes in it are an answer, too.
func propose(s *Server, w http.ResponseWriter, r *http.Request, by call) {
	given, err := s.values(r, by)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	result, err := s.against(r, given)
	if err != nil {
		s.config.Log.Error().Err(err).Msg("proposal_failed")
		refuse(w, http.StatusInternalServerError, "the proposed catalog cannot be put on disk")
		return
	}
	if len(result.JSON) > 0 && bytes.Contains(result.JSON, []byte(`"problems"`)) {
		result.Status = http.StatusOK // mistakes are listed in it
	}
	s.conclude(w, result)
}

// against runs check with the sent text in a file of its own, which no message names.
func (s *Server) against(r *http.Request, given map[string]string) (result Result, err error) {
	folder, err := os.MkdirTemp("", "creditmill-proposal-")
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	name := filepath.Join(folder, proposedName)
	if err := os.WriteFile(name, []byte(given["catalog"]), 0o600); err != nil {
		return Result{}, err
	}
	result = s.config.Commands.Run(r.Context(),
		filled([]string{"check", "--against=" + name, "--as-of={as_of}"}, given)...)
	result.JSON = bytes.ReplaceAll(result.JSON, []byte(folder+"/"), nil)
	result.Message = string(bytes.ReplaceAll([]byte(result.Message), []byte(folder+"/"), nil))
	return result, nil
}
