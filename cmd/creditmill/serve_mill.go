package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/export"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/serve"
)

// mill runs commands for serve, in this process and on its warehouse.
type mill struct {
	app *app
	// writing is held by whoever writes.
	writing chan struct{}
	live    *liveAnswers
	// sources are those that events came of, by id: a knownSource each.
	sources sync.Map
}

// knownSource is a source and the files of its maps, as they were when it was read.
type knownSource struct {
	source schemas.Source
	files  map[string]os.FileInfo
}

// read reads a file of a map. What is changed while it is read is older than its content, so that it is read again.
func (k knownSource) read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // ReadMaps says what for
	}
	k.files[name] = info
	return os.ReadFile(name) //nolint:wrapcheck // the same
}

// isNow tells whether the files are still those that were read.
func (k knownSource) isNow() bool {
	for name, was := range k.files {
		now, err := os.Stat(name)
		if err != nil || now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime()) {
			return false
		}
	}
	return true
}

// source is one of the config by its id, with its maps as they are now, as a load has them; empty for that of plain
// rows.
func (m *mill) source(id string) (schemas.Source, error) {
	id = cmp.Or(id, defaultSource)
	if stored, ok := m.sources.Load(id); ok {
		if known := stored.(knownSource); known.isNow() { //nolint:forcetypeassert // nothing else is stored
			return known.source, nil
		}
	}
	known := knownSource{files: map[string]os.FileInfo{}}
	var err error
	if known.source, err = m.app.sourceReading(id, known.read); err != nil {
		return schemas.Source{}, err
	}
	m.sources.Store(id, known)
	return known.source, nil
}

func newMill(a *app) *mill { return &mill{app: a, writing: make(chan struct{}, 1)} }

// turn waits until nobody else in this process writes.
func (m *mill) turn(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, turnLasts)
	defer cancel()
	select {
	case m.writing <- struct{}{}:
		return func() {
			m.live.look(context.WithoutCancel(ctx)) // before anybody is answered
			<-m.writing
		}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for others that write: %w", context.Cause(ctx))
	}
}

// alone does something that writes, as an app of its own.
func (m *mill) alone(ctx context.Context, work func(*app) error) error {
	release, err := m.turn(ctx)
	if err != nil {
		return err
	}
	defer release()
	one, _, _ := m.command(strings.NewReader(""))
	return work(one)
}

// command is an app for one command: it shares the warehouse, the settings and the clock of the one that serves.
func (m *mill) command(stdin io.Reader) (one *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	one = newApp(stdin, stdout, stderr)
	one.now, one.log, one.config, one.openWarehouse = m.app.now, m.app.log, m.app.config, m.app.openWarehouse
	one.shared, one.flags.quiet = true, true
	return one, stdout, stderr
}

// Run runs a command with --json.
func (m *mill) Run(ctx context.Context, args ...string) serve.Result {
	one, stdout, _ := m.command(strings.NewReader(""))
	root := newRootCommand(one)
	root.SetArgs(append(m.settings(), args...))
	_, err := root.ExecuteContextC(ctx)
	err = errors.Join(err, one.stdout.Close())
	return resultOf(one, stdout.Bytes(), err)
}

// settings are the flags of every command. Check reads the config and the catalog again, so they are named.
func (m *mill) settings() []string {
	flags := []string{"--json", "--catalog=" + m.app.config.Catalog}
	if file := m.app.config.File; file != "" {
		flags = append(flags, "--config="+file)
	}
	return flags
}

func resultOf(one *app, output []byte, err error) serve.Result {
	result := serve.Result{JSON: output, Code: exitCode(err)}
	if err != nil {
		result.Message = one.visibleMessage(err, err.Error())
	}
	_, noReport := errors.AsType[*noReportError](err)
	switch {
	case errors.Is(err, ingest.ErrNoLoad), noReport:
		result.Status = http.StatusNotFound
	case errors.Is(err, plan.ErrChanged), errors.Is(err, invoice.ErrNotAsSeen), errors.Is(err, ingest.ErrNotCommitted),
		errors.Is(err, export.ErrNotAggregated):
		result.Status = http.StatusConflict
	}
	return result
}

