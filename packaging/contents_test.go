package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/blakesmith/ar"
	rpmutils "github.com/sassoftware/go-rpmutils"
)

var update = flag.Bool("update", false, "write the golden anew")

// TestContents: the packages of both formats hold the files of the golden, with their modes, and the same are configs.
func TestContents(t *testing.T) {
	golden := filepath.Join("testdata", "contents.golden")
	deb := listDeb(t, filepath.Join(shared(t), "creditmill_0.1.0_amd64.deb"))
	if *update {
		if err := os.WriteFile(golden, []byte(deb), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if deb != string(want) {
		t.Errorf("the .deb holds\n%swant\n%s", deb, want)
	}
	if got := listRPM(t, filepath.Join(shared(t), "creditmill-0.1.0-1.x86_64.rpm")); got != string(want) {
		t.Errorf("the .rpm holds\n%swant\n%s", got, want)
	}
}

// page is a page of the manual: there is one for each command, which the golden need not list.
var page = regexp.MustCompile(`/creditmill[a-z-]*\.1\.gz$`)

// listing has a line for each file: mode, name, whether it is a config.
func listing(modes map[string]int64, configs []string) string {
	lines := []string{}
	for name, mode := range modes {
		line := fmt.Sprintf("%04o %s", mode&0o7777, page.ReplaceAllString(name, "/creditmill*.1.gz"))
		if slices.Contains(configs, name) {
			line += " config"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n") + "\n"
}

// listDeb reads a .deb: an ar archive of two tar archives.
func listDeb(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was read only
	modes := map[string]int64{}
	var configs []string
	for deb := ar.NewReader(file); ; {
		part, err := deb.Next()
		if errors.Is(err, io.EOF) {
			return listing(modes, configs)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch strings.TrimSuffix(part.Name, "/") {
		case "data.tar.gz":
			eachFile(t, deb, func(header *tar.Header, _ io.Reader) {
				modes[strings.TrimPrefix(header.Name, ".")] = header.Mode
			})
		case "control.tar.gz":
			eachFile(t, deb, func(header *tar.Header, in io.Reader) {
				if filepath.Base(header.Name) != "conffiles" {
					return
				}
				text, err := io.ReadAll(in)
				if err != nil {
					t.Fatal(err)
				}
				configs = strings.Fields(string(text))
			})
		}
	}
}

// eachFile visits the files of a compressed archive, not its folders.
func eachFile(t *testing.T, packed io.Reader, visit func(*tar.Header, io.Reader)) {
	t.Helper()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(unpacked); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			visit(header, archive)
		}
	}
}

// listRPM reads the list in an .rpm's header.
func listRPM(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was read only
	header, err := rpmutils.ReadHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := header.GetFiles()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	var configs []string
	for _, each := range all {
		modes[each.Name()] = int64(each.Mode())
		if each.Flags()&rpmutils.RPMFILE_CONFIG != 0 {
			configs = append(configs, each.Name())
		}
	}
	return listing(modes, configs)
}

// TestSize: the program is as large as docs/dependencies.md says, in whole MB, give or take one.
func TestSize(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile("`bin/creditmill` is ([0-9]+) MB on Linux x64").FindSubmatch(text)
	if said == nil {
		t.Fatal("docs/dependencies.md does not say how large bin/creditmill is on Linux x64")
	}
	want, err := strconv.ParseInt(string(said[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(shared(t), "creditmill_0.1.0_linux_amd64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was read only
	size := int64(0)
	eachFile(t, file, func(header *tar.Header, _ io.Reader) {
		if filepath.Base(header.Name) == "creditmill" && header.Mode == 0o755 {
			size = header.Size
		}
	})
	if size < (want-1)*1_000_000 || size > (want+1)*1_000_000 {
		t.Errorf("the program has %d bytes; docs/dependencies.md says %d MB", size, want)
	}
}

// TestScriptSyntax: a shell reads each script to its end.
func TestScriptSyntax(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("files", "*.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) != 3 {
		t.Errorf("files/ has the scripts %q, want those after install, before and after removal", scripts)
	}
	for _, script := range append(scripts, filepath.Join("files", "nightly"), "base.sh", "testdist.sh", "testimage.sh") {
		if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("sh -n %s: %v: %s", script, err, out)
		}
	}
}
