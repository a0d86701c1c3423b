package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/ingest/unpack"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newLoadCommand(a *app) *cobra.Command {
	var flags loadFlags
	command := &cobra.Command{
		Use:   "load PATH|URL…",
		Short: "Load usage logs",
		Long: "load reads log files, directories of them, globs, standard input as -, or objects in object storage: " +
			"s3://bucket/key, all logs below s3://bucket/prefix/, or s3://bucket/prefix/*.gz. Each file's rows become visible " +
			"together or not at all; so do those of all small objects of a listing. The same content again changes nothing; " +
			"an event that was loaded before is not counted twice; rows that cannot be read are kept aside, " +
			"see: creditmill rejects.\n\n" +
			"--source names a source of creditmill.yaml, or one of those built in: see creditmill sources, and sources detect " +
			"for the one that fits a file. Several files are read side by side (--jobs) and count in the order named; " +
			"any number of loads may run at once, on one host or many. --dry-run shows how the first rows would be understood " +
			"and what they would cost by the price book; it needs no warehouse and writes nothing.\n\n" +
			"Exit code 3 says that rows were rejected or contradict an event that was loaded before.",
		Example: `  creditmill load usage.jsonl
  creditmill load --source openai --dry-run responses.jsonl
  creditmill load --source gateway logs/2026-10-*.jsonl.gz
  zcat usage.jsonl.gz | creditmill load -
  creditmill load --jobs 4 /var/log/llm/
  creditmill load s3://logs/2026/10/ --since 2026-10-14`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runLoad(command.Context(), args, flags)
		},
	}
	command.Flags().StringVar(&flags.source, "source", "creditmill",
		"id of the source that says where each field is found")
	command.Flags().IntVar(&flags.jobs, "jobs", 0,
		"how many files are read side by side (default ingest.jobs of the config, else one for each core)")
	completeWith(command, "source", a.completeSources)
	command.Flags().StringVar(&flags.maxRejects, "max-rejects", "",
		"abort a file with more rejected rows than this: a number, or a share of its rows such as 1% "+
			"(default ingest.max_rejects of the config, else "+
			"100,000 if they are most of the rows)")
	command.Flags().BoolVar(&flags.dryRun, "dry-run", false,
		"show how the first rows would be understood; write nothing")
	command.Flags().BoolVar(&flags.again, "again", false,
		"load a file that was loaded with another source with this one as well")
	command.Flags().StringVar(&flags.since, "since", "",
		"only objects written to object storage at or after this day (UTC) or moment")
	command.Flags().IntVar(&flags.rows, "rows", defaultDryRunRows, "how many rows --dry-run shows")
	return command
}

// loadFlags are the flags of load alone.
type loadFlags struct {
	source, maxRejects string
	since              string
	dryRun, again      bool
	rows, jobs         int
}

func (a *app) runLoad(ctx context.Context, paths []string, flags loadFlags) error {
	options, err := a.loadOptions(flags.source)
	if err != nil {
		return err
	}
	options.Again = flags.again
	if flags.maxRejects != "" {
		if options.MaxRejects, err = parseMaxRejects(flags.maxRejects); err != nil {
			return usagef("read --max-rejects: %w", err)
		}
	}
	switch {
	case flags.jobs < 0:
		return usagef("read --jobs: want a number of files from 1 up, not %d", flags.jobs)
	case flags.jobs > 0:
		a.config.Ingest.Jobs = flags.jobs
	}
	since, err := parseSince(flags.since, paths)
	if err != nil {
		return usagef("read --since: %w", err)
	}
	inputs, err := a.expandInputs(ctx, paths, since)
	if err != nil {
		return err
	}
	if flags.dryRun {
		return a.dryRun(ctx, inputs, options, flags.rows)
	}
	_, err = a.loadFiles(ctx, inputs, options)
	return err
}

// loadOptions are those of the config for a source's id; empty for that of plain rows.
func (a *app) loadOptions(sourceID string) (ingest.Options, error) {
	source, err := a.source(cmp.Or(sourceID, defaultSource))
	if err != nil {
		return ingest.Options{}, err
	}
	options := a.optionsOf(source)
	options.Others, _ = schemas.ParseSources(a.config.File, a.config.Text) // source has returned its problems
	return options, nil
}

// optionsOf are those of the config for a source.
func (a *app) optionsOf(source schemas.Source) ingest.Options {
	return ingest.Options{
		Source: source, MaxLineBytes: a.config.Ingest.MaxLineBytes, MaxRejects: a.config.Ingest.MaxRejects,
	}
}

