package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	packed "github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers itself
)

// writePackages writes the program as .deb and .rpm.
func (r *release) writePackages(p platform, all files) error {
	for _, format := range []string{"deb", "rpm"} {
		info := r.info("creditmill", r.version, p.architecture, all)
		info.Description = "Turns LLM usage logs into credit spend and posts overage to Stripe exactly once.\n" +
			"A batch job with an embedded ClickHouse (package creditmill-engine) or a server of yours."
		info.Scripts = nfpm.Scripts{
			PostInstall: r.own("postinst.sh"), PreRemove: r.own("prerm.sh"), PostRemove: r.own("postrm.sh"),
		}
		info.Recommends = []string{"creditmill-engine"}
		info.Depends = []string{"passwd", "ca-certificates"}
		if format == "rpm" {
			info.Depends = []string{"/usr/sbin/useradd", "ca-certificates"}
		}
		if err := r.writePackage(info, format); err != nil {
			return err
		}
	}
	return nil
}

// makeEngine packs each library that npm installed for Linux: a package of its own version, for it changes seldom.
func (r *release) makeEngine(work string) error {
	libraries, err := filepath.Glob(filepath.Join(r.engine, "lib-linux-*-gnu", "libchdb.so"))
	if err != nil {
		return err
	}
	if len(libraries) == 0 {
		return fmt.Errorf("pack engine: no library in %s; run make engine", r.engine)
	}
	for _, library := range libraries {
		folder := filepath.Dir(library)
		var described struct{ Version, License string }
		text, err := os.ReadFile(filepath.Join(folder, "package.json"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &described); err != nil {
			return fmt.Errorf("read version of engine: %w", err)
		}
		architecture := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(folder), "lib-linux-"), "-gnu")
		if architecture == "x64" {
			architecture = "amd64"
		}
		all := files{
			{library, "/usr/lib/creditmill/libchdb.so", 0o644},
			{filepath.Join(r.root, "LICENSE"), "/usr/share/doc/creditmill-engine/LICENSE", 0o644},
		}
		for _, format := range []string{"deb", "rpm"} {
			info := r.info("creditmill-engine", described.Version, architecture, all)
			info.License = described.License
			info.Description = "The ClickHouse engine that creditmill embeds: the library of chDB, as its authors built it.\n" +
				"Not needed with a ClickHouse server of yours."
			info.Depends = []string{"libc6"}
			if format == "rpm" {
				info.Depends = []string{"glibc"}
			}
			info.Deb.Compression, info.RPM.Compression = "zstd:fastest", "zstd"
			if err := r.writePackage(info, format); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *release) info(name, version, architecture string, all files) *nfpm.Info {
	info := &nfpm.Info{
		Name: name, Version: version, Arch: architecture, Platform: "linux", Section: "admin", Priority: "optional",
		Maintainer: r.maintainer, License: "Apache-2.0", MTime: r.at,
		Homepage: "https://github.com/creditmill/creditmill", DisableGlobbing: true,
	}
	for _, each := range all {
		content := &packed.Content{
			Source: each.source, Destination: each.target,
			FileInfo: &packed.ContentFileInfo{Owner: "root", Group: "root", Mode: each.mode, MTime: r.at},
		}
		if strings.HasPrefix(each.target, "/etc/") {
			content.Type = packed.TypeConfigNoReplace
		}
		info.Contents = append(info.Contents, content)
	}
	info.RPM.BuildHost = "localhost"
	return info
}

func (r *release) writePackage(info *nfpm.Info, format string) (err error) {
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return fmt.Errorf("prepare %s: %w", format, err)
	}
	name := filepath.Join(r.out, packager.ConventionalFileName(info))
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer closing(out, &err)
	info.Target = name
	if err := packager.Package(info, out); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return nil
}
