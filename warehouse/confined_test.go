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
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const codeSessionLimit = 700

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
	known := map[string]bool{"LANG": true, "LC_ALL": true, "LD_LIBRARY_PATH": true, "TMPDIR": true, "TZ": true}
	variables := strings.Split(strings.TrimRight(string(environment), "\x00"), "\x00")
	for _, variable := range variables {
		if name, _, _ := strings.Cut(variable, "="); !known[name] {
			t.Errorf("the engine knows %s", name)
		}
	}
}

// TestNothingReachesOutside tries every function of the running engine, of tables and of values, with a path as
// arguments of all numbers, as the analyst (who is the user of the command sql) and as creditmill; and every engine of
// tables and databases as creditmill. What an update of the engine brings is tried with the others. The file that is
// named must not be read, and none may be written.
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
	check(t, os.WriteFile(secret, []byte("swordfish\n"), 0o600))
	users := map[string]clickhouse.Conn{"analyst": analyst, "creditmill": w.Conn()}
	tried := 0
	for _, statement := range reachingStatements(t, w, secret, outside) {
		for name, conn := range users {
			answer, err := readAll(conn, statement)
			if strings.Contains(answer, "swordfish") || err != nil && strings.Contains(err.Error(), "swordfish") {
				t.Errorf("%s reads a file: %s\n%s %v", name, statement, answer, err)
			}
			tried++
			if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
				t.Errorf("%s writes files: %s (%v)", name, statement, err)
				check(t, os.RemoveAll(outside))
				check(t, os.Mkdir(outside, 0o700))
				check(t, os.WriteFile(secret, []byte("swordfish\n"), 0o600))
			}
		}
	}
	if tried < 4000 {
		t.Errorf("%d statements were tried, want at least 4000", tried)
	}
}

// reachingStatements are all ways in which a statement may name a file.
func reachingStatements(t *testing.T, w *warehouse.Warehouse, secret, outside string) []string {
	t.Helper()
	q := func(text string) string { return "'" + text + "'" }
	into := q(filepath.Join(outside, "written"))
	arguments := []string{
		q(secret), q(secret) + ", 'CSV'", q(secret) + ", 'CSV', 'a String'", q("file://"+secret) + ", 'CSV', 'a String'",
		q(secret) + ", NULL", q(secret) + ", 1", q(secret) + ", 'a'", q(secret) + ", 'a', 1",
		q("cat") + ", 'CSV', 'a String'", q("default") + ", " + q(secret) + ", 'CSV', 'a String'",
	}
	var statements []string
	for _, name := range names(t, w, "SELECT name FROM system.table_functions ORDER BY name") {
		for _, argument := range arguments {
			statements = append(statements, "SELECT * FROM "+name+"("+argument+") LIMIT 3")
		}
		statements = append(statements, "INSERT INTO FUNCTION "+name+"("+into+", 'CSV', 'a String') SELECT 'x'",
			"INSERT INTO FUNCTION "+name+"("+q("file://"+outside+"/written")+", 'CSV', 'a String') SELECT 'x'")
	}
	functions := names(t, w, "SELECT name FROM system.functions WHERE NOT is_aggregate AND alias_to = '' "+
		"AND NOT startsWith(name, 'sleep') ORDER BY name")
	for _, name := range functions {
		for _, argument := range []string{q(secret), q(secret) + ", ''", q(secret) + ", NULL", q(secret) + ", 1"} {
			// A path that comes back is no file, and what a function makes of it is of no interest.
			statements = append(statements, "SELECT toString("+name+"("+argument+"))")
		}
	}
	for _, name := range names(t, w, "SELECT name FROM system.table_engines ORDER BY name") {
		table := "reach_" + name
		statements = append(statements, "CREATE TABLE "+table+" (a String) ENGINE = "+name+"("+q(secret)+")",
			"CREATE OR REPLACE TABLE "+table+"_2 (a String) ENGINE = "+name+"('CSV', "+q(secret)+")",
			"SELECT * FROM "+table, "SELECT * FROM "+table+"_2")
	}
	for _, name := range names(t, w, "SELECT name FROM system.database_engines ORDER BY name") {
		statements = append(statements, "CREATE DATABASE reach_"+name+" ENGINE = "+name+"("+q(outside)+")",
			"SELECT * FROM reach_"+name+".`secret.csv`")
	}
	return append(statements,
		"SELECT * FROM default.`"+secret+"`", "SELECT * FROM `"+secret+"`",
		"SELECT 'x' INTO OUTFILE "+into,
		"BACKUP DATABASE creditmill TO File("+into+")", "BACKUP DATABASE creditmill TO Disk('default', "+into+")",
		"CREATE FUNCTION reach AS (a) -> file(a)", "SELECT reach("+q(secret)+")",
		"CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(PATH "+q(secret)+" FORMAT 'CSV')) "+
			"LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)", "SELECT * FROM d",
		"SELECT * FROM format(JSONEachRow, 'a Int8', '{\"a\":\"x\"}') SETTINGS input_format_allow_errors_num = 1, "+
			"input_format_record_errors_file_path = "+into,
		"SELECT * FROM format(Protobuf, 'a Int8', 'x') SETTINGS format_schema = "+q(secret+":m"),
		"ATTACH TABLE reach_attached FROM "+q(outside)+" (a String) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE reach_disk (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = "+
			q(outside+"/")+")",
		"SELECT * FROM system.server_settings", "SELECT * FROM system.processes",
	)
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
