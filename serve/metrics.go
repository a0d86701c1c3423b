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

func newMetrics(spool *Spool) *metrics {
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
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "creditmill_spool_bytes", Help: "Rows sent to /v1/events that are on disk and in no load yet.",
	}, func() float64 { return float64(spool.Waiting()) })
	m.registry.MustRegister(m.requests, m.seconds, m.rows, m.answers, waiting)
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

// showMetrics answers the figures of the process and those of the warehouse as they are now.
func showMetrics(s *Server, w http.ResponseWriter, r *http.Request, _ call) {
	gatherers := prometheus.Gatherers{s.metrics.registry, s.warehouseFigures(r.Context())}
	promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// warehouseFigures asks for the state of the warehouse.
func (s *Server) warehouseFigures(ctx context.Context) *prometheus.Registry {
	result := s.config.Commands.Run(ctx, "status")
	var now state
	if result.status() != http.StatusOK || json.Unmarshal(result.JSON, &now) != nil {
		return figuresOf(nil)
	}
	now.Charges.Held = s.held.counts(ctx, s)
	return figuresOf(&now)
}