// newLoader makes a loader as the config says; changed is told what became of each file, and may be nil.
func (a *app) newLoader(w *warehouse.Warehouse, changed func(ingest.Result)) *ingest.Loader {
	return ingest.New(ingest.Config{
		Warehouse: w, Now: a.wall, Workers: a.config.Ingest.Workers, Jobs: a.config.Ingest.Jobs,
		Fault: crashAt(os.Getenv(crashVariable)), Changed: changed,
	})
}

// loadFiles loads the files, prints what became of each, and returns the errors, or a partialError where rows were left
// out.
func (a *app) loadFiles(ctx context.Context, inputs []ingest.Input, options ingest.Options) ([]ingest.Result, error) {
	w, err := a.warehouse(ctx)
	if err != nil {
		return nil, err
	}
	var printing error
	loader := a.newLoader(w, func(result ingest.Result) {
		if a.flags.json {
			printing = errors.Join(printing, a.printJSON(result))
		}
	})
	stop := a.showProgress(inputs, loader.Progress)
	results, err := loader.Load(ctx, inputs, options)
	stop()
	a.recordWritten(ctx, w)
	if !a.flags.json && len(results) > 0 {
		printing = printLoads(a.stdout, results)
	}
	if err = errors.Join(err, printing); err != nil {
		return results, err
	}
	return results, a.judgeLoads(results)
}

// judgeLoads says how the load ended as a whole, and writes what needs a person to stderr.
func (a *app) judgeLoads(results []ingest.Result) error {
	var aborted []string
	var rejected, conflicts uint64
	for _, result := range results {
		switch result.Status {
		case ingest.StatusAborted:
			aborted = append(aborted, schemas.Visible(result.File)+": "+schemas.Visible(result.Message))
		case ingest.StatusAlreadyLoaded:
			a.note("%s: already loaded: %s", result.File, result.Message)
		case ingest.StatusCommitted:
			rejected += result.RowsRejected
			conflicts += result.RowsConflict
			a.noteCommitted(result)
		}
	}
	if len(aborted) > 0 {
		return fmt.Errorf("load aborted, none of its rows count: %s", strings.Join(aborted, "; "))
	}
	var left []string
	if rejected > 0 {
		left = append(left, counted(rejected, "row")+" rejected (see: creditmill rejects)")
	}
	if conflicts > 0 {
		verb := " contradict"
		if conflicts == 1 {
			verb = " contradicts"
		}
		left = append(left, counted(conflicts, "row")+verb+" an event that was loaded before "+
			"(see: creditmill rejects --repeated)")
	}
	if len(left) > 0 {
		return &partialError{Reason: strings.Join(left, ", ")}
	}
	return nil
}

// noteCommitted writes to stderr what a person should know of a load that counts.
func (a *app) noteCommitted(result ingest.Result) {
	if result.ObjectsKnown > 0 {
		a.note("%s: %s loaded, %d were loaded before", result.File, counted(result.Objects, "object"), result.ObjectsKnown)
	}
	for _, warning := range result.Warnings {
		a.note("%s: %s", result.File, warning)
	}
	if result.Replaced != nil {
		a.note("%s: %s", result.File, result.Replaced)
	}
}

func (a *app) source(id string) (schemas.Source, error) { return a.sourceReading(id, os.ReadFile) }

// sourceReading is source, whose maps are read by the function.
func (a *app) sourceReading(id string, read func(name string) ([]byte, error)) (schemas.Source, error) {
	sources, problems := schemas.ParseSources(a.config.File, a.config.Text)
	if err := problems.Err(); err != nil {
		return schemas.Source{}, &usageError{err: err}
	}
	source, ok := schemas.SourceByID(sources, id)
	if !ok {
		var known []string
		for _, source := range sources {
			known = append(known, source.ID)
		}
		return schemas.Source{}, usagef("unknown source %q (known: %s); declare it under sources: in %s",
			id, strings.Join(known, ", "), defaultConfigFile)
	}
	if err := source.ReadMaps(read).Err(); err != nil {
		return schemas.Source{}, &usageError{err: err}
	}
	return source, nil
}

// parseMaxRejects reads N or P%.
func parseMaxRejects(text string) (ingest.MaxRejects, error) {
	number, percent := strings.CutSuffix(text, "%")
	limit, err := strconv.ParseUint(number, 10, 64)
	if err != nil || (percent && limit > 100) {
		return ingest.MaxRejects{}, fmt.Errorf("want a number of rows such as 10, or a share such as 1%%, not %q", text)
	}
	return ingest.MaxRejects{Set: true, Limit: limit, Percent: percent}, nil
}

