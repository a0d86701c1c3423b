package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// module is a Go module that is linked into the program.
type module struct {
	path, version, sum string
	texts              []string // its licences and notices, whole paths
	licences           []string // by their SPDX names
}

// linkedIn is what the linker put into the program, Go itself included, each with the texts of its licence.
func (r *release) linkedIn(program string) ([]module, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	list := exec.Command("go", "list", "-m", "-f", "{{.Path}}@{{.Version}} {{.Dir}}", "all")
	list.Dir = r.root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	folders := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, folder, _ := strings.Cut(strings.TrimSpace(line), " ")
		folders[name] = folder
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go: %w", err)
	}
	known, err := assets.DefaultClassifier()
	if err != nil {
		return nil, fmt.Errorf("read known licences: %w", err)
	}
	standard := module{path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}
	linked := []module{}
	if err := standard.readLicences(known, strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	linked = append(linked, standard)
	for _, dependency := range info.Deps {
		if dependency.Replace != nil {
			dependency = dependency.Replace
		}
		each := module{path: dependency.Path, version: dependency.Version, sum: dependency.Sum}
		if err := each.readLicences(known, folders[each.path+"@"+each.version]); err != nil {
			return nil, err
		}
		linked = append(linked, each)
	}
	return linked, nil
}

// readLicences finds the texts at the top of a module. A module without one may not be passed on.
func (m *module) readLicences(known *classifier.Classifier, folder string) error {
	if folder == "" {
		return fmt.Errorf("find licence of %s: its source is not in the module cache", m.path)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("find licence of %s: %w", m.path, err)
	}
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		is := slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"},
			func(start string) bool { return strings.HasPrefix(name, start) })
		if !is || entry.IsDir() || strings.HasSuffix(name, ".GO") {
			continue
		}
		if err := m.readLicence(known, filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	if len(m.texts) == 0 { // some have it at the end of what they say about themselves
		err := m.readLicence(known, filepath.Join(folder, "README.md"))
		if len(m.licences) == 0 || err != nil {
			m.texts = nil
		}
	}
	if len(m.texts) == 0 {
		return fmt.Errorf("find licence of %s@%s: its folder has no text of one", m.path, m.version)
	}
	return nil
}

func (m *module) readLicence(known *classifier.Classifier, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	m.texts = append(m.texts, name)
	for _, match := range known.Match(text).Matches {
		if match.MatchType == "License" && !slices.Contains(m.licences, match.Name) {
			m.licences = append(m.licences, match.Name)
		}
	}
	return nil
}

// writeLicences puts every text into one file and returns its name.
func writeLicences(name string, linked []module) (string, error) {
	var all bytes.Buffer
	all.WriteString("creditmill is linked with these modules. Each is followed by the texts of its licence.\n")
	for _, each := range linked {
		for _, source := range each.texts {
			text, err := os.ReadFile(source)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&all, "\n%s\n%s %s: %s\n%[1]s\n\n", strings.Repeat("=", 80), each.path, each.version,
				filepath.Base(source))
			all.Write(bytes.TrimSpace(text))
			all.WriteByte('\n')
		}
	}
	return name, os.WriteFile(name, all.Bytes(), 0o644)
}

// writeBill writes the bill of materials, in CycloneDX's JSON. It has no serial number: that would be another each
// time.
func (r *release) writeBill(name string, linked []module) (err error) {
	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{
		Timestamp: r.at.Format(time.RFC3339),
		Component: &cyclonedx.Component{
			BOMRef: "creditmill", Type: cyclonedx.ComponentTypeApplication, Name: "creditmill",
			Version:    r.version,
			PackageURL: "pkg:golang/github.com/creditmill/creditmill@" + r.version,
			Licenses:   licenceNames([]string{"Apache-2.0"}),
		},
	}
	components, references := []cyclonedx.Component{}, []string{}
	for _, each := range linked {
		reference := "pkg:golang/" + each.path + "@" + each.version
		component := cyclonedx.Component{
			BOMRef: reference, Type: cyclonedx.ComponentTypeLibrary, Name: each.path, Version: each.version,
			PackageURL: reference, Licenses: licenceNames(each.licences),
		}
		if each.sum != "" {
			component.Properties = &[]cyclonedx.Property{{Name: "go:sum", Value: each.sum}}
		}
		components, references = append(components, component), append(references, reference)
	}
	bill.Components = &components
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: "creditmill", Dependencies: &references}}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer closing(out, &err)
	return cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bill)
}

func licenceNames(names []string) *cyclonedx.Licenses {
	if len(names) == 0 {
		return nil
	}
	licences := cyclonedx.Licenses{}
	for _, name := range names {
		licences = append(licences, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: name}})
	}
	return &licences
}
