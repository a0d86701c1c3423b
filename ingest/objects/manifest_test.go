package objects_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/ingest/objects/objectstest"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// rowsEach is how many rows of about 100 bytes an object has.
const rowsEach = 10

// putLogs stores so many objects, each with rows of its own.
func putLogs(t testing.TB, s *objectstest.Server, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		var text strings.Builder
		for row := range rowsEach {
			fmt.Fprintf(&text, `{"event_id":"%05d-%d","occurred_at":"2026-10-01T00:00:00Z","customer_id":"acme",`+
				`"model":"small-model","input_tokens":1}`+"\n", i, row)
		}
		if err := s.Put("logs", fmt.Sprintf("day/%05d.jsonl", i), []byte(text.String())); err != nil {
			t.Fatal(err)
		}
	}
}

// loadAll loads all objects below day/ as one load.
func loadAll(t testing.TB, w *warehouse.Warehouse) (ingest.Result, error) {
	t.Helper()
	location, err := objects.Parse("s3://logs/day/")
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := objects.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	input := ingest.Input{Name: location.String()}
	err = bucket.List(t.Context(), func(o objects.Object) error {
		input.Parts = append(input.Parts, ingest.Part{Name: o.URL(), Remote: o})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	loader := ingest.New(ingest.Config{Warehouse: w, Now: time.Now, Workers: 2})
	results, err := loader.Load(t.Context(), []ingest.Input{input}, ingest.Options{Source: ingesttest.Canonical(t)})
	if len(results) == 0 {
		return ingest.Result{}, err
	}
	return results[0], err
}

// counted is how many events count, and of how many objects.
func counted(t testing.TB, w *warehouse.Warehouse) (events, of uint64) {
	t.Helper()
	err := w.Conn().QueryRow(t.Context(), `SELECT (SELECT count() FROM v_events), (SELECT uniqExact(url) FROM load_objects
		WHERE rows = 10 AND load_seq IN (SELECT load_seq FROM counted_loads))`).Scan(&events, &of)
	if err != nil {
		t.Fatal(err)
	}
	return events, of
}

func TestManyObjectsOverABadNetworkAreLoadedOnce(t *testing.T) {
	s, w := serve(t), warehousetest.New(t)
	const many = 300
	putLogs(t, s, 0, many)
	s.Fail(objectstest.Fault{Times: 20, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
	s.Fail(objectstest.Fault{Times: 20, CutAfter: 500})
	s.Fail(objectstest.Fault{Times: 20, Status: http.StatusInternalServerError, Code: "InternalError"})
	result, err := loadAll(t, w)
	if err != nil || result.Objects != many {
		t.Fatalf("%d objects, error %v", result.Objects, err)
	}
	putLogs(t, s, many, many+7)
	before := s.Bodies()
	if result, err = loadAll(t, w); err != nil || result.Objects != 7 || result.ObjectsKnown != many {
		t.Errorf("then %d objects, %d known, error %v", result.Objects, result.ObjectsKnown, err)
	}
	if read := s.Bodies() - before; read != 7 {
		t.Errorf("%d bodies were asked for, want those of the 7 that are new", read)
	}
	if events, of := counted(t, w); events != (many+7)*rowsEach || of != many+7 {
		t.Errorf("%d events of %d objects count", events, of)
	}
}

func TestAnObjectThatChangesIsLeftOutOfTheLoad(t *testing.T) {
	s, w := serve(t), warehousetest.New(t)
	putLogs(t, s, 0, 50)
	s.Fail(objectstest.Fault{Times: 1, Then: func() {
		for _, key := range []string{"day/00048.jsonl", "day/00049.jsonl"} { // while others are read
			put(t, s, key, "another text")
		}
	}})
	result, err := loadAll(t, w)
	if !errors.Is(err, objects.ErrChanged) || result.Objects != 48 || result.RowsLoaded != 48*rowsEach {
		t.Errorf("%d objects with %d rows, error %v", result.Objects, result.RowsLoaded, err)
	}
	putLogs(t, s, 48, 50)
	if result, err = loadAll(t, w); err != nil || result.Objects != 2 || result.ObjectsKnown != 48 {
		t.Errorf("then %d objects, %d known, error %v", result.Objects, result.ObjectsKnown, err)
	}
	if events, of := counted(t, w); events != 50*rowsEach || of != 50 {
		t.Errorf("%d events of %d objects count", events, of)
	}
}

func TestCredentialsThatExpireMidwayLoadNothing(t *testing.T) {
	s, w := serve(t), warehousetest.New(t)
	putLogs(t, s, 0, 60)
	s.Fail(objectstest.Fault{Times: 40})
	s.Fail(objectstest.Fault{Times: 1 << 20, Status: http.StatusBadRequest, Code: "ExpiredToken"})
	result, err := loadAll(t, w)
	if err == nil || !strings.Contains(err.Error(), "the credentials have expired") || result.LoadID != "" {
		t.Errorf("result %v, error %v", result, err)
	}
	if events, of := counted(t, w); events != 0 || of != 0 {
		t.Errorf("%d events of %d objects count", events, of)
	}
}

// BenchmarkTenThousandObjects loads 10,000 objects of 1 kB from the server in this process.
func BenchmarkTenThousandObjects(b *testing.B) {
	s, err := objectstest.New("logs")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	b.Setenv("AWS_ENDPOINT_URL", s.URL)
	b.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	b.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
	putLogs(b, s, 0, 10_000)
	for b.Loop() {
		b.StopTimer()
		w := warehousetest.New(b)
		b.StartTimer()
		result, err := loadAll(b, w)
		if err != nil || result.Objects != 10_000 || result.RowsLoaded != 10_000*rowsEach {
			b.Fatalf("%d objects, %d rows, error %v", result.Objects, result.RowsLoaded, err)
		}
	}
}
