package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeChart packs Helm's chart as helm package does, with the version of the release.
func (r *release) makeChart(work string) error {
	version := strings.TrimPrefix(r.version, "v")
	folder := filepath.Join(r.root, "packaging", "kubernetes", "creditmill")
	var all files
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(folder, name)
		all = append(all, file{name, filepath.ToSlash(inside), 0o644})
		return err
	})
	if err != nil {
		return fmt.Errorf("make chart: %w", err)
	}
	named := filepath.Join(work, "Chart.yaml")
	for i := range all {
		if all[i].target != "Chart.yaml" {
			continue
		}
		text, err := os.ReadFile(all[i].source)
		if err != nil {
			return fmt.Errorf("make chart: %w", err)
		}
		changed := strings.ReplaceAll(string(text), "ersion: 0.0.0\n", "ersion: "+version+"\n")
		if err := os.WriteFile(named, []byte(changed), 0o644); err != nil {
			return fmt.Errorf("make chart: %w", err)
		}
		all[i].source = named
	}
	return r.writeArchive(filepath.Join(r.out, "creditmill-"+version+".tgz"), "creditmill", all)
}
