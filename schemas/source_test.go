package schemas

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuiltinSources(t *testing.T) {
	for name, data := range map[string]string{
		"no file": "", "no sources": "warehouse: embedded:x\n", "none": "sources:\n",
	} {
		sources, problems := ParseSources("creditmill.yaml", []byte(data))
		if len(problems) > 0 || !reflect.DeepEqual(sources, BuiltinSources()) {
			t.Errorf("%s: %v %v", name, sources, problems)
		}
	}
	source, ok := SourceByID(BuiltinSources(), "creditmill")
	if !ok || source.Fields.Unit(UnitCacheWrite).Text != "cache_write_tokens" {
		t.Errorf("the canonical source: %+v", source)
	}
	columns := EventSchema()
	for _, field := range []Field{source.Fields.EventID, source.Fields.Properties, source.Fields.Unit(UnitReasoning)} {
		if !columns.HasField(field.Text) {
			t.Errorf("the canonical source reads %q, which the event's schema does not have", field.Text)
		}
	}
}

// A public trace of requests to a language model has neither event ids nor customers nor models.
func TestSourceOfAzureTrace(t *testing.T) {
	sources, problems := ParseSources("creditmill.yaml", read(t, "../testdata/catalogs/sources.yaml"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	source, _ := SourceByID(sources, "azure-trace")
	column := func(name string) Field { return Field{Kind: FieldPath, Path: []string{name}, Text: name} }
	want := Source{ID: "azure-trace", Format: FormatCSV, Timezone: time.UTC, Fields: Fields{
		EventID:    Field{Kind: FieldRow},
		OccurredAt: column("TIMESTAMP"),
		CustomerID: Field{Kind: FieldConst, Const: "azure"},
		Model:      Field{Kind: FieldConst, Const: "code-completion"},
	}}
	want.Fields.OccurredAt.Layout = "2006-01-02 15:04:05.0000000"
	want.Fields.OccurredAt.Location = time.UTC
	want.Fields.SetUnit(UnitInput, column("ContextTokens"))
	want.Fields.SetUnit(UnitOutput, column("GeneratedTokens"))
	if diff := cmp.Diff(want, source, cmp.Comparer(sameZone)); diff != "" {
		t.Errorf("azure-trace (-want +got):\n%s", diff)
	}
}

func TestSourceThatExtends(t *testing.T) {
	sources, problems := ParseSources("creditmill.yaml", read(t, "../testdata/catalogs/sources.yaml"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var ids []string
	for _, source := range sources {
		ids = append(ids, source.ID)
	}
	want := "creditmill " + strings.Join(builtinOrder, " ") + " " +
		"azure-trace gateway-berlin gateway canonical-csv"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("sources = %s", got)
	}
	gateway, _ := SourceByID(sources, "gateway")
	got := gateway.Fields.Unit(UnitReasoning).Path
	if want := []string{"attributes", "gen_ai.usage.reasoning"}; !reflect.DeepEqual(got, want) {
		t.Errorf("quoted path = %q", got)
	}
	if want := [][]string{{"request", "id"}, {"attempt"}}; !reflect.DeepEqual(gateway.Fields.EventID.Hash, want) {
		t.Errorf("hash = %q", gateway.Fields.EventID.Hash)
	}
	if !reflect.DeepEqual(gateway.Included(UnitInput), []string{UnitCachedInput, UnitCacheWrite}) ||
		!reflect.DeepEqual(gateway.Included(UnitOutput), []string{UnitReasoning}) {
		t.Errorf("includes = %v", gateway.Includes)
	}
	if gateway.Fields.OccurredAt.Layout != LayoutRFC3339 || gateway.Fields.OccurredAt.Location != nil {
		t.Errorf("occurred_at = %+v", gateway.Fields.OccurredAt)
	}
	berlin, _ := SourceByID(sources, "gateway-berlin")
	if berlin.Fields.OccurredAt.Layout != LayoutUnixMS || berlin.Fields.OccurredAt.Location.String() != "Europe/Berlin" ||
		berlin.Fields.Model.Path[0] != "model" || berlin.Extends != "gateway" || len(berlin.Included(UnitOutput)) != 0 {
		t.Errorf("gateway-berlin = %+v", berlin)
	}
	csv, _ := SourceByID(sources, "canonical-csv")
	if csv.CSV.Delimiter != ';' || csv.Fields.Model.Text != "Model.Name" || csv.Fields.EventID.Text != "event_id" {
		t.Errorf("canonical-csv = %+v", csv)
	}
}

func TestSourceProblems(t *testing.T) {
	for _, file := range glob(t, "../testdata/catalogs/bad-sources/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, problems := ParseSources("creditmill.yaml", read(t, file))
			if problems.Err() == nil {
				t.Error("no mistake found")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", problems.Error()+"\n")
		})
	}
}

func FuzzParseSources(f *testing.F) {
	f.Add(read(f, "../testdata/catalogs/sources.yaml"))
	for _, file := range glob(f, "../testdata/catalogs/bad-sources/*.yaml") {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sources, problems := ParseSources("creditmill.yaml", data)
		if problems.Err() != nil {
			return
		}
		seen := map[string]bool{}
		for _, source := range sources {
			if source.ID == "" || seen[source.ID] {
				t.Fatalf("source without an id of its own: %+v", source)
			}
			seen[source.ID] = true
			for _, field := range []Field{source.Fields.EventID, source.Fields.OccurredAt, source.Fields.Model} {
				if field.Kind == FieldNone || field.Kind == FieldPath && len(field.Path) == 0 {
					t.Fatalf("source %q lacks a field: %+v", source.ID, source.Fields)
				}
			}
		}
	})
}

func sameZone(a, b *time.Location) bool {
	return (a == nil) == (b == nil) && (a == nil || a.String() == b.String())
}
