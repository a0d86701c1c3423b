package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// makeBase packs small files as the packages that images stand on, and returns their folder.
func makeBase(t *testing.T) string {
	t.Helper()
	r := release{out: t.TempDir(), at: time.Unix(1_780_000_000, 0).UTC(), maintainer: nobody}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string]files{
		"libc6": {
			{text, "/lib64/ld-linux-x86-64.so.2", 0o755},
			{text, "/usr/lib/x86_64-linux-gnu/gconv/KOI8-R.so", 0o644},
			{text, "/usr/share/doc/libc6/copyright", 0o644},
		},
		"ca-certificates": {
			{text, "/usr/share/ca-certificates/mozilla/A.crt", 0o644},
			{text, "/usr/share/ca-certificates/mozilla/B.crt", 0o644},
		},
	} {
		architecture := map[string]string{"libc6": "amd64", "ca-certificates": "all"}[name]
		info := r.info(name, "1.0", architecture, all)
		info.Description, info.Deb.Compression = name, "xz"
		if err := r.writePackage(info, "deb"); err != nil {
			t.Fatal(err)
		}
	}
	return r.out
}

// readImages unpacks a file of images and returns those in it, by platform.
func readImages(t *testing.T, name string) map[string]v1.Image {
	t.Helper()
	file, err := os.Open(filepath.Join(shared(t), name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was read only
	folder := t.TempDir()
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		inside := filepath.Join(folder, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(inside), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(inside, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	outer, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	list, err := outer.IndexManifest()
	if err != nil || len(list.Manifests) != 1 {
		t.Fatalf("%s lists %+v, %v, want one index", name, list, err)
	}
	if tag := list.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; tag != "0.1.0" {
		t.Errorf("%s has the tag %q, want 0.1.0", name, tag)
	}
	index, err := outer.ImageIndex(list.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if list, err = index.IndexManifest(); err != nil {
		t.Fatal(err)
	}
	images := map[string]v1.Image{}
	for _, each := range list.Manifests {
		if images[each.Platform.String()], err = index.Image(each.Digest); err != nil {
			t.Fatal(err)
		}
	}
	return images
}

// inImage lists what a container of the image sees: mode, owner, name.
func inImage(t *testing.T, image v1.Image) []string {
	t.Helper()
	in := mutate.Extract(image)
	defer in.Close() //nolint:errcheck // it was read only
	var lines []string
	for archive := tar.NewReader(in); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(lines)
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%04o %d %s", header.Mode, header.Uid, header.Name))
	}
}

// TestImage: what is read back runs the program as a user that is not root, who owns the folder of data alone; secrets
// and what only a host needs are not in it.
func TestImage(t *testing.T) {
	for name, layers := range map[string]int{"creditmill_0.1.0.oci.tar": 2, "creditmill-with-engine_0.1.0.oci.tar": 3} {
		images := readImages(t, name)
		if got := slices.Sorted(maps.Keys(images)); !slices.Equal(got, []string{"linux/amd64"}) {
			t.Fatalf("%s is for %q", name, got)
		}
		image := images["linux/amd64"]
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if c := config.Config; c.User != "65532:65532" || c.WorkingDir != "/var/lib/creditmill" ||
			!slices.Equal(c.Entrypoint, []string{"/usr/bin/creditmill"}) || config.OS+"/"+config.Architecture != "linux/amd64" {
			t.Errorf("%s: %+v", name, config)
		}
		all, err := image.Layers()
		if err != nil || len(all) != layers {
			t.Errorf("%s has %d layers, %v, want %d", name, len(all), err, layers)
		}
		want := []string{
			"0644 0 etc/creditmill/catalog.yaml", "0644 0 etc/creditmill/creditmill.yaml", "0644 0 etc/group",
			"0644 0 etc/passwd",
			"0644 0 etc/ssl/certs/ca-certificates.crt", "0644 0 usr/share/doc/creditmill/CHANGELOG.md",
			"0644 0 usr/share/doc/creditmill/LICENSE", "0644 0 usr/share/doc/creditmill/README.md",
			"0644 0 usr/share/doc/creditmill/THIRD_PARTY_LICENSES", "0644 0 usr/share/doc/creditmill/operate.md",
			"0644 0 usr/share/doc/libc6/copyright", "0750 65532 var/lib/creditmill", "0755 0 lib64/ld-linux-x86-64.so.2",
			"0755 0 usr/bin/creditmill", "0770 65532 var/lib/creditmill/inbox", "1777 0 tmp",
		}
		if layers == 3 {
			want = append(want, "0644 0 usr/lib/creditmill/libchdb.so")
		}
		slices.Sort(want)
		if got := inImage(t, image); !slices.Equal(got, want) {
			t.Errorf("%s holds\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestNoBase: an image of a platform whose base is missing is not made.
func TestNoBase(t *testing.T) {
	r := release{base: t.TempDir()}
	err := r.fillBase(tar.NewWriter(io.Discard), "arm64")
	if err == nil || !strings.Contains(err.Error(), "libc6_*_arm64.deb") {
		t.Errorf("fillBase: %v, want a refusal that names the package", err)
	}
}
