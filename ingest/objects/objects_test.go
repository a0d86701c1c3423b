package objects_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/ingest/objects/objectstest"
)

// serve starts a server with one bucket, logs, whose every object is named after its contents.
func serve(t *testing.T, keys ...string) *objectstest.Server {
	t.Helper()
	s, err := objectstest.New("logs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, key := range keys {
		put(t, s, key, key)
	}
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
	return s
}

func put(t *testing.T, s *objectstest.Server, key, data string) {
	t.Helper()
	if err := s.Put("logs", key, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, url string) *objects.Bucket {
	t.Helper()
	location, err := objects.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := objects.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func list(t *testing.T, url string) []string {
	t.Helper()
	found := []string{}
	err := open(t, url).List(t.Context(), func(o objects.Object) error {
		found = append(found, o.URL())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestListNamesWhatTheLocationMatches(t *testing.T) {
	serve(t, "a/1.jsonl", "a/2.csv", "a/b/3.jsonl", "c.jsonl", "d e+f.jsonl")
	for url, want := range map[string][]string{
		"s3://logs/a/":                         {"s3://logs/a/1.jsonl", "s3://logs/a/2.csv", "s3://logs/a/b/3.jsonl"},
		"s3://logs/a/*.jsonl":                  {"s3://logs/a/1.jsonl"},
		"s3://logs/?.jsonl":                    {"s3://logs/c.jsonl"},
		"s3://logs/d e+*?region=us-west-2":     {"s3://logs/d e+f.jsonl"},
		"s3://logs/a/[13]*?anonymous=true":     {"s3://logs/a/1.jsonl"},
		"s3://logs/nothing/":                   {},
		"s3://logs/*/*/*.jsonl?anonymous=true": {"s3://logs/a/b/3.jsonl"},
	} {
		if diff := cmp.Diff(want, list(t, url)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

func TestListGoesThroughAllPages(t *testing.T) {
	s := serve(t)
	for i := range 2500 {
		put(t, s, "many/"+strings.Repeat("x", i/1000)+string(rune('a'+i/26%26))+string(rune('a'+i%26))+
			strings.Repeat("y", i/676), "{}")
	}
	if found := list(t, "s3://logs/many/"); len(found) != 2500 {
		t.Errorf("%d objects listed, want 2500", len(found))
	}
}

func TestParseRefuses(t *testing.T) {
	for _, url := range []string{
		"gs://logs/a", "s3:///a", "s3://key:secret@logs/a", "s3://logs/[", "s3://logs/a?colour=red",
		"s3://logs/a?endpoint=http://key:secret@host", "s3://logs/a?endpoint=ftp://host", "s3://logs/a?anonymous=maybe",
	} {
		_, err := objects.Parse(url)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want an error that tells no secret", url, err)
		}
	}
}

// read reads the object a.
func read(ctx context.Context, t *testing.T) (string, error) {
	t.Helper()
	object, err := open(t, "s3://logs/a").Find(ctx)
	if err != nil {
		t.Fatal(err)
	}
	body, err := object.Open(ctx)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(body)
	return string(data), errors.Join(err, body.Close())
}

func TestReadOutlivesCutsAndBusyServices(t *testing.T) {
	s := serve(t)
	whole := strings.Repeat("0123456789", 50_000)
	put(t, s, "a", whole)
	s.Fail(objectstest.Fault{Times: 2, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
	s.Fail(objectstest.Fault{Times: 3, CutAfter: 100_003})
	got, err := read(t.Context(), t)
	if err != nil || got != whole {
		t.Fatalf("read %d bytes of %d: %v", len(got), len(whole), err)
	}
	if s.Bodies() != 6 {
		t.Errorf("asked %d times, want 2 refused, 3 cut and the rest", s.Bodies())
	}
}

// rewrite replaces the object a, or removes it, while it is being read.
func rewrite(t *testing.T, s *objectstest.Server, data string) {
	err := s.Put("logs", "a", []byte(data))
	if data == "" {
		err = s.Delete("logs", "a")
	}
	if err != nil {
		t.Error(err)
	}
}

func TestReadEndsWithAnErrorNeverHalf(t *testing.T) {
	whole := strings.Repeat("0123456789", 50_000)
	for name, test := range map[string]struct {
		fault func(*objectstest.Server) objectstest.Fault
		is    error
		says  string
	}{
		"expired": {
			fault: func(*objectstest.Server) objectstest.Fault {
				return objectstest.Fault{Times: 9, Status: http.StatusBadRequest, Code: "ExpiredToken"}
			}, says: "credentials have expired",
		},
		"busy for ever": {
			fault: func(*objectstest.Server) objectstest.Fault {
				return objectstest.Fault{Times: 99, Status: http.StatusServiceUnavailable, Code: "SlowDown"}
			}, says: "SlowDown",
		},
		"written before": {
			fault: func(s *objectstest.Server) objectstest.Fault {
				return objectstest.Fault{Times: 1, Then: func() { rewrite(t, s, "A"+whole) }}
			}, is: objects.ErrChanged,
		},
		"written between": {
			fault: func(s *objectstest.Server) objectstest.Fault {
				s.Fail(objectstest.Fault{Times: 1, CutAfter: 1000})
				return objectstest.Fault{Times: 1, Then: func() { rewrite(t, s, "y"+whole[1:]) }}
			}, is: objects.ErrChanged,
		},
		"gone between": {
			fault: func(s *objectstest.Server) objectstest.Fault {
				s.Fail(objectstest.Fault{Times: 1, CutAfter: 1000})
				return objectstest.Fault{Times: 1, Then: func() { rewrite(t, s, "") }}
			}, is: objects.ErrChanged,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			put(t, s, "a", whole)
			s.Fail(test.fault(s))
			_, err := read(t.Context(), t)
			if err == nil || (test.is != nil && !errors.Is(err, test.is)) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want %v %s", err, test.is, test.says)
			}
			if strings.Contains(err.Error(), "do-not-tell") || strings.Contains(err.Error(), "AKIDTEST") ||
				strings.Contains(err.Error(), s.URL) {
				t.Errorf("the error tells credentials or addresses: %v", err)
			}
		})
	}
}

func TestFindTellsWhatIsMissing(t *testing.T) {
	serve(t, "a/1")
	if _, err := open(t, "s3://logs/a").Find(t.Context()); !errors.Is(err, objects.ErrNotFound) {
		t.Errorf("error %v, want %v", err, objects.ErrNotFound)
	}
}

func TestRequestsAreSignedWithoutWhatServersOnTheWayChange(t *testing.T) {
	var seen []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
	if _, err := open(t, "s3://logs/a?region=auto&endpoint="+server.URL).Find(t.Context()); err == nil {
		t.Error("what is not there was found")
	}
	if len(seen) == 0 {
		t.Fatal("nothing was asked for")
	}
	signed := seen[0].Get("Authorization")
	if !strings.Contains(signed, "/auto/s3/aws4_request") || strings.Contains(signed, "accept-encoding") {
		t.Errorf("signed as %s", signed)
	}
	if got := seen[0].Get("Accept-Encoding"); got != "identity" {
		t.Errorf("Accept-Encoding is %q, want identity: sizes are those of what is stored", got)
	}
}
