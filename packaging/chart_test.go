package main

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestChartPackage: the chart is packed whole, with the version of the release and the alerts themselves, not a link.
func TestChartPackage(t *testing.T) {
	packed, err := os.Open(filepath.Join(shared(t), "creditmill-0.1.0.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close() //nolint:errcheck // it was read only
	texts := map[string]string{}
	eachFile(t, packed, func(header *tar.Header, in io.Reader) {
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		texts[header.Name] = string(text)
	})
	var want []string
	for _, pattern := range []string{"*.*", filepath.Join("templates", "*")} {
		found, err := filepath.Glob(filepath.Join("kubernetes", "creditmill", pattern))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, found...)
	}
	for _, name := range want {
		if _, there := texts[strings.TrimPrefix(filepath.ToSlash(name), "kubernetes/")]; !there {
			t.Errorf("%s is not in it", name)
		}
	}
	if len(want) != len(texts) {
		t.Errorf("it has %d files, want %d", len(texts), len(want))
	}
	lines := strings.Split(texts["creditmill/Chart.yaml"], "\n")
	for _, line := range []string{"version: 0.1.0", "appVersion: 0.1.0"} {
		if !slices.Contains(lines, line) {
			t.Errorf("Chart.yaml has no %q", line)
		}
	}
	if !strings.Contains(texts["creditmill/alerts.yaml"], "alert: CreditmillWarehouseDown") {
		t.Error("alerts.yaml has no alerts")
	}
}
