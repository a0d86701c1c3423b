package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/warehouse"
)

// sentAtOnce is how many files of a backup are on their way at once.
const sentAtOnce = 8

// backupData is before the path of a file of the engine.
const backupData = warehouse.BackupData + "/"

// backupPlace is where a backup is in object storage: a prefix with what its folder would hold.
type backupPlace struct {
	bucket *objects.Bucket
	at     objects.Location
	fault  func(point string)
}

// openPlace reads s3://bucket/prefix, with a slash behind it or not.
func (a *app) openPlace(ctx context.Context, verb, url string) (*backupPlace, error) {
	at, err := objects.Parse(url)
	if err == nil && at.IsPattern() {
		err = errors.New("a backup is a prefix, not a pattern")
	}
	if err != nil {
		return nil, usagef("%s %s: %w", verb, url, err)
	}
	if !at.IsPrefix() {
		at.Path += "/"
	}
	bucket, err := objects.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	fault := crashAt(os.Getenv(crashVariable))
	if fault == nil {
		fault = func(string) {}
	}
	return &backupPlace{bucket: bucket, at: at, fault: fault}, nil
}

// list has every object of the place by its path below it.
func (p *backupPlace) list(ctx context.Context) (map[string]objects.Object, error) {
	found := map[string]objects.Object{}
	return found, p.bucket.List(ctx, func(o objects.Object) error {
		found[strings.TrimPrefix(o.Key, p.at.Path)] = o
		return nil
	})
}

// mustBeEmpty refuses a place with anything in it: an earlier backup, or what one left that was cut short.
func (p *backupPlace) mustBeEmpty(ctx context.Context) error {
	found, err := p.list(ctx)
	if err == nil && len(found) > 0 {
		return fmt.Errorf("back up to %s: %w: there is something (%s); each backup needs a new prefix", p.at,
			warehouse.ErrBackup, counted(int64(len(found)), "object"))
	}
	return err
}

// send stores the files of the backup in the folder.
func (p *backupPlace) send(ctx context.Context, folder string, m warehouse.Manifest) error {
	sending, ctx := errgroup.WithContext(ctx)
	sending.SetLimit(sentAtOnce)
	for _, file := range m.Files {
		sending.Go(func() error { return p.sendFile(ctx, folder, backupData+file.Path) })
	}
	return sending.Wait()
}

// finish compares what is there with the manifest, and stores that, last.
func (p *backupPlace) finish(ctx context.Context, folder string, m warehouse.Manifest) error {
	found, err := p.list(ctx)
	if _, there := found[warehouse.ManifestFile]; err == nil && there {
		err = fmt.Errorf("%w: another backup was made there meanwhile; give each a prefix of its own", warehouse.ErrBackup)
	}
	if err == nil {
		err = p.sameFiles(found, m)
	}
	if err != nil {
		return err
	}
	p.fault("backup files sent")
	if err := p.sendFile(ctx, folder, warehouse.ManifestFile); err != nil {
		return err
	}
	p.fault("backup manifest sent")
	return nil
}

