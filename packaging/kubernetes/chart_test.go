package kubernetes_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestChart: each of testdata's values is rendered as its golden says, with the alerts as they are now.
func TestChart(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartFolder, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	alerts := "  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ")
	for name, file := range valuesFiles(t) {
		got, golden := manifest(t, readValues(t, file)), filepath.Join("testdata", name+".golden")
		got = strings.Replace(got, alerts, "  # as serve/monitoring/alerts.yaml", 1)
		if *update {
			write(t, golden, got)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is rendered as\n%s", name, got)
		}
	}
}

// TestChartLint: helm lint has nothing to complain of, not even to warn of.
func TestChartLint(t *testing.T) {
	for name, file := range valuesFiles(t) {
		for _, message := range lint.RunAll(chartFolder, readValues(t, file), "billing").Messages {
			if !strings.Contains(message.Error(), "icon is recommended") {
				t.Errorf("%s: %v", name, message)
			}
		}
	}
	wrong := t.TempDir()
	write(t, filepath.Join(wrong, "Chart.yaml"), "apiVersion: v2\nname: other\n")
	if lint.RunAll(wrong, nil, "billing").HighestSeverity != support.ErrorSev {
		t.Error("a chart without a version passes")
	}
}

// TestChartRefuses: what is missing, misspelt or does not go together is told, by the name of the value.
func TestChartRefuses(t *testing.T) {
	file := filepath.Join("testdata", "serve-embedded.yaml")
	if _, err := render(t, readValues(t, file)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ change, want string }{
		{"image: {repository: ''}", "name the image"},
		{"image: {repositry: a}", "repositry"},
		{"catalog: ''", "give the price book"},
		{"existingConfigMap: billing", "give one of both"},
		{"config: {warehouse: 'embedded:data'}", "only what is below /var/lib/creditmill/ is kept"},
		{"config: {warehouse: 'postgres://x'}", "warehouse"},
		{"persistence: {enabled: false}", "need a volume"},
		{"mode: both", "mode"},
		{"mode: batch", "only mode serve answers at /metrics"},
		{"serve: {tlsSecret: ''}", "tokens would pass in the clear"},
		{"serve: {trustedProxies: [10.0.0.0/8]}", "not both"},
		{"serve: {tlsSecret: '', trustedProxies: [proxy.example.com]}", "trustedProxies"},
		{"batch: {jobs: {invoice: monthly}}", "invoice"},
		{"batch: {jobs: {invoices: '@monthly'}}", "invoices"},
	} {
		refused(t, file, test.change, test.want)
	}
	_, err := render(t, map[string]any{})
	for _, want := range []string{"image.repository", "catalog:", "serve:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without values: %v, want %s", err, want)
		}
	}
}

// refused wants a change of a release to be refused in these words.
func refused(t *testing.T, file, change, want string) {
	t.Helper()
	values := readValues(t, file)
	merge(values, parse(t, change))
	if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want a refusal that has %q", change, err, want)
	}
}

// TestChartInbox: a job finds the inbox where the pod has it, and none is started that has no inbox to load.
func TestChartInbox(t *testing.T) {
	file := filepath.Join("testdata", "batch-embedded.yaml")
	for _, test := range []struct{ change, want string }{
		{"config: {inbox: inbox}", "config.inbox: give s3://bucket/prefix/, or a folder below /var/lib/creditmill/"},
		{"{config: {inbox: inbox}, inbox: {existingClaim: ''}}", "config.inbox: give s3://"},
		{"{config: {inbox: /logs}, inbox: {existingClaim: ''}}", "config.inbox: give s3://"},
		{"config: {inbox: 's3://logs/llm/'}", "inbox.existingClaim: it is mounted at /var/lib/creditmill/inbox"},
		{"config: {inbox: /var/lib/creditmill/inboxes}", "inbox.existingClaim: it is mounted at"},
		{"config: {inbox: ''}", "inbox.existingClaim: it is mounted at"},
		{"{config: {inbox: ''}, inbox: {existingClaim: ''}, batch: {jobs: {load: '@hourly'}}}", "batch.jobs.load"},
	} {
		refused(t, file, test.change, test.want)
	}
	for change, loads := range map[string]bool{
		"{}": true,
		"config: {inbox: /var/lib/creditmill/inbox/llm}":                                             true,
		"{config: {inbox: 's3://logs/llm/'}, inbox: {existingClaim: ''}}":                            true,
		"{config: {inbox: /var/lib/creditmill/logs}, inbox: {existingClaim: ''}}":                    true,
		"{config: {inbox: ''}, inbox: {existingClaim: ''}}":                                          false,
		"batch: {jobs: {load: ''}}":                                                                  false,
		"{existingConfigMap: billing, catalog: '', inbox: {existingClaim: ''}, config: {inbox: ''}}": false,
		"{existingConfigMap: billing, catalog: '', config: {inbox: ''}}":                             true,
	} {
		values := readValues(t, file)
		merge(values, parse(t, change))
		if got := strings.Contains(manifest(t, values), "name: creditmill-load\n"); got != loads {
			t.Errorf("%s: a job load is there: %t, want %t", change, got, loads)
		}
	}
}

