package warehouse

import (
	"slices"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/sql"
)

// TestViewsOfShardsSaySetting: every view of the migrations ends so in a cluster, whatever settings it has itself.
func TestViewsOfShardsSaySetting(t *testing.T) {
	views := 0
	made := []string{}
	for _, migration := range sql.Migrations() {
		for _, statement := range migration.Statements() {
			if table := madeTable(statement); table != "" {
				made = append(made, table)
			}
			if !createdView.MatchString(statement) {
				continue
			}
			views++
			changed := viewOfShards(statement)
			if strings.Count(changed, viewSetting) != 1 || len(changed) <= len(statement) ||
				strings.Count(changed, "\nSETTINGS ") != 1 || strings.Count(changed, "\nCOMMENT '") != 1 {
				t.Errorf("%s: %s", migration.Name, changed[max(0, len(changed)-300):])
			}
		}
	}
	if views < 20 {
		t.Errorf("%d views, want twenty or more", views)
	}
	slices.Sort(made)
	if want := slices.Sorted(slices.Values(shardTables)); !slices.Equal(made, want) {
		t.Errorf("made on shards are %v, want %v", made, want)
	}
}
