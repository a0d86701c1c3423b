package main

import (
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/ingest"
)

func TestProgressLines(t *testing.T) {
	started := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name     string
		view     progressView
		progress ingest.Progress
		want     string
	}{
		{
			"one file",
			progressView{started: started, sizeBytes: 4e9, files: 1},
			ingest.Progress{BytesRead: 1e9, Rows: 5e6, Rejected: 7},
			"1.0 GB of 4.0 GB, 5000000 rows, 7 rejected, 500000 rows/s, 30s left",
		},
		{
			"several",
			progressView{started: started, sizeBytes: 4e9, files: 3},
			ingest.Progress{BytesRead: 4e9, Rows: 10, Files: []ingest.FileProgress{{Name: "b", BytesRead: 5, SizeBytes: 9}}},
			"b: 5 B of 9 B, 0 rows, 0 rejected\n3 files: 4.0 GB of 4.0 GB, 10 rows, 0 rejected, 1 rows/s, checking",
		},
		{
			"standard input",
			progressView{started: started, files: 1},
			ingest.Progress{BytesRead: 1000, Rows: 20},
			"1.0 kB, 20 rows, 0 rejected, 2 rows/s",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Join(test.view.lines(test.progress, started.Add(10*time.Second)), "\n")
			if got != test.want {
				t.Errorf("progress is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