// Load loads a log that is read from body.
func (m *mill) Load(ctx context.Context, name, source string, body io.Reader) serve.Result {
	one, stdout, _ := m.command(strings.NewReader(""))
	one.flags.json = true
	options, err := one.loadOptions(source)
	if err == nil {
		_, err = one.loadFiles(ctx, []ingest.Input{{Name: name, Reader: body}}, options)
	}
	err = errors.Join(err, one.stdout.Close())
	return resultOf(one, stdout.Bytes(), err)
}

// loadSegment loads a file of the spool. What it rejects was looked at when it was accepted: the source has changed
// since, and `creditmill rejects` shows it. So no number of rejects keeps the rest from counting, and neither does
// another source that was sent the same rows.
func (m *mill) loadSegment(ctx context.Context, segment serve.Segment) error {
	return m.alone(ctx, func(one *app) (err error) {
		file, err := os.Open(segment.Path)
		if err != nil {
			return fmt.Errorf("open segment: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		options, err := one.loadOptions(segment.Source)
		if err != nil {
			return err
		}
		options.MaxRejects = ingest.MaxRejects{Set: true, Limit: 100, Percent: true}
		options.AllRejected, options.Again = true, true
		loading := m.live.loading(segment.Number)
		results, err := one.loadFiles(ctx, []ingest.Input{{Name: segment.Name, Reader: file}}, options)
		if err != nil && exitCode(err) == exitPartial {
			err = nil
		}
		loading(results, err)
		return err
	})
}

// gone is told of a segment that was set aside.
func (m *mill) gone(segment int64) { m.live.gone(segment) }

// Took is told of events that are on disk.
func (m *mill) Took(source string, events []schemas.Event, segment int64) {
	m.live.took(source, events, segment)
}

// Entitled answers as `entitled --fresh`, from memory where it can.
func (m *mill) Entitled(ctx context.Context, asked serve.Asked) (result serve.Result, fromMemory bool) {
	one, stdout, _ := m.command(strings.NewReader(""))
	one.flags.json = true
	_, catalog, _, err := m.live.begin(ctx)
	var query aggregate.EntitledQuery
	if err == nil {
		one.openCatalog = catalog
		query, err = one.entitledQuery(asked.Customer, asked.Feature, cmp.Or(asked.Required, "1"), asked.Pool)
	}
	if err == nil {
		var answer aggregate.Entitlement
		if answer, fromMemory, err = m.live.entitled(ctx, query); err == nil {
			err = one.print(newEntitledResult(answer, query.Required), nil)
		}
	}
	err = errors.Join(err, one.stdout.Close())
	result = resultOf(one, stdout.Bytes(), err)
	if errors.Is(err, errNotCounted) {
		result.Status = http.StatusServiceUnavailable
	}
	return result, fromMemory
}

// Check reads rows of JSON Lines as a load would.
func (m *mill) Check(ctx context.Context, sourceID string, rows []byte) ([]serve.Checked, error) {
	source, err := m.source(sourceID)
	if err != nil {
		return nil, err
	}
	if source.Format != "" && source.Format != schemas.FormatJSONL {
		return nil, fmt.Errorf("source %s is of %s files: rows that are sent one by one are JSON; load its files", sourceID,
			source.Format)
	}
	if source.Fields.EventID.Kind == schemas.FieldRow {
		return nil, fmt.Errorf("source %s makes ids of a file's rows: an event that is sent again would count twice; "+
			"load its files", sourceID)
	}
	input := ingest.Input{Name: "events.jsonl", Reader: bytes.NewReader(rows)}
	preview, err := ingest.ReadPreview(ctx, input, ingest.Options{
		Source: source, MaxLineBytes: m.app.config.Ingest.MaxLineBytes,
	}, maxCheckedRows)
	if err != nil {
		return nil, err
	}
	checked := make([]serve.Checked, 0, len(preview.Rows))
	for _, row := range preview.Rows {
		checked = append(checked, serve.Checked{
			Row: int(ingest.RowNumber(row.RowNumber).Line()), Event: row.Event, Field: row.Field, Reason: row.Reason,
		})
	}
	return checked, nil
}

// maxCheckedRows is more than one request can bring.
const maxCheckedRows = 10_000_000
