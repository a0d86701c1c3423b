package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/creditmill/creditmill/sql"
)

// fixtureOfSchema unpacks a data directory that an earlier version left, and what it showed of it.
func fixtureOfSchema(t *testing.T, archive string) (folder string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was read to its end
	plain, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	folder = t.TempDir()
	for entries := tar.NewReader(plain); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return folder
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := unpackEntry(filepath.Join(folder, filepath.Clean("/"+entry.Name)), entry, entries); err != nil {
			t.Fatalf("%s: %s: %v", archive, entry.Name, err)
		}
	}
}

func unpackEntry(path string, entry *tar.Header, content io.Reader) error {
	switch entry.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o700)
	case tar.TypeSymlink:
		return os.Symlink(entry.Linkname, path)
	case tar.TypeReg:
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Close())
	}
	return errors.New("an entry of another kind")
}

// TestUpgradeFromEachSchema opens the data directory of each earlier version, which migrates it: all figures are as
// that version showed them, every check holds, what was loaded is known, and it can be worked with.
func TestUpgradeFromEachSchema(t *testing.T) {
	archives, err := filepath.Glob("../../testdata/upgrade/schema-*.tar.zst")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no fixture of an earlier version: %v", err)
	}
	latest := sql.Migrations()
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			library, err := engineLibrary()
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("CREDITMILL_ENGINE_LIBRARY", library)
			p := &program{directory: filepath.Join(fixtureOfSchema(t, archive), "creditmill-data")}
			p.dsn = "embedded:" + p.directory
			w := p.open(t, 0) // the engine stays for all commands
			p.wantFile(t, "balances.json", "balance", "--at", "2026-11-06", "--json")
			applied, err := w.Applied(t.Context())
			if err != nil || len(applied) != len(latest) {
				t.Fatalf("%d of %d migrations are applied: %v", len(applied), len(latest), err)
			}
			p.want(t, exitOK, "verify", "--deep")
			p.want(t, exitOK, "verify", "--invoices")
			p.wantFile(t, "loads.json", "sql", "--json",
				"SELECT load_id, file, sha256, status, rows_loaded, rows_duplicate FROM v_loads ORDER BY load_id")
			p.wantFile(t, "charges.json", "sql", "--json",
				"SELECT charge_id, customer_id, amount_minor, state FROM v_charges ORDER BY charge_id")
			p.wantWords(t, exitOK, []string{"already_loaded"}, "load", "2-pro.jsonl")
			p.write(t, "new.jsonl", event("after-upgrade", 1))
			p.want(t, exitOK, "load", "new.jsonl")
			p.want(t, exitOK, "aggregate", "--as-of", "2026-11-06")
			p.want(t, exitOK, "verify")
		})
	}
}

// TestNewerSchemaIsRefused: a program that is older than the warehouse says so and touches nothing.
func TestNewerSchemaIsRefused(t *testing.T) {
	p, w := newProgram(t)
	p.want(t, exitOK, "status")
	err := w.Conn().Exec(t.Context(),
		"INSERT INTO schema_migrations (number, name, sha256) VALUES (9999, '9999_new.sql', 'x')")
	if err != nil {
		t.Fatal(err)
	}
	p.wantWords(t, exitWarehouse, []string{"a newer creditmill migrated it (9999_new.sql); update creditmill"}, "balance")
}

// wantFile runs a command, whose JSON must have all that is in a file beside the warehouse: later versions show more.
func (p *program) wantFile(t *testing.T, name string, arguments ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(p.directory), name))
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := p.run(t, p.dsn, arguments...)
	var want, got []map[string]any
	err = errors.Join(json.Unmarshal(text, &want), json.Unmarshal([]byte(stdout), &got))
	if code != exitOK || err != nil || len(want) == 0 || len(got) != len(want) {
		t.Fatalf("%s: exit code %d, %v: %s%s, want %s", strings.Join(arguments, " "), code, err, stdout, stderr, text)
	}
	for i, row := range want {
		for key, value := range row {
			if !reflect.DeepEqual(got[i][key], value) {
				t.Errorf("%s: %s of row %d is %v, was %v", strings.Join(arguments, " "), key, i, got[i][key], value)
			}
		}
	}
}
