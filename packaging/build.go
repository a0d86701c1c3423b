package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// file is a file of a package: where it is now, and where it goes on a machine.
type file struct {
	source, target string
	mode           os.FileMode
}

type files []file

const documents = "/usr/share/doc/creditmill/"

// programOf is where the program of a platform is built.
func programOf(p platform, work string) string {
	return filepath.Join(work, p.system+"-"+p.architecture, "creditmill")
}

// build compiles the program, unless it is there, without cgo, paths of this machine and symbols.
func (r *release) build(p platform, program string) error {
	if _, err := os.Stat(program); err == nil {
		return nil
	}
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=true",
		"-ldflags", "-s -w -buildid= -X main.releaseVersion="+r.version, "-o", program, "./cmd/creditmill")
	command.Dir = r.root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.system, "GOARCH="+p.architecture, "GOFLAGS=",
		"GOAMD64=v1", "GOARM64=v8.0")
	return output(command)
}

// makeShared makes what is the same for every platform, by the program itself: manual, completions, first config.
func (r *release) makeShared(work string) (files, error) {
	program := programOf(platform{runtime.GOOS, runtime.GOARCH}, work)
	if err := r.build(platform{runtime.GOOS, runtime.GOARCH}, program); err != nil {
		return nil, fmt.Errorf("build creditmill: %w", err)
	}
	shared, err := r.makeManual(program, filepath.Join(work, "man"))
	if err != nil {
		return nil, err
	}
	for shell, target := range map[string]string{
		"bash": "/usr/share/bash-completion/completions/creditmill",
		"fish": "/usr/share/fish/vendor_completions.d/creditmill.fish",
		"zsh":  "/usr/share/zsh/vendor-completions/_creditmill",
	} {
		text, err := exec.Command(program, "completion", shell).Output()
		if err != nil {
			return nil, fmt.Errorf("write completion of %s: %w", shell, err)
		}
		name := filepath.Join(work, "completion."+shell)
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return nil, err
		}
		shared = append(shared, file{name, target, 0o644})
	}
	first, err := r.makeConfig(program, filepath.Join(work, "etc"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"README.md", "CHANGELOG.md", "LICENSE"} {
		shared = append(shared, file{filepath.Join(r.root, name), documents + name, 0o644})
	}
	shared = append(shared, file{filepath.Join(r.root, "docs", "operate.md"), documents + "operate.md", 0o644})
	for _, unit := range []string{"creditmill.service", "creditmill-nightly.service", "creditmill-nightly.timer"} {
		shared = append(shared, file{r.own(unit), "/usr/lib/systemd/system/" + unit, 0o644})
	}
	shared = append(shared, file{r.own("nightly"), "/usr/lib/creditmill/nightly", 0o755},
		file{r.own("environment"), "/etc/creditmill/environment", 0o600})
	return append(shared, first...), nil
}

// own is a file of this folder's files/.
func (r *release) own(name string) string { return filepath.Join(r.root, "packaging", "files", name) }

// makeManual has the program write a page a command, and compresses each.
func (r *release) makeManual(program, folder string) (files, error) {
	command := exec.Command(program, "man", folder)
	command.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.at.Unix()))
	if err := output(command); err != nil {
		return nil, fmt.Errorf("write manual: %w", err)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil {
		return nil, err
	}
	var manual files
	for _, page := range pages {
		if err := compress(page, page+".gz"); err != nil {
			return nil, err
		}
		manual = append(manual, file{page + ".gz", "/usr/share/man/man1/" + filepath.Base(page) + ".gz", 0o644})
	}
	return manual, nil
}

// makeConfig has the program write its first config, with data and inbox where the package has them.
func (r *release) makeConfig(program, folder string) (files, error) {
	if err := output(exec.Command(program, "init", folder)); err != nil {
		return nil, fmt.Errorf("write first config: %w", err)
	}
	name := filepath.Join(folder, "creditmill.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	config := string(text)
	for _, change := range [][2]string{
		{"\nwarehouse: embedded:creditmill-data\n", "\nwarehouse: embedded:/var/lib/creditmill/data\n"},
		{"\n# inbox: inbox\n", "\ninbox: /var/lib/creditmill/inbox\n"},
	} {
		if strings.Count(config, change[0]) != 1 {
			return nil, fmt.Errorf("write first config: init's creditmill.yaml has no line %q", strings.TrimSpace(change[0]))
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	if err := os.WriteFile(name, []byte(config), 0o644); err != nil {
		return nil, err
	}
	return files{
		{name, "/etc/creditmill/creditmill.yaml", 0o644},
		{filepath.Join(folder, "catalog.yaml"), "/etc/creditmill/catalog.yaml", 0o644},
		{filepath.Join(folder, "usage.jsonl"), documents + "examples/usage.jsonl", 0o644},
	}, nil
}

// output runs a command; what it said is in the error only.
func output(command *exec.Cmd) error {
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", filepath.Base(command.Path), err, strings.TrimSpace(string(out)))
	}
	return nil
}
