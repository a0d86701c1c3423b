package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// remoteBytes is a remote file of a size that need not be that of its contents.
type remoteBytes struct {
	data  []byte
	size  uint64
	opens *int
}

func (r remoteBytes) Size() uint64 { return r.size }

func (r remoteBytes) Version() (string, time.Time) { return "", time.Time{} }

func (r remoteBytes) IsOwn(error) bool { return false }

func (r remoteBytes) Open(context.Context) (io.ReadCloser, error) {
	*r.opens++
	return io.NopCloser(bytes.NewReader(r.data)), nil
}

func remoteOf(name string, data []byte) (Input, *int) {
	opens := new(int)
	return Input{Name: name, Remote: remoteBytes{data, uint64(len(data)), opens}}, opens
}

func TestRemoteFileIsTheSameLogAsTheFile(t *testing.T) {
	w := warehousetest.New(t)
	file := write(t, "a.jsonl", usageLine("e1", "acme", 1), usageLine("e2", "acme", 2))
	data, err := os.ReadFile(file.Name)
	if err != nil {
		t.Fatal(err)
	}
	remote, opens := remoteOf("s3://logs/a.jsonl", data)
	first := mustLoad(t, w, remote)[0]
	again := mustLoad(t, w, file)[0]
	if diff := cmp.Diff("ld_1 committed: 2 = 2 + 0 dup + 0 conflict + 0 rejected, input 3", counts(first)); diff != "" {
		t.Error(diff)
	}
	if again.Status != StatusAlreadyLoaded || again.SHA256 != first.SHA256 {
		t.Errorf("the file is %s with hash %s, want already loaded with %s", again.Status, again.SHA256, first.SHA256)
	}
	if *opens != 1 {
		t.Errorf("read %d times, want once where no load has its size", *opens)
	}
	if known := mustLoad(t, w, remote)[0]; known.Status != StatusAlreadyLoaded || *opens != 3 {
		t.Errorf("again it is %s, opened %d times in all", known.Status, *opens)
	}
}

func TestRemoteFileOfAnotherSizeIsRefused(t *testing.T) {
	w := warehousetest.New(t)
	data := []byte(usageLine("e1", "acme", 1) + "\n")
	opens := 0
	input := Input{Name: "s3://logs/a.jsonl", Remote: remoteBytes{data, uint64(len(data)) + 1, &opens}}
	_, err := loader(w).Load(t.Context(), []Input{input}, Options{Source: ingesttest.Canonical(t)})
	if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "nothing counts") {
		t.Errorf("error %v, want %v, of which nothing counts", err, ErrChanged)
	}
}
