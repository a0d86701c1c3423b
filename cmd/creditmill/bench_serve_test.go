package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

const (
	// vegeta is the load generator. Go's own client gets it for this benchmark only.
	vegeta = "github.com/tsenart/vegeta/v12@v12.13.0"
	// serveCustomers are asked for, at serveAsks a second, while serveEvents events arrive a second, eventsAtOnce in a
	// request.
	serveCustomers, serveAsks, serveEvents, eventsAtOnce = 20_000, 1000, 5000, 50
)

// attackReport is what vegeta says of a load; durations in nanoseconds.
type attackReport struct {
	Latencies struct {
		Median int64 `json:"50th"`
		P99    int64 `json:"99th"`
		Max    int64 `json:"max"`
	} `json:"latencies"`
	Requests uint64            `json:"requests"`
	Rate     float64           `json:"throughput"`
	Success  float64           `json:"success"`
	Statuses map[string]uint64 `json:"status_codes"`
	Errors   []string          `json:"errors"`
}

// BenchmarkServeEntitled asks serve who is entitled while events arrive, for SECONDS, 30 unless said, and prints how
// long answers took. ROWS are loaded before.
func BenchmarkServeEntitled(b *testing.B) {
	for b.Loop() {
		seconds := number(b, "SECONDS", 30)
		bench := newInvoiceBench(b, "serve_entitled")
		tool := installVegeta(b)
		bench.load("usage_typed", bench.rows)
		bench.importCustomers(serveCustomers, nil)
		_, token := bench.program("token", "create", "gateway", "--role", serve.RoleAdmin, "--quiet")
		address, stop := bench.serve()
		attack := func(name, path string, rate, seconds int, body func(i int) string) func() attackReport {
			return startAttack(b, tool, filepath.Join(bench.directory, name), "http://"+address+path,
				strings.TrimSpace(string(token)), rate, seconds, body)
		}
		question := func(int) string {
			return fmt.Sprintf(`{"customer_id":"cus_%06d","feature":"small-model","required":1000}`,
				rand.IntN(serveCustomers)) //nolint:gosec // a benchmark
		}
		first := attack("first", "/v1/entitled", 1, 1, question)()
		var group sync.WaitGroup
		var events attackReport
		group.Go(func() {
			events = attack("events", "/v1/events", serveEvents/eventsAtOnce, int(seconds), func(i int) string {
				var rows strings.Builder
				for k := range eventsAtOnce {
					rows.WriteString(row(fmt.Sprintf("serve-%d-%d", i, k), time.Now().UTC().Format(time.RFC3339),
						fmt.Sprintf("cus_%06d", rand.IntN(serveCustomers)), "small-model", 100) + "\n") //nolint:gosec // a benchmark
				}
				return rows.String()
			})()
		})
		asked := attack("asked", "/v1/entitled", serveAsks, int(seconds), question)()
		group.Wait()
		figures := metricsOf(b, address, strings.TrimSpace(string(token)))
		peak := stop()
		fmt.Printf("\nserve, %d customers, %d rows loaded; %s/%s, %d cores, load average %s; %d s\n", serveCustomers,
			bench.rows, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), loadAverage(), seconds)
		t := newTable(os.Stdout, "", "a second", "answered", "median ms", "p99 ms", "max ms", "statuses")
		for name, r := range map[string]attackReport{
			"the first question": first, "entitled": asked, "events (50 a request)": events,
		} {
			t.AppendRow([]any{
				name, fmt.Sprintf("%.0f", r.Rate), fmt.Sprintf("%.2f %%", 100*r.Success), millis(r.Latencies.Median),
				millis(r.Latencies.P99), millis(r.Latencies.Max), fmt.Sprint(r.Statuses, r.Errors),
			})
		}
		t.Render()
		fmt.Printf("%speak memory of serve: %d MB\n", figures, peak>>20)
		b.ReportMetric(float64(asked.Latencies.P99)/1e6, "p99-ms")
		if asked.Success < 1 || events.Success < 1 {
			b.Errorf("not all was answered: %+v %+v", asked, events)
		}
	}
}

func millis(nanoseconds int64) string { return fmt.Sprintf("%.2f", float64(nanoseconds)/1e6) }

// serve starts the program and returns its address, and what ends it and tells its peak of memory in bytes.
func (l *invoiceBench) serve() (address string, stop func() int64) {
	l.b.Helper()
	executable, err := os.Executable()
	if err != nil {
		l.b.Fatal(err)
	}
	command := exec.CommandContext(l.b.Context(), executable, "serve", "--listen", "127.0.0.1:0", "--warehouse",
		l.dsn(l.database), "--catalog", filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	command.Args[0] = "creditmill"
	var stderr lockedBuffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		l.b.Fatal(err)
	}
	stop = func() int64 {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			l.b.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			l.b.Fatalf("serve: %v\n%s", err, &stderr)
		}
		return command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10 //nolint:forcetypeassert // it is one on Unix
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if found := listening.FindStringSubmatch(stderr.String()); found != nil {
			return found[1], stop
		}
		if time.Now().After(deadline) {
			l.b.Fatalf("serve does not listen\n%s", &stderr)
		}
	}
}

func installVegeta(b *testing.B) string {
	b.Helper()
	folder := b.TempDir()
	command := exec.CommandContext(b.Context(), "go", "install", vegeta)
	command.Env = append(os.Environ(), "GOBIN="+folder)
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	return filepath.Join(folder, "vegeta")
}

// startAttack sends bodies to a URL for some seconds. What it returns waits for the report.
func startAttack(
	b *testing.B, tool, file, url, token string, rate, seconds int, body func(int) string,
) func() attackReport {
	b.Helper()
	var targets bytes.Buffer
	encoder := json.NewEncoder(&targets)
	for i := range rate * seconds {
		target := map[string]any{
			"method": http.MethodPost, "url": url, "body": base64.StdEncoding.EncodeToString([]byte(body(i))),
			"header": map[string][]string{"Authorization": {"Bearer " + token}},
		}
		if err := encoder.Encode(target); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(file, targets.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(b.Context(), tool, "attack", "-format=json", "-targets="+file, "-output="+file+".bin",
		fmt.Sprintf("-rate=%d/s", rate), fmt.Sprintf("-duration=%ds", seconds))
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	return func() (report attackReport) {
		if err := command.Wait(); err != nil {
			b.Fatal(err)
		}
		text, err := exec.CommandContext(b.Context(), tool, "report", "-type=json", file+".bin").Output()
		if err == nil {
			err = json.Unmarshal(text, &report)
		}
		if err != nil {
			b.Fatalf("%v\n%s", err, text)
		}
		return report
	}
}

// metricsOf are those of answers.
func metricsOf(b *testing.B, address, token string) string {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		b.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^creditmill_entitled_answers_total.*\n`).FindAllString(text.String(), -1)
	return strings.Join(found, "")
}
