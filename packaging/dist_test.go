package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// makeAll makes a release of this checkout for Linux x64, with a small file as the engine, and returns where it is.
func makeAll(t *testing.T, out string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	engine := filepath.Join(t.TempDir(), "@chdb")
	folder := filepath.Join(engine, "lib-linux-x64-gnu")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"libchdb.so":   strings.Repeat("engine", 1<<16),
		"package.json": `{"version": "26.7.3-stable.1", "license": "Apache-2.0"}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := release{
		root: root, out: out, version: "v0.1.0", at: time.Unix(1_790_000_000, 0).UTC(),
		platforms: []platform{{"linux", "amd64"}}, engine: engine, maintainer: nobody,
		base: makeBase(t),
	}
	if err := r.make(); err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	once  sync.Once
	first string // what once made
)

// TestMain takes away what the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	if first != "" {
		if err := os.RemoveAll(first); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// shared is one release for all tests, which is seconds of linking.
func shared(t *testing.T) string {
	t.Helper()
	once.Do(func() {
		folder, err := os.MkdirTemp("", "creditmill-dist-")
		if err != nil {
			t.Fatal(err)
		}
		first = makeAll(t, folder)
	})
	return first
}

// sums are those of the files of a folder.
func sums(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, entry := range entries {
		if all[entry.Name()], err = checksum(filepath.Join(folder, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestSameBytes: the same commit makes the same files, in whatever folder and however often.
func TestSameBytes(t *testing.T) {
	before, after := sums(t, shared(t)), sums(t, makeAll(t, t.TempDir()))
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if before[name] != after[name] {
			t.Errorf("%s: %s, then %s", name, before[name], after[name])
		}
	}
	want := []string{
		"SHA256SUMS", "creditmill-0.1.0-1.x86_64.rpm", "creditmill-engine-26.7.3~stable.1-1.x86_64.rpm",
		"creditmill-engine_26.7.3~stable.1_amd64.deb", "creditmill_0.1.0_amd64.deb",
		"creditmill_0.1.0_linux_amd64.cdx.json", "creditmill_0.1.0_linux_amd64.tar.gz",
		"creditmill_0.1.0.oci.tar", "creditmill-with-engine_0.1.0.oci.tar", "creditmill-0.1.0.tgz",
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(before)); !slices.Equal(got, want) {
		t.Errorf("made %q, want %q", got, want)
	}
}

// TestNoLicence: a module whose text of a licence is not there is not passed on.
func TestNoLicence(t *testing.T) {
	without := module{path: "example.com/m", version: "v1.0.0"}
	err := without.readLicences(nil, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "example.com/m@v1.0.0") {
		t.Errorf("readLicences: %v, want a refusal that names the module", err)
	}
}

// TestMaintainer: a version names who stands for it; a build of a commit need not.
func TestMaintainer(t *testing.T) {
	tests := []struct{ version, maintainer, want, refused string }{
		{"v0.1.0", "", "", "MAINTAINER"},
		{"v0.1.0", "Ann", "", `read -maintainer "Ann"`},
		{"v0.1.0", "Ann <ann@example.com>", "Ann <ann@example.com>", ""},
		{"", "", nobody, ""},
	}
	for _, test := range tests {
		r := release{version: test.version, maintainer: test.maintainer}
		err := r.checkMaintainer()
		switch {
		case test.refused != "":
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%+v: %v, want a refusal that says %s", test, err, test.refused)
			}
		case err != nil || r.maintainer != test.want:
			t.Errorf("%+v: %q, %v, want %q", test, r.maintainer, err, test.want)
		}
	}
}
