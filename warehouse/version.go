package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	chproto "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// MinimumVersion is the oldest server that has all that the statements use: views with a definer (24.2) and grants by
// prefix (24.11).
const MinimumVersion = "25.3"

func versionText(v chproto.Version) string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// checkVersion returns ErrTooOld where the version is below MinimumVersion, or is none at all.
func checkVersion(version, name string) error {
	if compareVersions(version, MinimumVersion) >= 0 {
		return nil
	}
	return fmt.Errorf("use warehouse %s: it runs ClickHouse %s, creditmill needs %s or newer; "+
		"update the server, or use embedded:DIR: %w", name, version, MinimumVersion, ErrTooOld)
}

// compareVersions compares dotted numbers; what is missing or no number counts as 0.
func compareVersions(a, b string) int {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(left), len(right)) {
		if difference := versionPart(left, i) - versionPart(right, i); difference != 0 {
			return difference
		}
	}
	return 0
}

func versionPart(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	number, err := strconv.Atoi(parts[i])
	if err != nil {
		return 0
	}
	return number
}

// explainConnect turns the client's error at the first contact into one of this package's, without any password in
// it.
func (w *Warehouse) explainConnect(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connect to warehouse %s: %w", w.target, context.Cause(ctx))
	}
	var exception *clickhouse.Exception
	if errors.As(cause, &exception) {
		switch exception.Code {
		case codeAuthenticationFailed, codeUnknownUser, codeWrongPassword, codeRequiredPassword:
			return fmt.Errorf("log in to warehouse %s: user name or password is wrong (server's code %d): %w",
				w.target, exception.Code, ErrUnreachable)
		case codeUnknownDatabase:
			return w.noDatabase()
		}
	}
	if w.databaseMissing(ctx) {
		return w.noDatabase()
	}
	return fmt.Errorf("connect to warehouse %s: %w: %w", w.target, ErrUnreachable, withAdvice(cause))
}

func (w *Warehouse) noDatabase() error {
	return fmt.Errorf("connect to warehouse %s: there is no database %q; create it first: %w",
		w.target, w.target.database, ErrUnreachable)
}

// databaseMissing asks by another way in: a server may close the connection before it has told that the database is
// not there.
func (w *Warehouse) databaseMissing(ctx context.Context) bool {
	conn, err := clickhouse.Open(w.clientOptions("default"))
	if err != nil {
		return false
	}
	defer conn.Close() //nolint:errcheck // nothing was written through it
	var found uint64
	ctx = withParams(ctx, Params{"database": w.target.database})
	err = conn.QueryRow(ctx, text("warehouse/database_count.sql")).Scan(&found)
	return err == nil && found == 0
}

// Error codes of ClickHouse.
const (
	codeUnknownDatabase      = 81
	codeUnknownUser          = 192
	codeWrongPassword        = 193
	codeRequiredPassword     = 194
	codeAborted              = 236 // the engine is shutting down
	codeAuthenticationFailed = 516
)
