package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// inTurn runs both, the first one first in every other round: who runs second may find the machine warmer, or busier.
func inTurn(round int, one, other func()) {
	if round%2 == 1 {
		one, other = other, one
	}
	one()
	other()
}

func wallRatio(ours, theirs benchRun) float64 { return ours.wall.Seconds() / theirs.wall.Seconds() }

func (r benchRun) used() benchUsage { return r.own.plus(r.engine) }

// printAgainst writes the medians of creditmill and a rival, if there is one, and the first by the second.
func (l *loadBench) printAgainst(b *testing.B, title, file string, ours []benchRun, rival string, theirs []benchRun) {
	b.Helper()
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	if len(theirs) > 0 && ours[0].result.RowsLoaded != theirs[0].result.RowsLoaded {
		b.Fatalf("loaded %d and %d rows", ours[0].result.RowsLoaded, theirs[0].result.RowsLoaded)
	}
	data := fmt.Sprintf("%d rows, %s", ours[0].result.RowsLoaded, humanBytes(uint64(info.Size())))
	printRuns(b, title, data, ours, rival, theirs)
}

// printRuns is printAgainst for runs that are of no file.
func printRuns(b *testing.B, title, data string, ours []benchRun, rival string, theirs []benchRun) {
	b.Helper()
	fmt.Printf("\n%s: %s; %s\n", title, data, machine())
	t := newTable(os.Stdout, "", "wall s", "each", "CPU s", "kernel s", "page faults", "own peak MB", "engine peak MB")
	t.AppendRow(benchRow("creditmill", ours))
	if len(theirs) > 0 {
		t.AppendRow(benchRow(rival, theirs))
		quotients := func(of func(benchRun) float64) warehousetest.Ratio {
			var pairs []float64
			for i := range ours {
				pairs = append(pairs, of(ours[i])/of(theirs[i]))
			}
			return warehousetest.NewRatio(pairs)
		}
		wall := quotients(func(r benchRun) float64 { return r.wall.Seconds() })
		cpu := quotients(func(r benchRun) float64 { return r.used().cpu.Seconds() })
		var each []string
		for _, pair := range wall.Pairs {
			each = append(each, fmt.Sprintf("%.2f", pair))
		}
		t.AppendRow(table.Row{"ratio", wall.String(), strings.Join(each, " "), cpu.String()})
		name := strings.ReplaceAll(title, " ", "-")
		b.ReportMetric(wall.Median, name+"-ratio")
		b.ReportMetric(cpu.Median, name+"-cpu-ratio")
	}
	t.Render()
}

// benchRow has the medians of some runs.
func benchRow(name string, runs []benchRun) table.Row {
	middle := func(of func(benchRun) float64) float64 {
		var figures []float64
		for _, run := range runs {
			figures = append(figures, of(run))
		}
		slices.Sort(figures)
		return figures[len(figures)/2]
	}
	var each []string
	for _, run := range runs {
		each = append(each, fmt.Sprintf("%.1f", run.wall.Seconds()))
	}
	return table.Row{
		name,
		fmt.Sprintf("%.2f", middle(func(r benchRun) float64 { return r.wall.Seconds() })),
		strings.Join(each, " "),
		fmt.Sprintf("%.1f", middle(func(r benchRun) float64 { return r.used().cpu.Seconds() })),
		fmt.Sprintf("%.1f", middle(func(r benchRun) float64 { return r.used().kernel.Seconds() })),
		middle(func(r benchRun) float64 { return float64(r.used().faults) }),
		middle(func(r benchRun) float64 { return float64(r.ownPeak >> 20) }),
		middle(func(r benchRun) float64 { return float64(r.enginePeak >> 20) }),
	}
}
