package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
)

// loadObject is a row of load_objects: an object that a load was made of.
type loadObject struct {
	LoadSeq    uint64    `ch:"load_seq"`
	URL        string    `ch:"url"`
	ETag       string    `ch:"etag"`
	SizeBytes  uint64    `ch:"size_bytes"`
	Modified   time.Time `ch:"modified_at"`
	SHA256     string    `ch:"sha256"`
	Source     string    `ch:"source"`
	FirstRow   uint64    `ch:"first_row"`
	Rows       uint64    `ch:"rows"`
	ContentSeq uint64    `ch:"content_load_seq"`
}

func newLoadObject(l *load, part Part, sha string) *loadObject {
	etag, modified := part.Remote.Version()
	if modified.IsZero() {
		modified = time.Unix(0, 0)
	}
	return &loadObject{
		LoadSeq: l.seq, URL: part.Name, ETag: etag, SizeBytes: part.Remote.Size(), Modified: modified, SHA256: sha,
		Source: l.source.ID, ContentSeq: l.seq,
	}
}

// leftOut is a part whose contents are not in the load.
type leftOut struct {
	part Part
	sha  string
	err  error
}

// objectVersion is what an object is known by without its contents.
type objectVersion struct {
	url, etag string
	size      uint64
}

// knownObject is a row of known_objects.sql.
type knownObject struct {
	URL       string `ch:"url"`
	ETag      string `ch:"etag"`
	SizeBytes uint64 `ch:"size_bytes"`
	Seq       uint64 `ch:"content_seq"`
	SHA256    string `ch:"content_sha"`
}

const objectsPerLookup = 10_000

