package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

func TestExitCodes(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"fine":                     {nil, 0},
		"any error":                {errors.New("disk is full"), 1},
		"usage":                    {usagef("read --at: %w", errors.New("no time")), 2},
		"wrapped usage":            {fmt.Errorf("load: %w", usagef("no file")), 2},
		"warehouse setting":        {fmt.Errorf("x: %w", warehouse.ErrConfig), 2},
		"partial":                  {&partialError{Reason: "3 rows rejected"}, 3},
		"unreachable":              {fmt.Errorf("x: %w", warehouse.ErrUnreachable), 10},
		"not migrated":             {fmt.Errorf("x: %w", warehouse.ErrNotMigrated), 10},
		"too old":                  {fmt.Errorf("x: %w", warehouse.ErrTooOld), 10},
		"locked":                   {fmt.Errorf("x: %w", warehouse.ErrLocked), 11},
		"interrupted":              {errInterrupted, 130},
		"interrupted on the way":   {fmt.Errorf("x: %w: %w", warehouse.ErrUnreachable, context.Canceled), 130},
		"an error beside partial":  {errors.Join(&partialError{}, errors.New("disk is full")), 1},
		"locked beside partial":    {errors.Join(&partialError{}, warehouse.ErrLocked), 11},
		"partial joined with none": {errors.Join(&partialError{Reason: "held"}, nil), 3},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%s: exit code %d, want %d", name, got, test.want)
		}
	}
}
