package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// Codes of the engine's errors.
const (
	codeSessionLimit    = 700
	codeTooManyArgs     = 35
	codeArgumentsNumber = 42
	codeArgumentType    = 43
)

// TestStrangerCannotLogIn: the user without a password is the engine's own start-up session, and no second one.
func TestStrangerCannotLogIn(t *testing.T) {
	w := open(t, t.TempDir())
	defer func() { check(t, w.Close()) }()
	stranger := connectAs(t, w, "default", "", "default")
	refusals := 0
	for range 10 {
		err := stranger.Exec(context.Background(), "SELECT 1")
		if err == nil {
			t.Fatal("a stranger may run SELECT 1")
		}
		var refused *clickhouse.Exception
		if errors.As(err, &refused) && refused.Code == codeSessionLimit {
			refusals++
		}
	}
	if refusals == 0 {
		t.Errorf("no refusal has code %d", codeSessionLimit)
	}
	for _, user := range []string{"start", "creditmill", "analyst", "nobody"} {
		if err := connectAs(t, w, user, "", "default").Exec(context.Background(), "SELECT 1"); err == nil {
			t.Errorf("%s needs no password", user)
		}
	}
}

func TestHTTPIsClosedUntilAskedFor(t *testing.T) {
	w := open(t, t.TempDir())
	defer func() { check(t, w.Close()) }()
	if address := w.AnalystAddresses().HTTP; address != "" {
		t.Errorf("HTTP is said to be open at %s", address)
	}
	address := w.HTTPAddress()
	if conn, err := net.Dial("tcp", address); err == nil {
		check(t, conn.Close())
		t.Fatal("the HTTP port is open unasked")
	}
	opened, err := w.OpenHTTP(context.Background())
	check(t, err)
	if opened != "http://"+address {
		t.Errorf("it opened %s, want http://%s", opened, address)
	}
	password := w.AnalystAddresses().Password
	tests := []struct {
		name, user, password, query string
		want                        string
	}{
		{"analyst", "analyst", password, "?query=SELECT+1", "1\n"},
		{"analyst, open to web pages", "analyst", password, "?query=SELECT+1&add_http_cors_header=1", "Code: 452"},
		{"analyst, a schema", "analyst", password, "?query=SELECT+1&output_format_schema=/tmp/x", "Code: 452"},
		{"analyst, a file", "analyst", password, "?query=SELECT+file('/dev/null')", "getcwd"},
		{"stranger", "", "", "?query=SELECT+1", "Code: 700"},
		{"stranger, a file", "", "", "?query=SELECT+file('/dev/null')", "Code: 700"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body, cors := get(t, opened+"/"+test.query, test.user, test.password)
			if !strings.Contains(body, test.want) || test.want == "1\n" && body != test.want {
				t.Errorf("the answer is %q, want %q", body, test.want)
			}
			if cors != "" {
				t.Errorf("the answer is open to web pages of %s", cors)
			}
		})
	}
}

// TestEngineEnvironment: what this process's environment holds stays out of the engine's, but for what it needs.
func TestEngineEnvironment(t *testing.T) {
	t.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_secret")
	t.Setenv("TZ", "UTC")
	w := open(t, t.TempDir())
	defer func() { check(t, w.Close()) }()
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", w.EnginePID()))
	check(t, err)
	known := map[string]bool{
		"LANG": true, "LC_ALL": true, "LD_LIBRARY_PATH": true, "TMPDIR": true, "TZ": true,
		"GOGC": true, // set by creditmill itself
	}
	variables := strings.Split(strings.TrimRight(string(environment), "\x00"), "\x00")
	for _, variable := range variables {
		if name, _, _ := strings.Cut(variable, "="); !known[name] {
			t.Errorf("the engine knows %s", name)
		}
	}
}

// TestNothingReachesOutside tries every function of the running engine, of tables and of values, with a path as
// arguments of all numbers, as creditmill and as the analyst (who is the user of the command sql); and every engine of
// tables and databases. What an update of the engine brings is tried with the others. The file that is named must not
// be read, and none may be written. What the engine refuses to creditmill for the number or type of its arguments is no
// statement for anybody, and is not tried as the analyst, who may less.
func TestNothingReachesOutside(t *testing.T) {
	directory := t.TempDir()
	w, err := warehouse.Open(context.Background(), warehouse.Config{DSN: "embedded:" + filepath.Join(directory, "w")})
	check(t, err)
	defer func() { check(t, w.Close()) }()
	analyst, err := w.Analyst()
	check(t, err)
	defer func() { check(t, analyst.Close()) }()
	outside := filepath.Join(directory, "outside")
	check(t, os.Mkdir(outside, 0o700))
	secret := filepath.Join(outside, "secret.csv")
	const inside = "sw0rd7f1sh" // obfuscateQuery makes texts of words
	check(t, os.WriteFile(secret, []byte(inside+"\n"), 0o600))
	statements := reachingStatements(t, w, secret, outside)
	if len(statements) < 25_000 {
		t.Errorf("there are %d statements to try, want at least 25000", len(statements))
	}
	try := func(name string, conn clickhouse.Conn, statements []string) (left []string) {
		for _, statement := range statements {
			answer, err := readAll(conn, statement)
			if strings.Contains(answer, inside) || err != nil && strings.Contains(err.Error(), inside) {
				t.Errorf("%s reads a file: %s\n%s %v", name, statement, answer, err)
			}
			if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
				t.Errorf("files are written, maybe by %s: %s (%v)", name, statement, err)
				return nil
			}
			if !neverRuns(err) {
				left = append(left, statement)
			}
		}
		return left
	}
	middle := len(statements) / 2
	for !strings.HasPrefix(statements[middle], "SELECT toString(") { // these do not depend on each other
		middle--
	}
	var halves [2][]string
	var both sync.WaitGroup
	for i, half := range [][]string{statements[:middle], statements[middle:]} {
		both.Go(func() { halves[i] = try("creditmill", w.Conn(), half) })
	}
	both.Wait()
	if len(halves[0]) == 0 || len(halves[1]) == 0 {
		t.Error("no statement gets as far as to run")
	}
	for _, half := range halves {
		both.Go(func() { try("analyst", analyst, half) })
	}
	both.Wait()
}