func (p *backupPlace) sendFile(ctx context.Context, folder, name string) error {
	file, err := os.Open(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := p.bucket.Put(ctx, p.at.Path+name, file, info.Size()); err != nil {
		return err
	}
	p.fault("backup file sent")
	return nil
}

// sameFiles refuses what has other files than the manifest, or of other sizes.
func (p *backupPlace) sameFiles(found map[string]objects.Object, m warehouse.Manifest) error {
	for _, file := range m.Files {
		object, exists := found[backupData+file.Path]
		switch {
		case !exists:
			return fmt.Errorf("%w: %s is missing", warehouse.ErrBackup, p.at.URL(p.at.Path+backupData+file.Path))
		case object.Bytes != uint64(file.Bytes):
			return fmt.Errorf("%w: %s has %d bytes, not %d", warehouse.ErrBackup, object.URL(), object.Bytes, file.Bytes)
		}
		delete(found, backupData+file.Path)
	}
	delete(found, warehouse.ManifestFile)
	for _, extra := range found {
		return fmt.Errorf("%w: %s is not one of it", warehouse.ErrBackup, extra.URL())
	}
	return nil
}

// mustBeBackup lists the place, and refuses one without a manifest.
func (p *backupPlace) mustBeBackup(ctx context.Context) (map[string]objects.Object, error) {
	found, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	if _, exists := found[warehouse.ManifestFile]; !exists {
		return nil, fmt.Errorf("restore from %s: %w: it has no %s, which is written last: it was not finished, or it is none",
			p.at, warehouse.ErrBackup, warehouse.ManifestFile)
	}
	return found, nil
}

// fetchManifest stores the manifest of the place in the folder, and reads it.
func (p *backupPlace) fetchManifest(ctx context.Context, found map[string]objects.Object, folder string) (
	warehouse.Manifest, error,
) {
	if err := p.fetchFile(ctx, found[warehouse.ManifestFile], folder, warehouse.ManifestFile); err != nil {
		return warehouse.Manifest{}, err
	}
	return warehouse.ReadManifest(folder)
}

// fetch stores the files of the manifest in the folder. Their hashes are compared by whoever restores them.
func (p *backupPlace) fetch(ctx context.Context, found map[string]objects.Object, folder string) error {
	fetching, ctx := errgroup.WithContext(ctx)
	fetching.SetLimit(sentAtOnce)
	for name, object := range found {
		if name != warehouse.ManifestFile {
			fetching.Go(func() error { return p.fetchFile(ctx, object, folder, name) })
		}
	}
	return fetching.Wait()
}

func (p *backupPlace) fetchFile(ctx context.Context, object objects.Object, folder, name string) (err error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%w: %s is no name of a file of it", warehouse.ErrBackup, object.URL())
	}
	to := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	body, err := object.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // it was read to its end, or there is an error already
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err = errors.Join(err, file.Close()); err == nil {
		p.fault("restore file fetched")
	}
	return err
}

// transfer is a folder for a backup on its way, until it is left again.
func (a *app) transfer(ctx context.Context, w *warehouse.Warehouse) (folder string, leave func() error, err error) {
	free, err := w.Lock(ctx, warehouse.TransferLock)
	if err != nil {
		return "", nil, err
	}
	if folder, err = w.Transfer(); err != nil {
		free()
		return "", nil, err
	}
	return folder, func() error {
		defer free()
		return os.RemoveAll(folder)
	}, nil
}

// backUpTo makes a backup beside the data and sends it on: the engine itself reaches nothing outside of this machine.
func (a *app) backUpTo(ctx context.Context, w *warehouse.Warehouse, url string, written func()) (
	made warehouse.Manifest, err error,
) {
	place, err := a.openPlace(ctx, "back up to", url)
	if err != nil {
		return made, err
	}
	if !w.Embedded() {
		return w.BackUp(ctx, url, written) // which refuses a server
	}
	if err := place.mustBeEmpty(ctx); err != nil {
		return made, err
	}
	folder, leave, err := a.transfer(ctx, w)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	if made, err = w.BackUp(ctx, folder, written); err != nil {
		return made, err
	}
	if err = place.mustBeEmpty(ctx); err != nil { // the copy took its time
		return made, err
	}
	if err = place.send(ctx, folder, made); err == nil {
		err = place.finish(ctx, folder, made)
	}
	if err != nil {
		err = fmt.Errorf("back up to %s: %w", place.at, err)
	}
	return made, err
}

// restoreFrom fetches a backup beside the data, and restores it from there. A warehouse that it does not fit is refused
// before its files are fetched.
func (a *app) restoreFrom(ctx context.Context, w *warehouse.Warehouse, place *backupPlace,
	found map[string]objects.Object,
) (m warehouse.Manifest, err error) {
	folder, leave, err := a.transfer(ctx, w)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	if m, err = place.fetchManifest(ctx, found, folder); err == nil {
		err = place.sameFiles(maps.Clone(found), m)
	}
	if err != nil {
		return m, fmt.Errorf("restore from %s: %w", place.at, err)
	}
	if err = w.CanRestore(ctx, m, place.at.String()); err != nil {
		return m, err
	}
	if err = place.fetch(ctx, found, folder); err == nil {
		m, err = w.Restore(ctx, folder, a.now())
	}
	if err != nil {
		err = fmt.Errorf("restore from %s: %w", place.at, err)
	}
	return m, err
}