// TestChartSQL: where serve lets analysts in, pod, Service and policy have both ports; where it cannot, it is told.
func TestChartSQL(t *testing.T) {
	file := filepath.Join("testdata", "serve-embedded.yaml")
	for change, ports := range map[string][2]string{
		"config: {serve: {sql: true}}":                                             {"9440", "8443"},
		"config: {serve: {sql: true, sql_native_port: 9000, sql_http_port: 8123}}": {"9000", "8123"},
		"config: {serve: {sql: false, sql_native_port: 9000}}":                     {},
	} {
		values := readValues(t, file)
		merge(values, parse(t, change))
		files, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"sql-native", "sql-http"} {
			for file, want := range map[string]string{
				"deployment.yaml":    "{name: " + name + ", containerPort: " + ports[i] + ", protocol: TCP}",
				"service.yaml":       "{name: " + name + ", port: " + ports[i] + ", targetPort: " + name + ", protocol: TCP}",
				"networkpolicy.yaml": "{port: " + name + ", protocol: TCP}",
			} {
				text, open := files[file], ports[i] != ""
				if strings.Contains(text, name) != open || open && !strings.Contains(text, want) {
					t.Errorf("%s: want %s, in %s: %t\n%s", change, want, file, open, text)
				}
			}
		}
	}
	for change, want := range map[string]string{
		"{config: {serve: {sql: true}}, serve: {tlsSecret: '', trustedProxies: [10.0.0.0/8]}}": "serve.sql: analysts",
		"{config: {serve: {sql: true}, warehouse: 'clickhouse://a@b:9000/c'}}":                 "serve.sql: a server",
		"config: {serve: {sql: true, sql_http_port: 8377}}":                                    "serve.sql: serve.port",
		"config: {serve: {sql: true, sql_http_port: 9440}}":                                    "serve.sql: serve.port",
	} {
		refused(t, file, change, want)
	}
}

// TestChartSecrets: the address of a webhook comes from the Secret, and is refused in a ConfigMap, unquoted.
func TestChartSecrets(t *testing.T) {
	file := filepath.Join("testdata", "batch-embedded.yaml")
	want := `- name: CREDITMILL_NOTIFY_URL
            valueFrom:
              secretKeyRef: {name: creditmill, key: hook, optional: true}`
	values := readValues(t, file)
	merge(values, parse(t, "secret: {notifyUrl: hook}"))
	lines := strings.Fields(manifest(t, values))
	if !strings.Contains(strings.Join(lines, " "), strings.Join(strings.Fields(want), " ")) {
		t.Errorf("want %s", want)
	}
	refused(t, file, "config: {notify: {url: 'https://hooks.example.com/s3cret'}}", "config.notify.url: it is a secret")
	merge(values, parse(t, "config: {notify: {url: 'https://hooks.example.com/s3cret'}}"))
	if _, err := render(t, values); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the refusal quotes the secret: %v", err)
	}
	values = readValues(t, file)
	merge(values, parse(t, "config: {notify: {shape: slack}}"))
	if _, err := render(t, values); err != nil {
		t.Error(err)
	}
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return values
}

// merge lays one set of values over another, key by key.
func merge(values, over map[string]any) {
	for key, value := range over {
		below, isMap := value.(map[string]any)
		if under, both := values[key].(map[string]any); both && isMap {
			merge(under, below)
			continue
		}
		values[key] = value
	}
}

// TestChartConfig: creditmill itself takes the config and the price book that each release mounts.
func TestChartConfig(t *testing.T) {
	program := filepath.Join(t.TempDir(), "creditmill")
	build := exec.Command("go", "build", "-o", program, "./cmd/creditmill")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build creditmill: %v\n%s", err, out)
	}
	checked := 0
	for name, file := range valuesFiles(t) {
		files, err := render(t, readValues(t, file))
		if err != nil {
			t.Fatal(err)
		}
		var mounted struct {
			Data map[string]string `json:"data"`
		}
		if err := yaml.Unmarshal([]byte(files["configmap.yaml"]), &mounted); err != nil {
			t.Fatal(err)
		}
		if len(mounted.Data) == 0 {
			continue // the release has one of its own
		}
		checked++
		folder := t.TempDir()
		for key, text := range mounted.Data {
			write(t, filepath.Join(folder, key), text)
		}
		if out, err := exec.Command(program, "--config", filepath.Join(folder, "creditmill.yaml"), "check").
			CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, mounted.Data["creditmill.yaml"])
		}
	}
	if checked != 3 {
		t.Errorf("%d configs were looked at, want 3", checked)
	}
}