// logExtensions are the files that a directory is searched for.
var logExtensions = []string{".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".arrow", ".arrows", ".feather"}

func isLogFile(name string) bool {
	name = strings.ToLower(name)
	if isCompressed(name) {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return !strings.HasPrefix(filepath.Base(name), ".") && slices.Contains(logExtensions, filepath.Ext(name))
}

func isCompressed(name string) bool { return unpack.PlainName(name) != name }

// expandInputs turns the arguments into files, in the order in which they count as loaded: as named, and by name
// within a directory or glob. Nothing is loaded when one of them is not there.
func (a *app) expandInputs(ctx context.Context, paths []string, since time.Time) ([]ingest.Input, error) {
	var inputs []ingest.Input
	for _, path := range paths {
		if path == "-" {
			inputs = append(inputs, ingest.Input{Name: "-", Reader: a.stdin})
			continue
		}
		if objects.IsURL(path) {
			found, err := a.expandObjects(ctx, path, since)
			if err != nil {
				return nil, fmt.Errorf("find logs: %w", err)
			}
			inputs = append(inputs, found...)
			continue
		}
		found, err := a.expandPath(path)
		if err != nil {
			return nil, fmt.Errorf("find log files: %w", err)
		}
		for _, name := range found {
			inputs = append(inputs, ingest.Input{Name: name})
		}
	}
	return withoutRepeated(inputs), nil
}

// expandPath returns the files of a path: itself, those of a directory, or what a glob matches.
func (a *app) expandPath(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return a.logFilesIn(path)
	case err == nil:
		return []string{path}, nil
	case !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(path, "*?["):
		return nil, err
	}
	matches, err := filepath.Glob(path)
	if err == nil && len(matches) == 0 {
		err = fmt.Errorf("no file matches %s", path)
	}
	if err != nil {
		return nil, err
	}
	var found []string
	for _, match := range matches {
		if info, err := os.Stat(match); err == nil && info.IsDir() {
			inside, err := a.logFilesIn(match)
			if err != nil {
				return nil, err
			}
			found = append(found, inside...)
			continue
		}
		found = append(found, match)
	}
	return found, nil
}

// logFilesIn returns the log files of a directory and its subdirectories, by name. Hidden ones are left out without a
// word, others whose names are not those of logs with a note: nothing that might be usage is passed over in silence.
func (a *app) logFilesIn(directory string) ([]string, error) {
	var found []string
	passed, example := 0, ""
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") && path != directory {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path) // follows links
		switch {
		case err != nil:
			return err
		case entry.IsDir():
		case info.Mode().IsRegular() && isLogFile(path):
			found = append(found, path)
		default:
			passed, example = passed+1, path
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("directory %s holds no log files (%s)", directory, strings.Join(logExtensions, ", "))
	}
	if err == nil && passed > 0 {
		if passed == 1 {
			a.note("%s: 1 file is not named like a log and is left out: %s; name it to load it", directory, example)
		} else {
			a.note("%s: %d files are not named like logs and are left out, such as %s; name them to load them", directory,
				passed, example)
		}
	}
	return found, err
}

func printLoads(w io.Writer, results []ingest.Result) error {
	t := newTable(w, "load", "file", "status", "rows", "loaded", "duplicate", "conflict", "rejected", skippedHeader,
		"tokens", unitsHeader, "size", "seconds")
	var rows, loaded, duplicate, conflict, rejected, skipped, size uint64
	tokens, others := decimal.Zero, schemas.Amounts{}
	for _, result := range results {
		rows, loaded, duplicate = rows+result.RowsRead, loaded+result.RowsLoaded, duplicate+result.RowsDuplicate
		conflict, rejected, size = conflict+result.RowsConflict, rejected+result.RowsRejected, size+result.Bytes
		skipped += result.RowsSkipped
		tokens = tokens.Add(result.Tokens.Total())
		others.AddAll(schemas.Amounts(result.Units))
		t.AppendRow(table.Row{
			result.LoadID, result.File, result.Status, result.RowsRead, result.RowsLoaded, result.RowsDuplicate,
			result.RowsConflict, result.RowsRejected, result.RowsSkipped, result.Tokens.Total(), result.Units,
			humanBytes(result.Bytes),
			fmt.Sprintf("%d.%02d", result.ElapsedMS/1000, result.ElapsedMS%1000/10),
		})
	}
	if len(results) > 1 {
		t.AppendFooter(table.Row{
			"total", counted(len(results), "file"), "", rows, loaded, duplicate, conflict, rejected, skipped, tokens,
			schemas.Others(others), humanBytes(size),
		})
	}
	t.SetColumnConfigs(append(hideSkipped(skipped == 0), hideUnits(len(others) == 0)...))
	t.Render()
	return nil
}
