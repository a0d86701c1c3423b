package serve

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

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
		// Held counts by code; nil where nobody counted.
		Held map[string]float64 `json:"held"`
	} `json:"charges"`
	Damage      []json.RawMessage `json:"damage"`
	Inbox       []json.RawMessage `json:"inbox_never_loaded"`
	Jobs        []jobFigure       `json:"jobs"`
	MemoryBytes float64           `json:"engine_memory_bytes"`
	Disk        struct {
		Bytes     float64 `json:"bytes"`
		FreeBytes float64 `json:"free_bytes"`
	} `json:"disk"`
}

// jobFigure is the latest run of a job.
type jobFigure struct {
	Job         string     `json:"job"`
	Status      string     `json:"status"`
	ElapsedMS   *float64   `json:"elapsed_ms"`
	SucceededAt *time.Time `json:"succeeded_at"`
	Failures    float64    `json:"failures"`
}

// WriteFigures writes the figures of `creditmill status --json` to a file as Prometheus reads them, for the textfile
// collector of its node exporter. The file is whole at any time.
func WriteFigures(file string, status []byte) error {
	if err := prometheus.WriteToTextfile(file, Figures(status)); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// Figures are those of `creditmill status --json`, with --held or without. Without it creditmill_warehouse_up is 0 and
// the others are left out.
func Figures(status []byte) *prometheus.Registry {
	var now state
	if json.Unmarshal(status, &now) != nil {
		return figuresOf(nil)
	}
	return figuresOf(&now)
}

// figuresOf are the figures of a state; nil where the warehouse does not answer.
func figuresOf(now *state) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64) {
		one := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		one.Set(value)
		registry.MustRegister(one)
	}
	if now == nil {
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
	gauge("creditmill_inbox_never_loaded", "Files in the inbox that no job loads.", float64(len(now.Inbox)))
	gauge("creditmill_disk_bytes", "What the warehouse takes of the disk.", now.Disk.Bytes)
	gauge("creditmill_disk_free_bytes", "What is free of the warehouse's disk.", now.Disk.FreeBytes)
	gauge("creditmill_engine_memory_bytes", "What the engine takes of the memory.", now.MemoryBytes)
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
	if now.Charges.Held != nil {
		heldFigures(registry, now.Charges.Held)
	}
	jobFigures(registry, now.Jobs)
	return registry
}

// heldFigures are the held charges by code.
func heldFigures(registry *prometheus.Registry, counts map[string]float64) {
	held := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "creditmill_charges_held",
		Help: "Charges that are held, by the code of the reason; one with several counts for each.",
	}, []string{"reason"})
	registry.MustRegister(held)
	for code, count := range counts {
		held.WithLabelValues(code).Set(count)
	}
}

// jobFigures are those of scheduled jobs.
func jobFigures(registry *prometheus.Registry, jobs []jobFigure) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		one := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"job"})
		registry.MustRegister(one)
		return one
	}
	succeeded := gauge("creditmill_job_last_success_timestamp_seconds", "When the job last did its work.")
	seconds := gauge("creditmill_job_last_run_seconds", "How long its latest run took.")
	failures := gauge("creditmill_job_failures", "Runs that failed since the job last did its work.")
	for _, job := range jobs {
		failures.WithLabelValues(job.Job).Set(job.Failures)
		if job.SucceededAt != nil {
			succeeded.WithLabelValues(job.Job).Set(float64(job.SucceededAt.Unix()))
		}
		if job.ElapsedMS != nil {
			seconds.WithLabelValues(job.Job).Set(*job.ElapsedMS / 1000)
		}
	}
}
