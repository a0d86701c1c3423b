package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
)

// localVerb makes this test binary `clickhouse local`: creditmill's own engine reaches no file, so what benchmarks
// generate and compare with runs apart from it.
const localVerb = "__local"

// localChild is that process.
func localChild(library string, arguments []string) int {
	if err := warehouse.RunLibrary(library, append([]string{"clickhouse"}, arguments...)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// local runs a statement by ClickHouse in a process of its own on a data directory, and returns what it took.
func (l *loadBench) local(b *testing.B, data, statement string, values clickhouse.Parameters) benchRun {
	b.Helper()
	executable, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	library, err := engineLibrary()
	if err != nil {
		b.Fatal(err)
	}
	arguments := []string{localVerb, library, "--path=" + data, "--query=" + statement}
	for name, value := range values {
		arguments = append(arguments, "--param_"+name+"="+value)
	}
	command := exec.CommandContext(b.Context(), executable, arguments...)
	command.Stderr = os.Stderr
	output, run, err := measured(command)
	if err != nil {
		b.Fatalf("run ClickHouse: %v\n%s", err, output)
	}
	return run
}
