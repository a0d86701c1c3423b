package main

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// imageUser owns the data in a container. It is nobody of the host, and the number that images without a shell have.
const imageUser = 65532

// made is what is packed for a platform.
type made struct {
	platform
	files files
}

// makeImages writes an image without the engine for every platform of Linux, and one with it for those that npm
// installed it for. Each is a file that holds an OCI layout; no daemon is asked.
func (r *release) makeImages(work string, all []made) error {
	var plain, whole []mutate.IndexAddendum
	for _, each := range all {
		if each.system != "linux" {
			continue
		}
		layers, err := r.layers(filepath.Join(work, each.system+"-"+each.architecture), each)
		if err != nil {
			return fmt.Errorf("make image of %s: %w", each, err)
		}
		one, err := r.image(each.platform, layers[:2])
		if err != nil {
			return err
		}
		plain = append(plain, one)
		if len(layers) < 3 {
			continue
		}
		if one, err = r.image(each.platform, layers); err != nil {
			return err
		}
		whole = append(whole, one)
	}
	for name, images := range map[string][]mutate.IndexAddendum{"creditmill": plain, "creditmill-with-engine": whole} {
		if len(images) == 0 {
			continue
		}
		if err := r.writeImage(work, name, images); err != nil {
			return fmt.Errorf("write image %s: %w", name, err)
		}
	}
	return nil
}

// layers are, from what changes least: Debian's base, the program, and the engine if it is there.
func (r *release) layers(work string, of made) ([]v1.Layer, error) {
	var layers []v1.Layer
	for _, fill := range []struct {
		name string
		with func(*tar.Writer) error
	}{
		{"base", func(out *tar.Writer) error { return r.fillBase(out, of.architecture) }},
		{"program", func(out *tar.Writer) error { return r.fillProgram(out, of.files) }},
		{"engine", func(out *tar.Writer) error {
			library := r.libraryFor(of.architecture)
			return r.archive(out, "usr/lib/creditmill/libchdb.so", file{library, "", 0o644})
		}},
	} {
		if fill.name == "engine" && r.libraryFor(of.architecture) == "" {
			continue
		}
		name := filepath.Join(work, fill.name+".tar")
		if err := writeTar(name, fill.with); err != nil {
			return nil, fmt.Errorf("pack %s: %w", fill.name, err)
		}
		layer, err := tarball.LayerFromFile(name, tarball.WithMediaType(types.OCILayer),
			tarball.WithCompressionLevel(gzip.DefaultCompression))
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return layers, nil
}

// libraryFor is the engine's library of an architecture, or "".
func (r *release) libraryFor(architecture string) string {
	if architecture == "amd64" {
		architecture = "x64"
	}
	name := filepath.Join(r.engine, "lib-linux-"+architecture+"-gnu", "libchdb.so")
	if _, err := os.Stat(name); r.engine == "" || err != nil {
		return ""
	}
	return name
}

func writeTar(name string, fill func(*tar.Writer) error) (err error) {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer closing(out, &err)
	archive := tar.NewWriter(out)
	if err := fill(archive); err != nil {
		return err
	}
	return archive.Close()
}

// fillProgram packs what a container needs of a package: no units, no manual, no secrets' file.
func (r *release) fillProgram(out *tar.Writer, all files) error {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b file) int { return strings.Compare(a.target, b.target) })
	for _, each := range sorted {
		in := path.Dir(each.target)
		if in != "/usr/bin" && in+"/" != documents && in != "/etc/creditmill" || each.mode == 0o600 {
			continue
		}
		if err := r.archive(out, strings.TrimPrefix(each.target, "/"), each); err != nil {
			return err
		}
	}
	return nil
}

// image has the layers, a user that is not root, and says where config and data are.
func (r *release) image(p platform, layers []v1.Layer) (mutate.IndexAddendum, error) {
	image, err := mutate.AppendLayers(mutate.ConfigMediaType(
		mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layers...)
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = p.system, p.architecture, v1.Time{Time: r.at}
	config.Config = v1.Config{
		User:       fmt.Sprintf("%d:%d", imageUser, imageUser),
		WorkingDir: dataFolder,
		Entrypoint: []string{"/usr/bin/creditmill"},
		Cmd:        []string{"run"},
		Env:        []string{"PATH=/usr/bin", "CREDITMILL_CONFIG=/etc/creditmill/creditmill.yaml", "HOME=" + dataFolder},
		Labels: map[string]string{
			"org.opencontainers.image.title": "creditmill", "org.opencontainers.image.version": r.version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
		Volumes: map[string]struct{}{dataFolder: {}},
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return mutate.IndexAddendum{}, err
	}
	return mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: p.system, Architecture: p.architecture},
	}}, nil
}

// writeImage writes an index of the platforms, as a layout in a tar file.
func (r *release) writeImage(work, name string, images []mutate.IndexAddendum) error {
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), images...)
	folder := filepath.Join(work, name+".oci")
	written, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	tag := strings.TrimPrefix(r.version, "v")
	err = written.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": name + ":" + tag,
	}))
	if err != nil {
		return err
	}
	return writeTar(filepath.Join(r.out, name+"_"+tag+".oci.tar"), func(out *tar.Writer) error {
		return filepath.WalkDir(folder, func(name string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			inside, err := filepath.Rel(folder, name)
			if err != nil {
				return err
			}
			return r.archive(out, filepath.ToSlash(inside), file{name, "", 0o644})
		})
	})
}

// put writes a file whose text is here.
func (r *release) put(out *tar.Writer, header tar.Header, text string) error {
	header.Size, header.ModTime, header.Format = int64(len(text)), r.at, tar.FormatPAX
	if err := out.WriteHeader(&header); err != nil {
		return err
	}
	_, err := io.WriteString(out, text)
	return err
}
