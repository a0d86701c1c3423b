package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures of this process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	rows     *prometheus.CounterVec
	answers  *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "creditmill_http_requests_total", Help: "Requests by endpoint and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "creditmill_http_request_seconds", Help: "How long requests took, by endpoint.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "creditmill_event_rows_total", Help: "Rows sent to /v1/events by outcome.",
		}, []string{"outcome"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "creditmill_entitled_answers_total",
			Help: "Answers of /v1/entitled by where they came from: memory, or balances that had to be computed first.",
		}, []string{"from"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.rows, m.answers)
	return m
}

// request counts a request. An endpoint that does not exist has no name, so that nobody can make names.
func (m *metrics) request(route string, status int, elapsed time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(elapsed.Seconds())
}

func (m *metrics) events(taken, refused int) {
	m.rows.WithLabelValues("accepted").Add(float64(taken))
	m.rows.WithLabelValues("rejected").Add(float64(refused))
}

func (m *metrics) entitled(fromMemory bool) {
	from := "warehouse"
	if fromMemory {
		from = "memory"
	}
	m.answers.WithLabelValues(from).Inc()
}

// state is what `creditmill status` says, as far as it is a figure.
type state struct {
	Loads           float64 `json:"loads"`
	LoadsUnfinished float64 `json:"loads_unfinished"`
	LoadsSinceRun   float64 `json:"loads_since_aggregate"`
	Events          float64 `json:"events"`
	Rejects         float64 `json:"rejects"`
	UnratedRows     float64 `json:"unrated_rows"`
	LastLoad        *struct {
		CommittedAt   time.Time `json:"committed_at"`
		NewestEventAt time.Time `json:"newest_event_at"`
	} `json:"last_load"`
	LastAggregate *struct {
		FinishedAt time.Time `json:"finished_at"`
	} `json:"last_aggregate"`
	Charges struct {
		Open     float64 `json:"open"`
		Rejected float64 `json:"rejected"`
		Posted   float64 `json:"posted"`
	} `json:"charges"`
	Damage []json.RawMessage `json:"damage"`
}

// showMetrics answers the figures of the process and those of the warehouse as they are now.
func showMetrics(s *Server, w http.ResponseWriter, r *http.Request, _ call) {
	gatherers := prometheus.Gatherers{s.metrics.registry, s.warehouseFigures(r.Context())}
	promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// warehouseFigures asks for the state of the warehouse; without an answer creditmill_warehouse_up is 0 and the others
// are left out.
func (s *Server) warehouseFigures(ctx context.Context) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64) {
		one := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		one.Set(value)
		registry.MustRegister(one)
	}
	var now state
	result := s.config.Commands.Run(ctx, "status")
	if result.status() != http.StatusOK || json.Unmarshal(result.JSON, &now) != nil {
		gauge("creditmill_warehouse_up", "1 if the warehouse answers.", 0)
		return registry
	}
	gauge("creditmill_warehouse_up", "1 if the warehouse answers.", 1)
	gauge("creditmill_loads", "Loads that count.", now.Loads)
	gauge("creditmill_loads_unfinished", "Loads that were begun and are not committed.", now.LoadsUnfinished)
	gauge("creditmill_loads_since_aggregate", "Loads that no aggregate has seen.", now.LoadsSinceRun)
	gauge("creditmill_events", "Events that count.", now.Events)
	gauge("creditmill_rejects", "Rows that were refused.", now.Rejects)
	gauge("creditmill_unrated_events", "Events without a price.", now.UnratedRows)
	gauge("creditmill_charges_open", "Charges that are not known to be at Stripe.", now.Charges.Open)
	gauge("creditmill_charges_rejected", "Charges that Stripe refused.", now.Charges.Rejected)
	gauge("creditmill_charges_posted", "Charges that Stripe has.", now.Charges.Posted)
	gauge("creditmill_damaged_tables", "Tables that miss rows.", float64(len(now.Damage)))
	if now.LastLoad != nil {
		gauge("creditmill_last_load_timestamp_seconds", "When a load was last committed.",
			float64(now.LastLoad.CommittedAt.Unix()))
		gauge("creditmill_newest_event_timestamp_seconds", "When the newest event occurred.",
			float64(now.LastLoad.NewestEventAt.Unix()))
	}
	if now.LastAggregate != nil {
		gauge("creditmill_last_aggregate_timestamp_seconds", "When an aggregate last finished.",
			float64(now.LastAggregate.FinishedAt.Unix()))
	}
	return registry
}
