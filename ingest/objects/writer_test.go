package objects_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/ingest/objects/objectstest"
)

// stored is what an object holds.
func stored(t *testing.T, url string) []byte {
	t.Helper()
	object, err := open(t, url).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body, err := object.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPut: small objects are sent at once and large ones in parts; a service that is busy for a moment is asked again.
func TestPut(t *testing.T) {
	s := serve(t)
	bucket := open(t, "s3://logs/b/")
	large := bytes.Repeat([]byte("0123456789abcdef"), 9<<20) // 144 MiB: three parts
	for name, text := range map[string][]byte{
		"empty": {}, "small": []byte("text"), "a b+c/ü": []byte("x"), "large": large,
	} {
		s.Fail(objectstest.Fault{Times: 2, Written: true, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
		if err := bucket.Put(t.Context(), "b/"+name, bytes.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
		if got := stored(t, "s3://logs/b/"+name); !bytes.Equal(got, text) {
			t.Errorf("%s has %d bytes, or others than the %d that were sent", name, len(got), len(text))
		}
	}
}

// TestPutFails: what cannot be written whole is not there, and no error tells a secret.
func TestPutFails(t *testing.T) {
	s := serve(t)
	bucket := open(t, "s3://logs/b/")
	s.Fail(objectstest.Fault{Times: 1, Written: true}) // the first part is taken
	s.Fail(objectstest.Fault{Times: 1 << 20, Written: true, Status: http.StatusForbidden, Code: "AccessDenied"})
	large := bytes.NewReader(make([]byte, 65<<20))
	for _, size := range []int64{large.Size(), 4} {
		name := fmt.Sprint(size)
		err := bucket.Put(t.Context(), "b/"+name, large, size)
		if err == nil || !strings.Contains(err.Error(), "write s3://logs/b/"+name+": AccessDenied") ||
			strings.Contains(err.Error(), "do-not-tell") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := bucket.Put(t.Context(), "b/short", strings.NewReader("abc"), 4); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that is shorter than it was: %v", err)
	}
	if keys, err := s.Keys("logs"); err != nil || len(keys) > 0 {
		t.Errorf("there are %q (%v)", keys, err)
	}
	location, err := objects.Parse("s3://nowhere/b/")
	if err != nil {
		t.Fatal(err)
	}
	if bucket, err = objects.Open(t.Context(), location); err != nil {
		t.Fatal(err)
	}
	if err := bucket.Put(t.Context(), "b/a", strings.NewReader("abc"), 3); err == nil ||
		!strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("a bucket that is not there: %v", err)
	}
}
