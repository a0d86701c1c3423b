package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// memoryPart is an object in memory.
type memoryPart struct {
	etag  string
	data  []byte
	err   error // on opening it
	opens *atomic.Int64
}

var errGone = errors.New("gone")

func (p memoryPart) Size() uint64                 { return uint64(len(p.data)) }
func (p memoryPart) Version() (string, time.Time) { return p.etag, time.Unix(1, 0) }
func (p memoryPart) IsOwn(err error) bool         { return errors.Is(err, errGone) }

func (p memoryPart) Open(context.Context) (io.ReadCloser, error) {
	p.opens.Add(1)
	return io.NopCloser(bytes.NewReader(p.data)), p.err
}

// bucket makes an input of parts, and counts how often one is opened.
type bucket struct{ opens atomic.Int64 }

func (b *bucket) part(name, etag string, lines ...string) Part {
	data := []byte(strings.Join(lines, "\n"))
	return Part{"s3://logs/" + name, memoryPart{etag: etag, data: data, opens: &b.opens}}
}

func (b *bucket) broken(name string, err error) Part {
	return Part{"s3://logs/" + name, memoryPart{etag: "b", data: []byte("x"), err: err, opens: &b.opens}}
}

func listing(parts ...Part) Input { return Input{Name: "s3://logs/", Parts: parts} }

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestPartsAreOneLoadWhoseRowsKnowTheirObject(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	parts := []Part{
		b.part("a.jsonl", "1", usageLine("e1", "acme", 1), "no row"),
		b.part("b.jsonl.gz", "1", gzipped(t, usageLine("e2", "acme", 2)+"\n\n"+usageLine("e1", "acme", 1)+"\n")),
		b.part("c.csv", "1", "event_id,occurred_at,customer_id,model,output_tokens,input_tokens",
			"e3,2026-10-01T00:00:00Z,acme,small-model,9,3", "e4,never,acme,small-model,9,3"),
		b.part("d.jsonl", "1"),
		b.part("e.csv", "1", "event_id,occurred_at,customer_id,model,input_tokens",
			"e5,2026-10-01T00:00:00Z,acme,small-model,5"),
		b.part("f.jsonl", "1", usageLine("e6", "acme", 6)),
	}
	result := mustLoad(t, w, listing(parts...))[0]
	want := "ld_1 committed: 8 = 5 + 1 dup + 0 conflict + 2 rejected, input 17"
	if got := counts(result); got != want || result.Objects != 6 {
		t.Errorf("%s with %d objects, want %s with 6", got, result.Objects, want)
	}
	wantRows := []string{
		"e1 acme 1 ld_1 1", "e2 acme 2 ld_1 3", "e3 acme 3 ld_1 5", "e5 acme 5 ld_1 7", "e6 acme 6 ld_1 8",
	}
	if diff := cmp.Diff(wantRows, visible(t, w)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	wantRejects := []string{"a.jsonl 2", "c.csv 2"}
	if diff := cmp.Diff(wantRejects, rejectedIn(t, w, 1)); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	repeated := []string{}
	err := RepeatedRows(t.Context(), w, 1, func(r Repeated) error {
		repeated = append(repeated, fmt.Sprint(r.File, " ", r.FileRow, " ", r.FirstFile, " ", r.FirstFileRow))
		return nil
	})
	if diff := cmp.Diff([]string{"s3://logs/b.jsonl.gz 2 s3://logs/a.jsonl 1"}, repeated); diff != "" || err != nil {
		t.Errorf("repeated: %v (-want +got):\n%s", err, diff)
	}
}

func rejectedIn(t *testing.T, w *warehouse.Warehouse, seq uint64) []string {
	t.Helper()
	var found []string
	err := Rejects(t.Context(), w, seq, func(r event.Reject) error {
		found = append(found, fmt.Sprint(strings.TrimPrefix(r.Object, "s3://logs/"), " ", RowNumber(r.ObjectRow)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAListingAgainLoadsOnlyWhatIsNew(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	one := b.part("1.jsonl", "1", usageLine("e1", "acme", 1))
	mustLoad(t, w, listing(one, b.part("2.jsonl", "1", usageLine("e2", "acme", 2))))
	opened := b.opens.Load()
	again := mustLoad(t, w, listing(one, b.part("2.jsonl", "1", usageLine("e2", "acme", 2))))[0]
	more := b.opens.Load() - opened
	if again.Status != StatusAlreadyLoaded || again.LoadID != "ld_1" || again.ObjectsKnown != 2 || more != 0 {
		t.Errorf("%s as %s, %d known, opened %d times more", again.Status, again.LoadID, again.ObjectsKnown, more)
	}
	rewritten := b.part("2.jsonl", "2", usageLine("e2", "acme", 2), usageLine("e3", "acme", 3))
	copied := b.part("3.jsonl", "9", usageLine("e1", "acme", 1))
	next := mustLoad(t, w, listing(one, rewritten, copied, b.part("4.jsonl", "1", usageLine("e4", "acme", 4))))[0]
	if got, want := counts(next), "ld_2 committed: 3 = 2 + 1 dup + 0 conflict + 0 rejected, input 7"; got != want ||
		next.Objects != 3 || next.ObjectsKnown != 1 {
		t.Errorf("%s of %d objects, %d known, want %s of 3, 1 known", got, next.Objects, next.ObjectsKnown, want)
	}
	file := write(t, "4.jsonl", usageLine("e4", "acme", 4)) // with a line end, so its content differs
	if got := mustLoad(t, w, file)[0]; got.RowsDuplicate != 1 {
		t.Errorf("the file is %s", counts(got))
	}
	if _, err := Withdraw(t.Context(), w, 1, "test", time.Now); err != nil {
		t.Fatal(err)
	}
	back := mustLoad(t, w, listing(one, rewritten, copied))[0] // copied stood on the load that is withdrawn
	if got, want := counts(back), "ld_4 committed: 1 = 1 + 0 dup + 0 conflict + 0 rejected, input 1"; got != want ||
		back.Objects != 2 {
		t.Errorf("%s of %d objects, want %s of 2", got, back.Objects, want)
	}
}

func TestAPartAndAFileOfOneContentAreOneLog(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	line := usageLine("e1", "acme", 1)
	first := mustLoad(t, w, listing(b.part("1.jsonl", "1", line+"\n"), b.part("2.jsonl", "1", line+"\n")))[0]
	if first.RowsRead != 1 || first.Objects != 2 {
		t.Errorf("%s of %d objects, want one row of two", counts(first), first.Objects)
	}
	file := mustLoad(t, w, write(t, "x.jsonl", line))[0]
	if file.Status != StatusAlreadyLoaded || !strings.Contains(file.Message, "s3://logs/1.jsonl, loaded as ld_1") {
		t.Errorf("the file is %s: %s", file.Status, file.Message)
	}
	untried := Options{Source: ingesttest.Canonical(t), Untried: true}
	if _, err := Withdraw(t.Context(), w, 1, "test", time.Now); err != nil {
		t.Fatal(err)
	}
	results, err := loader(w).Load(t.Context(), []Input{listing(b.part("1.jsonl", "1", line+"\n"))}, untried)
	if err != nil || results[0].Status != StatusAlreadyLoaded {
		t.Errorf("what was withdrawn is loaded again: %v, %v", results, err)
	}
}

func TestIdsOfRowsAreThoseOfTheObjectAlone(t *testing.T) {
	w := warehousetest.New(t)
	source := ingesttest.Canonical(t)
	source.Fields.EventID = schemas.Field{Kind: schemas.FieldRow}
	b := &bucket{}
	lines := []string{usageLine("x", "acme", 1), usageLine("x", "acme", 2)}
	load := func(input Input) string {
		t.Helper()
		results, err := loader(w).Load(t.Context(), []Input{input}, Options{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		return counts(results[0])
	}
	grown := b.part("2.jsonl", "1", lines...)
	got := load(listing(b.part("1.jsonl", "1", lines[0]), grown, b.part("3.jsonl", "1", lines[1])))
	if want := "ld_1 committed: 4 = 3 + 1 dup + 0 conflict + 0 rejected, input 5"; got != want {
		t.Errorf("%s, want %s: the second object is the first one, grown", got, want)
	}
	got = load(write(t, "2.jsonl", lines...))
	if want := "ld_2 committed: 2 = 0 + 2 dup + 0 conflict + 0 rejected, input 0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWhatCannotBeLoadedIsLeftOutAndMissed(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	cut := gzipped(t, usageLine("e9", "acme", 9))
	good := b.part("a.jsonl", "1", usageLine("e1", "acme", 1))
	parts := []Part{good, b.broken("b.jsonl", errGone), b.part("c.jsonl.gz", "1", cut[:len(cut)-9])}
	results, err := loader(w).Load(t.Context(), []Input{listing(parts...)}, Options{Source: ingesttest.Canonical(t)})
	if len(results) != 1 || results[0].RowsLoaded != 1 || results[0].Objects != 1 {
		t.Fatalf("results %+v", results)
	}
	if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "c.jsonl.gz") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{
		"s3://logs/ committed", "s3://logs/b.jsonl discarded", "s3://logs/c.jsonl.gz discarded",
	}, listed(t, w)); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
	_, err = loader(w).Load(t.Context(), []Input{listing(b.broken("b.jsonl", errGone))},
		Options{Source: ingesttest.Canonical(t)})
	if !errors.Is(err, errGone) || !strings.HasSuffix(listed(t, w)[3], "dismissed") {
		t.Errorf("none is left: error %v, loads %v", err, listed(t, w))
	}
}

func TestAFaultOfTheServiceGivesUpAll(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	down := errors.New("the service is down")
	parts := []Part{b.part("a.jsonl", "1", usageLine("e1", "acme", 1)), b.broken("b.jsonl", down)}
	results, err := loader(w).Load(t.Context(), []Input{listing(parts...)}, Options{Source: ingesttest.Canonical(t)})
	if !errors.Is(err, down) || errors.Is(err, ErrUnreadable) || len(results) != 0 || len(visible(t, w)) != 0 {
		t.Errorf("error %v, results %v, events %v", err, results, visible(t, w))
	}
	whole := mustLoad(t, w, listing(parts[0], b.part("b.jsonl", "1", usageLine("e2", "acme", 2))))[0]
	if whole.RowsLoaded != 2 {
		t.Errorf("the next time it is %s", counts(whole))
	}
}

// listed are the loads, as "file status".
func listed(t *testing.T, w *warehouse.Warehouse) []string {
	t.Helper()
	loads, err := Loads(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, load := range loads {
		found = append(found, load.File+" "+load.Status)
	}
	return found
}

// partPerLine makes an object of each line.
func partPerLine(text string) Input {
	b := &bucket{}
	var parts []Part
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		parts = append(parts, b.part(fmt.Sprintf("%02d.jsonl", i), "1", line))
	}
	return listing(parts...)
}

// TestKilledLoadOfParts kills a load of objects: an inbox, which tries each once, tries them again.
func TestKilledLoadOfParts(t *testing.T) {
	lines := []string{usageLine("c", "acme", 3), "bad", usageLine("a", "acme", 1), usageLine("c", "acme", 3)}
	untried := Options{Source: ingesttest.Canonical(t), Untried: true}
	for _, point := range []string{"after-stream", "before-commit", "after-commit"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dsn := warehousetest.NewDSN()
			w := warehousetest.Open(t, dsn)
			file := write(t, "lines.jsonl", lines...)
			warehousetest.KillAt(t, dsn, point, crashFile+"="+file.Name, crashParts+"=1")
			input := partPerLine(strings.Join(lines, "\n"))
			results, err := loader(w).Load(t.Context(), []Input{input}, untried)
			if err != nil {
				t.Fatal(err)
			}
			want := "ld_2 committed: 3 = 2 + 0 dup + 0 conflict + 1 rejected, input 4"
			if point == "after-commit" {
				want = "ld_1 already_loaded: 0 = 0 + 0 dup + 0 conflict + 0 rejected, input 0"
			}
			wantCounts(t, results, want)
			if n := number(t, w, "SELECT count() FROM load_objects"); n != 4 {
				t.Errorf("%d objects are stored, want 4", n)
			}
			if err := w.CheckComplete(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestObjectsThatArriveLateAreNotTried puts in what a server may store of a killed load after it was cleared away.
func TestObjectsThatArriveLateAreNotTried(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	down := errors.New("down")
	one := b.part("1.jsonl", "1", usageLine("e1", "acme", 1))
	untried := Options{Source: ingesttest.Canonical(t), Untried: true}
	if _, err := loader(w).Load(t.Context(), []Input{listing(one, b.broken("2.jsonl", down))}, untried); err == nil {
		t.Fatal("a fault of the service is no error")
	}
	object := newLoadObject(&load{seq: 1, source: untried.Source}, one, "")
	if err := insertObjects(t.Context(), w, []*loadObject{object}); err != nil {
		t.Fatal(err)
	}
	results, err := loader(w).Load(t.Context(), []Input{listing(one)}, untried)
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, results, "ld_2 committed: 1 = 1 + 0 dup + 0 conflict + 0 rejected, input 1")
	if n := number(t, w, "SELECT count() FROM load_objects WHERE load_seq = 1"); n != 0 {
		t.Errorf("%d rows of the load that was given up are left", n)
	}
}

// TestALargePartIsCutAtRowBorders loads an object that is small as stored and more than jobs hold, between small ones.
func TestALargePartIsCutAtRowBorders(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	const rows = 150_000
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, "%s\n", usageLine(fmt.Sprintf("m%06d", i), "acme", 1))
	}
	if text.Len() < 2*chunkBytes {
		t.Fatalf("%d bytes are too few", text.Len())
	}
	result := mustLoad(t, w, listing(
		b.part("a.jsonl", "1", usageLine("a", "acme", 1)),
		b.part("m.jsonl.gz", "1", gzipped(t, text.String())),
		b.part("z.jsonl", "1", "no row", usageLine("z", "acme", 1)),
	))[0]
	wantCounts(t, []Result{result}, "ld_1 committed: 150003 = 150002 + 0 dup + 0 conflict + 1 rejected, input 150002")
	objects, err := ObjectsOf(t.Context(), w, []uint64{1})
	if err != nil {
		t.Fatal(err)
	}
	want := []ObjectRows{
		{"s3://logs/a.jsonl", [][2]uint64{{1, 1}}},
		{"s3://logs/m.jsonl.gz", [][2]uint64{{1, rows}}},
		{"s3://logs/z.jsonl", [][2]uint64{{1, 2}}},
	}
	if diff := cmp.Diff(want, objects.Rows(1, [][2]uint64{{1, rows + 3}})); diff != "" {
		t.Errorf("rows by object (-want +got):\n%s", diff)
	}
	if n := number(t, w, "SELECT row_number FROM v_events WHERE event_id = 'm099999'"); n != 100_001 {
		t.Errorf("row 100,000 of the object is row %d of the load, want 100,001", n)
	}
}
