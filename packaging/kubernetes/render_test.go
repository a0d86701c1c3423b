package kubernetes_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

// chartFolder is named after the chart, as Helm wants it.
const chartFolder = "creditmill"

// valuesFiles are the releases that are rendered, by name.
func valuesFiles(t *testing.T) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no values are in testdata (%v)", err)
	}
	files := map[string]string{}
	for _, file := range found {
		files[strings.TrimSuffix(filepath.Base(file), ".yaml")] = file
	}
	return files
}

func readValues(t *testing.T, file string) map[string]any {
	t.Helper()
	values, err := common.ReadValuesFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.LoadDir(chartFolder)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Metadata.Version, loaded.Metadata.AppVersion = "0.1.0", "0.1.0"
	return loaded
}

// render is what helm template writes: each file of the chart by its name, those left out that come to nothing.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	loaded := loadChart(t)
	kubernetes, err := common.ParseKubeVersion("v" + kubernetesVersion)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kubernetes
	all, err := util.ToRenderValues(loaded, values,
		common.ReleaseOptions{Name: "creditmill", Namespace: "billing", Revision: 1, IsInstall: true}, capabilities)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Engine{Strict: true}.RenderWithContext(t.Context(), loaded, all)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for name, text := range rendered {
		if text = strings.TrimSpace(text); text != "" {
			files[filepath.Base(name)] = text
		}
	}
	return files, nil
}

// manifest is one text of what is rendered, without the notes.
func manifest(t *testing.T, values map[string]any) string {
	t.Helper()
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			all.WriteString("---\n# " + name + "\n" + strings.TrimPrefix(files[name], "---\n") + "\n")
		}
	}
	return all.String()
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
