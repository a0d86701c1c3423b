package kubernetes_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/yaml"
)

const (
	kubernetesVersion = "1.37.2"
	// Kubernetes' own description of its API, and that of Prometheus's operator, stand in their Go modules. They are
	// fetched as modules are and compared with these sums, but not required: both have too many requirements.
	kubernetesSum = "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="
	operator      = "github.com/prometheus-operator/prometheus-operator@v0.94.0"
	operatorSum   = "h1:VxMKzqr8Xqw5/QInNT7a3B5XInPnHqE7SD2UIdwKpRM="
)

// module is the folder of a module in Go's cache.
func module(t *testing.T, name, sum string) string {
	t.Helper()
	command := exec.Command("go", "mod", "download", "-json", name)
	command.Dir, command.Stderr = t.TempDir(), os.Stderr
	out, err := command.Output()
	var got struct{ Dir, Sum, Error string }
	if unread := json.Unmarshal(out, &got); err != nil || unread != nil || got.Sum != sum {
		t.Fatalf("go mod download %s: %v %s, sum %q, want %s", name, err, got.Error, got.Sum, sum)
	}
	return got.Dir
}

// writeSchemas writes the JSON schema of each kind of Kubernetes, and of the two of Prometheus's operator that the
// chart has, as kubeconform reads them, and returns the template of their names.
func writeSchemas(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	text, err := os.ReadFile(filepath.Join(module(t, "k8s.io/kubernetes@v"+kubernetesVersion, kubernetesSum),
		"api", "openapi-spec", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	for _, definition := range api.Definitions {
		strict(definition)
	}
	writeJSON(t, filepath.Join(folder, "all.json"), map[string]any{"definitions": api.Definitions})
	for name, definition := range api.Definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		for _, each := range kinds {
			kind := each.(map[string]any)
			group, _, _ := strings.Cut(kind["group"].(string), ".")
			writeJSON(t, filepath.Join(folder, schemaName(group, kind["version"].(string), kind["kind"].(string))),
				map[string]any{"$ref": "all.json#/definitions/" + name})
		}
	}
	crds := filepath.Join(module(t, operator, operatorSum), "example", "prometheus-operator-crd")
	for _, plural := range []string{"servicemonitors", "prometheusrules"} {
		text, err := os.ReadFile(filepath.Join(crds, "monitoring.coreos.com_"+plural+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var crd struct {
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Schema struct{ OpenAPIV3Schema map[string]any }
				}
			}
		}
		if err := yaml.Unmarshal(text, &crd); err != nil {
			t.Fatal(err)
		}
		group, _, _ := strings.Cut(crd.Spec.Group, ".")
		for _, version := range crd.Spec.Versions {
			schema := version.Schema.OpenAPIV3Schema
			schema["properties"].(map[string]any)["metadata"] = map[string]any{
				"$ref": "all.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
			}
			strict(schema)
			writeJSON(t, filepath.Join(folder, schemaName(group, version.Name, crd.Spec.Names.Kind)), schema)
		}
	}
	return folder + "/{{.ResourceKind}}{{.KindSuffix}}.json"
}

// schemaName is the name by which kubeconform looks for a kind.
func schemaName(group, version, kind string) string {
	return strings.ToLower(strings.Trim(kind+"-"+group, "-") + "-" + version + ".json")
}

// strict has a schema, and those in it, refuse what they do not describe, and take a number where Kubernetes does.
func strict(schema any) {
	switch node := schema.(type) {
	case map[string]any:
		if node["format"] == "int-or-string" {
			delete(node, "type")
		}
		if _, described := node["properties"].(map[string]any); described && node["additionalProperties"] == nil {
			node["additionalProperties"] = false
		}
		for _, below := range node {
			strict(below)
		}
	case []any:
		for _, below := range node {
			strict(below)
		}
	}
}

func writeJSON(t *testing.T, file string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(text))
}

// TestKubernetesTakes: what is rendered fits the schemas of Kubernetes and of Prometheus's operator, where nothing is
// unknown, and each kind that the chart has is among it.
func TestKubernetesTakes(t *testing.T) {
	check, err := validator.New([]string{writeSchemas(t)},
		validator.Opts{Strict: true, KubernetesVersion: kubernetesVersion})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for name, file := range valuesFiles(t) {
		for _, result := range check.Validate(name, io.NopCloser(strings.NewReader(manifest(t, readValues(t, file))))) {
			if result.Status == validator.Empty {
				continue
			}
			signature, err := result.Resource.Signature()
			if err != nil {
				t.Fatal(err)
			}
			found[signature.Kind] = true
			if result.Status != validator.Valid {
				t.Errorf("%s: %s %s: %v", name, signature.Kind, signature.Name, result.Err)
			}
		}
	}
	for _, kind := range []string{
		"ConfigMap", "CronJob", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PrometheusRule", "Service",
		"ServiceAccount", "ServiceMonitor",
	} {
		if !found[kind] {
			t.Errorf("no %s is rendered", kind)
		}
	}
	for _, wrong := range []string{
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {prots: []}",
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: '* * * * *'}",
		"apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\nspec: {endpoints: []}",
	} {
		for _, result := range check.Validate("wrong", io.NopCloser(strings.NewReader(wrong))) {
			if result.Status != validator.Invalid {
				t.Errorf("%s: passes (%v)", wrong, result.Err)
			}
		}
	}
}
