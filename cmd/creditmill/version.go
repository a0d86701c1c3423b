package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/warehouse"
)

// releaseVersion is set by the build of a release: -ldflags "-X main.releaseVersion=v0.1.0". Empty in any other build.
var releaseVersion string

// versionInfo is the JSON of version.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`   // empty where the program was built outside a checkout
	Modified bool   `json:"modified,omitempty"` // the checkout had changes that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Engine   string `json:"engine,omitempty"` // the version of the embedded ClickHouse; empty: it cannot be started
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the embedded engine's version",
		Long: "version prints which creditmill this is, and the version of the embedded ClickHouse, which it starts in a " +
			"temporary folder for a moment. `creditmill --version` prints the same.",
		Example: "  creditmill version\n  creditmill version --json",
		Args:    cobra.NoArgs,
		// The version is asked for where a config is broken, too.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(command *cobra.Command, _ []string) error { return a.runVersion(command.Context()) },
	}
}

func (a *app) runVersion(ctx context.Context) error {
	info := buildVersion()
	version, engineErr := a.engineVersion(ctx)
	info.Engine = version
	return a.print(info, func(w io.Writer) error {
		engine := "embedded ClickHouse " + info.Engine
		if engineErr != nil {
			engine = fmt.Sprintf("no embedded ClickHouse: %v", engineErr)
		}
		_, err := fmt.Fprintf(w, "%s\n%s\n", info, engine)
		return err
	})
}

// engineVersion starts the embedded engine in a temporary folder and asks it.
func (a *app) engineVersion(ctx context.Context) (version string, err error) {
	folder, err := os.MkdirTemp("", "creditmill-version-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder in TMPDIR that is left there harms nobody
	opened, err := warehouse.Open(ctx, warehouse.Config{
		DSN: "embedded:" + folder, Log: a.log, Now: a.now, Library: os.Getenv("CREDITMILL_ENGINE_LIBRARY"),
	})
	if err != nil {
		return "", err
	}
	defer func() {
		if closed := opened.Close(); err == nil {
			err = closed
		}
	}()
	return opened.Version(), nil
}

// buildVersion is what the build wrote into the program.
func buildVersion() versionInfo {
	info := versionInfo{Version: releaseVersion, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, ok := debug.ReadBuildInfo()
	if ok {
		for _, setting := range build.Settings {
			switch setting.Key {
			case "vcs.revision":
				info.Commit = setting.Value
			case "vcs.modified":
				info.Modified = setting.Value == "true"
			}
		}
		if info.Version == "" {
			info.Version = build.Main.Version
		}
	}
	if info.Version == "" {
		info.Version = "(devel)"
	}
	return info
}

func (v versionInfo) String() string {
	text := "creditmill " + v.Version
	if v.Commit != "" {
		text += " (commit " + v.Commit[:min(12, len(v.Commit))]
		if v.Modified {
			text += ", with changes"
		}
		text += ")"
	}
	return text + " " + v.Go + " " + v.Platform
}
