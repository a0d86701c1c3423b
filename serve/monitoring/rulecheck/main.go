// Command rulecheck reads files of Prometheus's alert rules, and queries from standard input, one a line, by
// Prometheus's own parser. It exits with 1 where one cannot be read.
package main

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	failed := false
	report := func(where string, err error) {
		failed = true
		fmt.Fprintf(os.Stderr, "%s: %v\n", where, err)
	}
	reader := parser.NewParser(parser.Options{})
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			report(name, err)
			continue
		}
		_, mistakes := rulefmt.Parse(text, false, model.UTF8Validation, reader, slog.Default())
		for _, mistake := range mistakes {
			report(name, mistake)
		}
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if _, err := reader.ParseExpr(lines.Text()); err != nil {
			report(lines.Text(), err)
		}
	}
	if failed {
		os.Exit(1)
	}
}