// reachingStatements are all ways in which a statement may name a file.
func reachingStatements(t *testing.T, w *warehouse.Warehouse, secret, outside string) []string {
	t.Helper()
	q := func(text string) string { return "'" + text + "'" }
	into := q(filepath.Join(outside, "written"))
	arguments := reachingArguments(secret)
	var statements []string
	for _, name := range names(t, w, "SELECT name FROM system.table_functions ORDER BY name") {
		for _, argument := range arguments {
			statements = append(statements, "SELECT * FROM "+name+"("+argument+") LIMIT 3")
		}
		for _, target := range []string{into, q("file://" + outside + "/written"), q(filepath.Base(outside) + "/written")} {
			statements = append(statements, "INSERT INTO FUNCTION "+name+"("+target+", 'CSV', 'a String') SELECT 'x'",
				"INSERT INTO FUNCTION "+name+"("+target+") SELECT 'x'")
		}
	}
	functions := names(t, w, "SELECT name FROM system.functions WHERE NOT is_aggregate AND alias_to = '' "+
		"AND NOT startsWith(name, 'sleep') ORDER BY name")
	for _, name := range functions {
		for _, argument := range []string{
			q(secret), q(secret) + ", ''", q(secret) + ", NULL", q(secret) + ", 1", q("x") + ", " + q(secret),
			q(secret) + ", 'a', 'b'", q("x") + ", " + q(secret) + ", 1, 2", q("x") + ", 'y', " + q(secret) + ", 'z'",
			"[" + q(secret) + "]", "materialize(" + q(secret) + ")", q("file://" + secret), "1, " + q(secret),
		} {
			// A path that comes back is no file, and what a function makes of it is of no interest.
			statements = append(statements, "SELECT toString("+name+"("+argument+"))")
		}
	}
	for _, name := range names(t, w, "SELECT name FROM system.table_engines ORDER BY name") {
		table := "reach_" + name
		for i, argument := range []string{
			"", "CSV", q("CSV"), q(secret), q("CSV") + ", " + q(secret), q("file://"+secret) + ", 'CSV'",
			q(secret) + ", 'CSV', 'none'", q("127.0.0.1:1") + ", 'd', 't', 'u', 'p'", q(outside) + ", 1, 2, 3",
			q("cat "+secret) + ", 'CSV'", q(secret) + ", 'a', 'b', 'c', 'd', 'e'",
		} {
			created := fmt.Sprintf("%s_%d", table, i)
			statements = append(statements, "CREATE TABLE "+created+" (a String) ENGINE = "+name+"("+argument+")",
				"SELECT * FROM "+created, "INSERT INTO "+created+" VALUES ('x')")
		}
		statements = append(statements, "ATTACH TABLE "+table+"_a FROM "+q(outside)+" (a String) ENGINE = "+name)
	}
	for _, name := range names(t, w, "SELECT name FROM system.database_engines ORDER BY name") {
		for i, argument := range []string{
			q(outside), q(secret), "", q(outside+"/d.db") + ", 'x'", q("127.0.0.1:1") + ", 'd', 'u', 'p'",
			"File(" + q(secret) + ")", q("d") + ", File(" + q(secret) + ")",
		} {
			created := fmt.Sprintf("reach_%s_%d", name, i)
			statements = append(statements, "CREATE DATABASE "+created+" ENGINE = "+name+"("+argument+")",
				"SELECT * FROM "+created+".`secret.csv`", "SELECT * FROM "+created+".`"+secret+"`")
		}
	}
	return append(statements, otherReachingStatements(secret, outside)...)
}

// TestSettingsThatNameFiles: a setting of an update that names a file must be looked at by a person, and locked in
// engineUsersXML if it reaches outside.
func TestSettingsThatNameFiles(t *testing.T) {
	w := warehousetest.New(t)
	found := names(t, w, "SELECT name FROM system.settings WHERE type = 'String' "+
		"AND match(name, 'path|file|dir|url|schema') ORDER BY name")
	want := []string{ // the locked ones are input_format_record_errors_file_path and output_format_schema
		"column_names_for_schema_inference", "distributed_cache_file_cache_name", "filesystem_cache_name", "format_schema",
		"format_schema_message_name", "format_schema_source", "input_format_record_errors_file_path",
		"local_filesystem_read_method", "output_format_schema", "remote_filesystem_read_method",
		"rename_files_after_processing", "s3queue_default_zookeeper_path", "schema_inference_hints",
		"temporary_files_codec", "trace_profile_events_list", "url_base",
	}
	if !slices.Equal(found, want) {
		t.Errorf("settings with text that may name a file: %q, known are %q", found, want)
	}
}
