package ingest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// TestFormatsAgree: the same rows become the same events and the same rejects in every format and in all the ways to
// write it.
func TestFormatsAgree(t *testing.T) {
	all := ingesttest.Samples(1000)
	want, err := decodeText(t, ingesttest.Canonical(t), "a.jsonl", string(ingesttest.JSONL(all)), defaultMaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Rejects) < 50 || len(want.Events) < 800 {
		t.Fatalf("%d rejects and %d events are no good sample", len(want.Rejects), len(want.Events))
	}
	agree := func(name string, got ingesttest.Decoded, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-jsonl +%s):\n%s", name, name, diff)
		}
	}
	source := ingesttest.Canonical(t)
	for _, dialect := range []struct{ delimiter, newline string }{{",", "\n"}, {";", "\r\n"}, {"\t", "\n"}} {
		source.CSV.Delimiter = rune(dialect.delimiter[0])
		text := string(ingesttest.CSV(all, dialect.delimiter, dialect.newline))
		got, err := decodeText(t, source, "a.csv", text, defaultMaxLineBytes)
		agree("csv with "+dialect.delimiter, got, err)
	}
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		for name, codec := range ingesttest.Codecs {
			for _, dictionary := range []bool{true, false} {
				data := ingesttest.Parquet(t, all, 333, parquet.WithDataPageVersion(version), parquet.WithCompression(codec),
					parquet.WithDictionaryDefault(dictionary), parquet.WithDataPageSize(4096))
				got, err := decodeParquet(t, data)
				agree(fmt.Sprintf("parquet %s v%d dictionary %v", name, version+1, dictionary), got, err)
			}
		}
	}
	for _, encoding := range []parquet.Encoding{parquet.Encodings.DeltaByteArray, parquet.Encodings.DeltaLengthByteArray} {
		data := ingesttest.Parquet(t, all, 500, parquet.WithDictionaryDefault(false), parquet.WithEncodingFor("event_id",
			encoding),
			parquet.WithEncodingFor("properties", encoding), parquet.WithEncodingFor("customer_id", encoding),
			parquet.WithEncodingFor("input_tokens", parquet.Encodings.DeltaBinaryPacked),
			parquet.WithEncodingFor("output_tokens", parquet.Encodings.DeltaBinaryPacked))
		got, err := decodeParquet(t, data)
		agree("parquet "+encoding.String(), got, err)
	}
	for _, file := range []bool{true, false} {
		for name, options := range map[string][]ipc.Option{"": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
			got, err := decodeArrow(t, ingesttest.Canonical(t), ingesttest.Arrow(t, all, file, 333, options...))
			agree(fmt.Sprintf("arrow file %v %s", file, name), got, err)
		}
	}
}

// TestColumnRejectsReload: the raw form of a rejected row is JSON that is rejected for the same reason, so that
// fixing the value fixes the row.
func TestColumnRejectsReload(t *testing.T) {
	data := ingesttest.Parquet(t, ingesttest.Samples(500), 500)
	source := ingesttest.Canonical(t)
	reader, columns, err := ingesttest.SearchColumns(source, openParquet(data))
	if err != nil {
		t.Fatal(err)
	}
	decoder := event.NewColumnDecoder(columns, defaultMaxLineBytes)
	batch, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	var b event.Block
	b.Reset()
	decoder.Decode(columnar.Slice{Batch: batch, From: 0, To: batch.Rows}, &b)
	for _, reject := range b.Rejects {
		if reject.Reason != "is not valid UTF-8" && !json.Valid([]byte(reject.Raw)) {
			t.Errorf("%s is not JSON", reject.Raw)
		}
		again, err := decodeText(t, source, "fix.jsonl", reject.Raw, defaultMaxLineBytes)
		if err != nil {
			t.Fatal(err)
		}
		ingesttest.WantRejects(t, again, "1 "+reject.Field+": "+reject.Reason)
	}
}
