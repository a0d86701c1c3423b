package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/creditmill/creditmill/schemas"
)

// Fit is what a source understands of the first rows of a file.
type Fit struct {
	Source string `json:"source"`
	Format string `json:"format"`
	// Understood rows are events by the source; the others are rejects, or skipped by it.
	Understood int `json:"understood"`
	Rejected   int `json:"rejected"`
	Skipped    int `json:"skipped"`
}

// Detect reads so many rows of a file with each source and returns those that understand any, the one that understands
// most first, of equals the earlier in the list.
func Detect(ctx context.Context, name string, sources []schemas.Source, options Options, rows int) ([]Fit, error) {
	fits := []Fit{}
	for _, source := range sources {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("look for a source of %s: %w", name, err)
		}
		options.Source = source
		preview, err := ReadPreview(ctx, Input{Name: name}, options, rows)
		if err != nil {
			continue // it is not for this file
		}
		fit := Fit{Source: source.ID, Format: preview.Format}
		for _, row := range preview.Rows {
			switch {
			case row.Event != nil:
				fit.Understood++
			case row.Skipped:
				fit.Skipped++
			default:
				fit.Rejected++
			}
		}
		if fit.Understood > 0 {
			fits = append(fits, fit)
		}
	}
	slices.SortStableFunc(fits, func(a, b Fit) int { return cmp.Compare(b.Understood, a.Understood) })
	return fits, nil
}

// fittingRows are tried to find a source that fits.
const fittingRows = 20

// HintSource names the source that would fit a file of which another one understands nothing; empty if none does.
func HintSource(ctx context.Context, name string, options Options) string {
	others := slices.DeleteFunc(slices.Clone(options.Others), func(other schemas.Source) bool {
		return other.ID == options.Source.ID
	})
	fits, err := Detect(ctx, name, others, options, fittingRows)
	if err != nil || len(fits) == 0 {
		return ""
	}
	return fmt.Sprintf("; source %s would fit: load it again with --source %s", fits[0].Source, fits[0].Source)
}

// hint is HintSource for the file of the load; a stream cannot be read again.
func (l *load) hint(ctx context.Context) string {
	if l.file.info == nil {
		return ""
	}
	options := l.options
	options.Source = l.source
	return HintSource(ctx, l.file.path, options)
}
