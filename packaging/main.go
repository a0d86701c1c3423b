// Command packaging makes what a release consists of: archives, .deb and .rpm packages with systemd units, Helm's
// chart, bills of materials and checksums, the same bytes from the same commit. It is a module of its own, so that what
// it needs is not in the program's.
package main

import (
	"flag"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// platform is a Go operating system and architecture.
type platform struct{ system, architecture string }

func (p platform) String() string { return p.system + "/" + p.architecture }

// release is what is made, and from what.
type release struct {
	root      string // the checkout
	out       string // where files appear
	version   string // with its v: v0.1.0
	at        time.Time
	platforms []platform
	engine    string // the folder of @chdb's npm packages; empty: no package of the engine
	base      string // the folder of Debian's packages that images stand on; empty: no images
	// maintainer is whom the packages name. nfpm will not do without one.
	maintainer string
}

// nobody maintains what was built of a commit that has no version: the domain is reserved, so no mail arrives.
const nobody = "creditmill developers <unreleased@creditmill.invalid>"

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "packaging: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var r release
	var platforms string
	flag.StringVar(&r.root, "root", "..", "the checkout")
	flag.StringVar(&r.out, "out", "../bin/dist", "where files go; what is in it is removed")
	flag.StringVar(&r.version, "version", "", "v0.1.0 (default: made of the commit)")
	flag.StringVar(&platforms, "platforms", "linux/amd64,linux/arm64,darwin/arm64", "what to build for")
	flag.StringVar(&r.engine, "engine", "../node_modules/@chdb", "the engine's npm packages; empty: leave them out")
	flag.StringVar(&r.base, "base", "", "what base.sh got; without it no images are made")
	flag.StringVar(&r.maintainer, "maintainer", "", "whom the packages name: Name <address>; a version needs one")
	flag.Parse()
	if err := r.checkMaintainer(); err != nil {
		return err
	}
	for _, each := range strings.Split(platforms, ",") {
		system, architecture, ok := strings.Cut(each, "/")
		if !ok {
			return fmt.Errorf("read -platforms: %q is not SYSTEM/ARCHITECTURE", each)
		}
		r.platforms = append(r.platforms, platform{system, architecture})
	}
	if err := r.fromCommit(); err != nil {
		return err
	}
	return r.make()
}

// checkMaintainer refuses to give out a version that nobody stands for.
func (r *release) checkMaintainer() error {
	if r.maintainer == "" {
		if r.version != "" {
			return fmt.Errorf("make %s: say who maintains it by -maintainer (make: MAINTAINER='Name <address>')", r.version)
		}
		r.maintainer = nobody
	}
	if _, err := mail.ParseAddress(r.maintainer); err != nil {
		return fmt.Errorf("read -maintainer %q: %w", r.maintainer, err)
	}
	return nil
}

// fromCommit takes the time from SOURCE_DATE_EPOCH, else from the commit, and the version from the commit where none is
// given.
func (r *release) fromCommit() error {
	commit, err := r.git("log", "-1", "--format=%ct %h", "--abbrev=12")
	if err != nil {
		return err
	}
	seconds, hash, _ := strings.Cut(commit, " ")
	if set := os.Getenv("SOURCE_DATE_EPOCH"); set != "" {
		seconds = set
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("read time of commit: %w", err)
	}
	r.at = time.Unix(unix, 0).UTC()
	if r.version == "" {
		r.version = "v0.0.0-" + r.at.Format("20060102150405") + "." + hash
	}
	return nil
}

func (r *release) git(args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", r.root}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("run git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// make does all of it, anew.
func (r *release) make() error {
	for _, name := range []*string{&r.root, &r.out} {
		whole, err := filepath.Abs(*name)
		if err != nil {
			return err
		}
		*name = whole
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(r.out, ".work-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a hidden folder of what was built, which the next build removes
	shared, err := r.makeShared(work)
	if err != nil {
		return err
	}
	var all []made
	for _, p := range r.platforms {
		packed, err := r.makePlatform(p, work, shared)
		if err != nil {
			return fmt.Errorf("make %s: %w", p, err)
		}
		all = append(all, made{p, packed})
	}
	if r.base != "" {
		if err := r.makeImages(work, all); err != nil {
			return err
		}
	}
	if r.engine != "" {
		if err := r.makeEngine(work); err != nil {
			return err
		}
	}
	if err := r.makeChart(work); err != nil {
		return err
	}
	return writeChecksums(r.out)
}

// makePlatform builds the program, and packs it with what goes along, which it returns.
func (r *release) makePlatform(p platform, work string, shared files) (files, error) {
	program := programOf(p, work)
	if err := r.build(p, program); err != nil {
		return nil, err
	}
	linked, err := r.linkedIn(program)
	if err != nil {
		return nil, err
	}
	base := strings.Join([]string{"creditmill", strings.TrimPrefix(r.version, "v"), p.system, p.architecture}, "_")
	if err := r.writeBill(filepath.Join(r.out, base+".cdx.json"), linked); err != nil {
		return nil, err
	}
	licences, err := writeLicences(filepath.Join(filepath.Dir(program), "THIRD_PARTY_LICENSES"), linked)
	if err != nil {
		return nil, err
	}
	all := append(files{{program, "/usr/bin/creditmill", 0o755}, {licences, documents + "THIRD_PARTY_LICENSES", 0o644}},
		shared...)
	if err := r.writeArchive(filepath.Join(r.out, base+".tar.gz"), base, all); err != nil {
		return nil, err
	}
	if p.system != "linux" {
		return all, nil
	}
	return all, r.writePackages(p, all)
}