// knownObjects returns those of the remote files that need not be read: their version was loaded by the source and
// counts, or where it is to be untried, was ever made a load of.
func (q *queue) knownObjects(ctx context.Context, inputs []Input) (map[objectVersion]knownObject, error) {
	known := map[objectVersion]knownObject{}
	var parts []Part
	for _, input := range inputs {
		parts = append(parts, input.Parts...)
		if input.Remote != nil {
			parts = append(parts, Part{input.Name, input.Remote})
		}
	}
	slices.SortFunc(parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	for len(parts) > 0 {
		step := parts[:min(len(parts), objectsPerLookup)]
		parts = parts[len(step):]
		listed := make(map[objectVersion]bool, len(step))
		for _, part := range step {
			listed[versionOf(part)] = true
		}
		params := warehouse.Params{
			"from": step[0].Name, "to": step[len(step)-1].Name, "source": q.options.Source.ID, "tried": q.options.Untried,
		}
		rows, err := warehouse.Select[knownObject](ctx, q.loader.config.Warehouse, "ingest/known_objects.sql", params)
		if err != nil {
			return nil, fmt.Errorf("look up objects: %w", err)
		}
		for _, row := range rows {
			if version := (objectVersion{row.URL, row.ETag, row.SizeBytes}); listed[version] {
				known[version] = row
			}
		}
	}
	return known, nil
}

func versionOf(part Part) objectVersion {
	etag, _ := part.Remote.Version()
	return objectVersion{part.Name, etag, part.Remote.Size()}
}

// knownContent is a file or object that counts: a row of known_contents.sql.
type knownContent struct {
	SHA256 string `ch:"content_sha"`
	Seq    uint64 `ch:"content_seq"`
	Source string `ch:"content_source"`
	Name   string `ch:"name"`
}

// knownContents returns the files and objects of each of the contents, the one that was loaded first at the beginning.
func knownContents(
	ctx context.Context, w *warehouse.Warehouse, shas []string,
) (map[string][]knownContent, error) {
	known := map[string][]knownContent{}
	if len(shas) == 0 {
		return known, nil
	}
	rows, err := warehouse.Select[knownContent](ctx, w, "ingest/known_contents.sql", warehouse.Params{"contents": shas})
	if err != nil {
		return nil, fmt.Errorf("look up loads by content: %w", err)
	}
	for _, row := range rows {
		known[row.SHA256] = append(known[row.SHA256], row)
	}
	return known, nil
}

// admitParts keeps the parts that are not known. Where none is left, it returns the result.
func (q *queue) admitParts(l *load, parts []Part) *Result {
	last, size := uint64(0), uint64(0)
	for _, part := range parts {
		found, isKnown := q.known[versionOf(part)]
		if !isKnown {
			l.parts = append(l.parts, part)
			continue
		}
		last, size = max(last, found.Seq), size+part.Remote.Size()
		l.objectsKnown++
	}
	if len(l.parts) > 0 {
		return nil
	}
	return &Result{
		LoadID: schemas.LoadID(last), File: l.file.name, Status: StatusAlreadyLoaded, Bytes: size,
		ObjectsKnown: l.objectsKnown, ElapsedMS: l.config.Now().Sub(l.started).Milliseconds(),
		Message: fmt.Sprintf("%d objects, the last of them as %s", l.objectsKnown, schemas.LoadID(last)),
	}
}

// knownVersion returns the result of an object that need not be read: its version is loaded.
func (q *queue) knownVersion(input Input, started time.Time) *Result {
	if input.Remote == nil {
		return nil
	}
	part := Part{input.Name, input.Remote}
	found, isKnown := q.known[versionOf(part)]
	if !isKnown {
		return nil
	}
	return &Result{
		LoadID: schemas.LoadID(found.Seq), File: part.Name, SHA256: found.SHA256, Status: StatusAlreadyLoaded,
		Bytes: part.Remote.Size(), ElapsedMS: q.loader.config.Now().Sub(started).Milliseconds(),
		Message: "not written since, loaded as " + schemas.LoadID(found.Seq),
	}
}

// storeObjects keeps which objects the load is made of: before it commits, or where it is given up for good.
func (l *load) storeObjects(ctx context.Context) error {
	if l.file.remote != nil {
		object := newLoadObject(l, Part{l.file.name, l.file.remote}, l.file.sha256())
		object.FirstRow, object.Rows = 1, l.tally.Lines()
		l.objects = []*loadObject{object}
	}
	return insertObjects(ctx, l.config.Warehouse, l.objects)
}

func insertObjects(ctx context.Context, w *warehouse.Warehouse, objects []*loadObject) error {
	if len(objects) == 0 {
		return nil
	}
	batch, err := w.Conn().PrepareBatch(w.Marked(ctx), strings.TrimSpace(sql.Text("ingest/insert_objects.sql")))
	if err != nil {
		return fmt.Errorf("insert objects: %w", err)
	}
	defer batch.Close()
	for _, object := range objects {
		if err := batch.AppendStruct(object); err != nil {
			return fmt.Errorf("insert objects: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert objects: %w", err)
	}
	return nil
}

// conservedObjects checks that every line of the load is that of one object, and every object is stored.
func (l *load) conservedObjects(ctx context.Context) error {
	if len(l.objects) == 0 {
		return nil
	}
	var stored, lines uint64
	err := l.config.Warehouse.QueryRow(ctx, "ingest/sum_objects.sql", warehouse.Params{"load_seq": l.seq}, &stored, &lines)
	if err != nil {
		return fmt.Errorf("read back objects of load %s: %w", schemas.LoadID(l.seq), err)
	}
	if stored != uint64(len(l.objects)) || lines != l.tally.Lines() {
		return fmt.Errorf("check load %s: %w: %d objects of %d lines were read, %d of %d are stored", schemas.LoadID(l.seq),
			ErrNotConserved, len(l.objects), l.tally.Lines(), stored, lines)
	}
	return nil
}

// recordLeftOut lists each part that was left out as a load that did not come in, so that it is missed until it is
// loaded or dismissed, and returns what is wrong with all of them.
func (l *load) recordLeftOut(ctx context.Context) error {
	var all []error
	for _, left := range l.leftOut {
		all = append(all, errors.Join(left.err, l.recordRefused(ctx, left)))
	}
	return errors.Join(all...)
}

func (l *load) recordRefused(ctx context.Context, left leftOut) error {
	refused := &load{
		config: l.config, source: l.source, started: l.started,
		file: &inputFile{name: left.part.Name, hash: sha256.New()},
	}
	refused.file.bytesRead = left.part.Remote.Size()
	if err := refused.takeNumber(ctx); err != nil {
		return err
	}
	defer refused.lease.Release()
	under, done := refused.lease.Under(ctx)
	defer done()
	if errors.Is(left.err, ErrUnreadable) { // it was tried
		refused.objects = []*loadObject{newLoadObject(refused, left.part, left.sha)}
	}
	if err := refused.record(under, statusDiscarded, totals{}, left.err.Error()); err != nil {
		return err
	}
	return insertObjects(under, l.config.Warehouse, refused.objects)
}

// overtaken returns errOvertaken where others have committed contents of parts since this load read them.
func (l *load) overtaken(ctx context.Context) error {
	if l.parts == nil {
		return nil
	}
	var own []string
	for _, object := range l.objects {
		if object.ContentSeq == l.seq {
			own = append(own, object.SHA256)
		}
	}
	for step := range slices.Chunk(own, partsPerStep) {
		known, err := knownContents(ctx, l.config.Warehouse, step)
		if err != nil {
			return err
		}
		for _, found := range known {
			if first, _ := l.sameContent(found); first != nil {
				return fmt.Errorf("%w: %s", errOvertaken, first)
			}
		}
	}
	return nil
}
