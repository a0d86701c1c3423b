package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/blakesmith/ar"
	"github.com/ulikunitz/xz"
)

const dataFolder = "/var/lib/creditmill"

// needless are files of Debian's packages that no program opens in a container.
var needless = regexp.MustCompile(`/gconv/|/share/lintian/|/share/doc/[^/]+/(changelog|NEWS|README)|/audit/`)

// fillBase packs the C library, the certificate authorities, a user, and folders for data and temporary files.
func (r *release) fillBase(out *tar.Writer, architecture string) error {
	library, err := r.debOf("libc6_*_" + architecture + ".deb")
	if err != nil {
		return err
	}
	authorities, err := r.debOf("ca-certificates_*_all.deb")
	if err != nil {
		return err
	}
	err = readDeb(library, func(header *tar.Header, in io.Reader) error {
		header.Name = strings.TrimPrefix(header.Name, "./")
		if header.Typeflag == tar.TypeDir || needless.MatchString(header.Name) {
			return nil
		}
		header.Uname, header.Gname = "", ""
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.Copy(out, in)
		return err
	})
	if err != nil {
		return err
	}
	bundle, err := bundled(authorities)
	if err != nil {
		return err
	}
	owner := fmt.Sprintf("creditmill:x:%d:", imageUser)
	for _, text := range [][2]string{
		{"etc/group", "root:x:0:\n" + owner + "\n"},
		{"etc/passwd", fmt.Sprintf("root:x:0:0::/:/sbin/nologin\n%s%d::%s:/sbin/nologin\n", owner, imageUser, dataFolder)},
		{"etc/ssl/certs/ca-certificates.crt", bundle},
	} {
		if err := r.put(out, tar.Header{Typeflag: tar.TypeReg, Name: text[0], Mode: 0o644}, text[1]); err != nil {
			return err
		}
	}
	for _, folder := range []tar.Header{
		{Name: "tmp/", Mode: 0o1777},
		{Name: strings.TrimPrefix(dataFolder, "/") + "/", Mode: 0o750, Uid: imageUser, Gid: imageUser},
		{Name: strings.TrimPrefix(dataFolder, "/") + "/inbox/", Mode: 0o770, Uid: imageUser, Gid: imageUser},
	} {
		folder.Typeflag = tar.TypeDir
		if err := r.put(out, folder, ""); err != nil {
			return err
		}
	}
	return nil
}

// bundled are all certificates of the package in one text, as Debian's update-ca-certificates writes them.
func bundled(authorities string) (string, error) {
	texts := map[string]string{}
	err := readDeb(authorities, func(header *tar.Header, in io.Reader) error {
		if !strings.HasSuffix(header.Name, ".crt") {
			return nil
		}
		text, err := io.ReadAll(in)
		texts[header.Name] = strings.TrimSpace(string(text)) + "\n"
		return err
	})
	if err != nil {
		return "", err
	}
	if len(texts) == 0 {
		return "", fmt.Errorf("read %s: it has no certificates", filepath.Base(authorities))
	}
	names := make([]string, 0, len(texts))
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	var all strings.Builder
	for _, name := range names {
		all.WriteString(texts[name])
	}
	return all.String(), nil
}

// debOf is the one package of the base of that name.
func (r *release) debOf(pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(r.base, pattern))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("find %s in %s: there are %d; run make images", pattern, r.base, len(found))
	}
	return found[0], nil
}

// readDeb visits what a package of Debian unpacks.
func readDeb(name string, visit func(*tar.Header, io.Reader) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was read only
	for deb := ar.NewReader(file); ; {
		part, err := deb.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: it has no data.tar.xz", filepath.Base(name))
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Base(name), err)
		}
		if strings.TrimSuffix(part.Name, "/") != "data.tar.xz" {
			continue
		}
		unpacked, err := xz.NewReader(deb)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(name), err)
		}
		for archive := tar.NewReader(unpacked); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("unpack %s: %w", filepath.Base(name), err)
			}
			if err := visit(header, archive); err != nil {
				return err
			}
		}
	}
}
