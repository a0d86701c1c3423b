package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// inArchive is where a file of a package is in an archive, which has no folders of a system.
func inArchive(target string) string {
	for _, move := range [][2]string{
		{"/usr/bin/", ""},
		{documents, ""},
		{"/usr/share/man/man1/", "man/man1/"},
		{"/usr/lib/systemd/system/", "systemd/"},
		{"/usr/lib/creditmill/", "systemd/"},
		{"/etc/creditmill/", "etc/"},
		{"/usr/share/bash-completion/completions/", "completions/bash/"},
		{"/usr/share/fish/vendor_completions.d/", "completions/fish/"},
		{"/usr/share/zsh/vendor-completions/", "completions/zsh/"},
	} {
		if rest, ok := strings.CutPrefix(target, move[0]); ok {
			return move[1] + rest
		}
	}
	return strings.TrimPrefix(target, "/")
}

// writeArchive writes the files in one order, of one time and nobody's.
func (r *release) writeArchive(name, folder string, all files) (err error) {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b file) int { return strings.Compare(inArchive(a.target), inArchive(b.target)) })
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer closing(out, &err)
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	for _, each := range sorted {
		if err := r.archive(archive, path.Join(folder, inArchive(each.target)), each); err != nil {
			return fmt.Errorf("pack %s: %w", each.target, err)
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return packed.Close()
}

func (r *release) archive(archive *tar.Writer, name string, each file) error {
	in, err := os.Open(each.source)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read only
	info, err := in.Stat()
	if err != nil {
		return err
	}
	err = archive.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: int64(each.mode), ModTime: r.at, Format: tar.FormatPAX,
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(archive, in)
	return err
}

// compress writes a file as gzip, without its name and time.
func compress(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read only
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer closing(out, &err)
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.Copy(packed, in); err != nil {
		return err
	}
	return packed.Close()
}

// writeChecksums writes what sha256sum -c reads.
func writeChecksums(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		sum, err := checksum(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s  %s\n", sum, entry.Name())
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(lines.String()), 0o644)
}

func checksum(name string) (string, error) {
	in, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // it was read only
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// closing closes what was written, and tells if that failed.
func closing(out io.Closer, err *error) {
	if closed := out.Close(); *err == nil {
		*err = closed
	}
}
