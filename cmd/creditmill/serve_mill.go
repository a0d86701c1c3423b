package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/serve"
)

// mill runs commands for serve, in this process and on its warehouse.
type mill struct {
	app *app
	// writing is held by whoever writes.
	writing chan struct{}
}

func newMill(a *app) *mill { return &mill{app: a, writing: make(chan struct{}, 1)} }

// turn waits until nobody else in this process writes.
func (m *mill) turn(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, turnLasts)
	defer cancel()
	select {
	case m.writing <- struct{}{}:
		return func() { <-m.writing }, nil
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
	switch {
	case errors.Is(err, ingest.ErrNoLoad):
		result.Status = http.StatusNotFound
	case errors.Is(err, plan.ErrChanged), errors.Is(err, ingest.ErrNotCommitted):
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

// loadOptions are those of the config for a source's id; empty for that of plain rows.
func (a *app) loadOptions(sourceID string) (ingest.Options, error) {
	if sourceID == "" {
		sourceID = defaultSource
	}
	source, err := a.source(sourceID)
	if err != nil {
		return ingest.Options{}, err
	}
	options := ingest.Options{
		Source: source, MaxLineBytes: a.config.Ingest.MaxLineBytes, MaxRejects: a.config.Ingest.MaxRejects,
	}
	options.Others, _ = schemas.ParseSources(a.config.File, a.config.Text) // source has returned its problems
	return options, nil
}

// loadSegment loads a file of the spool. What it rejects was looked at when it was accepted: the source has changed
// since, and `creditmill rejects` shows it. So no number of rejects keeps the rest from counting, and neither does
// another source that was sent the same rows.
func (m *mill) loadSegment(ctx context.Context, name, source, path string) error {
	return m.alone(ctx, func(one *app) (err error) {
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open segment: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		options, err := one.loadOptions(source)
		if err != nil {
			return err
		}
		options.MaxRejects, options.Again = ingest.MaxRejects{}, true
		_, err = one.loadFiles(ctx, []ingest.Input{{Name: name, Reader: file}}, options)
		if err != nil && exitCode(err) == exitPartial {
			return nil
		}
		return err
	})
}

// Check reads rows of JSON Lines as a load would.
func (m *mill) Check(ctx context.Context, sourceID string, rows []byte) ([]serve.Checked, error) {
	if sourceID == "" {
		sourceID = defaultSource
	}
	source, err := m.app.source(sourceID)
	if err != nil {
		return nil, err
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
		one := serve.Checked{Row: int(ingest.RowNumber(row.RowNumber).Line()), Field: row.Field, Reason: row.Reason}
		if row.Event != nil {
			one.Customer = row.Event.CustomerID
		}
		checked = append(checked, one)
	}
	return checked, nil
}

// maxCheckedRows is more than one request can bring.
const maxCheckedRows = 10_000_000
