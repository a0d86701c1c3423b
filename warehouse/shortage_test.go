package warehouse_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

// TestShortOf: a limit of the machine that keeps the engine from starting is told with what to do.
func TestShortOf(t *testing.T) {
	tests := []struct{ name, limit, want string }{
		{"open files", "ulimit -n 64", "only 64 files may be open at once (ulimit -n), and it needs 256: raise the limit"},
		{"address space", "ulimit -v 2000000", "of address space may be used (ulimit -v), and the engine needs 4000 MB"},
		{"address space nearly enough", "ulimit -v 3500000", "only 3584 MB of address space may be used (ulimit -v)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			command := exec.Command("sh", "-c", test.limit+` && exec "$0" "$@"`, os.Args[0], userVerb, t.TempDir())
			said, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(said), test.want) {
				t.Errorf("%v: %s\nwant %s", err, said, test.want)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	tests := []struct{ text, want string }{
		{"code: 76, message: Cannot open file x: , errno: 24, strerror: Too many open files", "ulimit -n"},
		{"code: 243, message: Cannot reserve 1.00 MiB, not enough space", "disk of the warehouse is full"},
		{"filesystem error: No space left on device", "disk of the warehouse is full"},
		{"load libchdb.so: failed to map segment from shared object", "ulimit -v"},
		{"std::bad_alloc", "memory is short"},
		{"errno: 30, strerror: Read-only file system", "cannot be written"},
		{"Permission denied", "cannot be written"},
		{"fakecgo: pthread_create failed: 11", "ulimit -u"},
		{"errno: 27, strerror: File too large", "ulimit -f"},
		{"code: 62, message: Syntax error", ""},
	}
	for _, test := range tests {
		got := warehouse.AdviceOn(test.text)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
}
