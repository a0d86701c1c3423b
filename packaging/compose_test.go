package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestCompose: the specification's own loader takes the file, and what it runs cannot write but where data goes.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("files", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	load := func(environment types.Mapping) (*types.Project, error) {
		return loader.LoadWithContext(context.Background(), types.ConfigDetails{
			WorkingDir: t.TempDir(), Environment: environment,
			ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}},
		}, func(o *loader.Options) { o.SetProjectName("creditmill", true) })
	}
	if _, err := load(nil); err == nil || !strings.Contains(err.Error(), "name the image") {
		t.Errorf("without an image: %v, want a refusal that says to name it", err)
	}
	project, err := load(types.Mapping{"CREDITMILL_IMAGE": "creditmill-with-engine:0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	service, err := project.GetService("creditmill")
	if err != nil {
		t.Fatal(err)
	}
	if !service.ReadOnly || service.User != "65532:65532" || service.Privileged ||
		service.Image != "creditmill-with-engine:0.1.0" {
		t.Errorf("read_only %v, user %q, privileged %v, image %q", service.ReadOnly, service.User, service.Privileged,
			service.Image)
	}
	for _, volume := range service.Volumes {
		if !volume.ReadOnly && !strings.HasPrefix(volume.Target, dataFolder) {
			t.Errorf("%s can be written", volume.Target)
		}
	}
}
