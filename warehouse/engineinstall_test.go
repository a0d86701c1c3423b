package warehouse

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEngineHashes holds what engine install gets against what make engine does.
func TestEngineHashes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	locked := map[string]string{}
	for name, each := range lock.Packages {
		if library, ok := strings.CutPrefix(name, "node_modules/@chdb/"); ok {
			locked[library] = each.Integrity
			if each.Version != engineVersion {
				t.Errorf("package-lock.json has %s %s, engineVersion is %s", library, each.Version, engineVersion)
			}
		}
	}
	if len(locked) == 0 || len(locked) != len(engineHashes) {
		t.Errorf("package-lock.json has the engine's packages %v, engineHashes %v", locked, engineHashes)
	}
	for library, hash := range locked {
		if engineHashes[library] != hash {
			t.Errorf("package-lock.json has %s as %s, engineHashes as %s", library, hash, engineHashes[library])
		}
	}
}
