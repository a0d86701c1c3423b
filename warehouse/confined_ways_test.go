package warehouse_test

import (
	"path/filepath"
	"strings"
)

func quoted(text string) string { return "'" + text + "'" }

// reachingArguments are what a table function may be given to read a file: no argument to six, of texts that are a
// path, an address of one, a format, a structure and a program, and of identifiers.
func reachingArguments(secret string) []string {
	q := quoted
	arguments := []string{
		"", q(secret), "`" + secret + "`", "secret, filename = " + q(secret), q(secret) + ", NULL", q(secret) + ", 1",
		q(secret) + ", 'a', 1", q(filepath.Join("..", "..", "..", "..", secret)),
		"(SELECT " + q(secret) + ")", "materialize(" + q(secret) + "), 'CSV', 'a String'",
	}
	for _, place := range []string{
		secret, "file://" + secret, "local://" + secret, "cat",
		"cat " + secret, filepath.Dir(secret), filepath.Dir(secret) + "/*",
	} {
		arguments = append(arguments, q(place)+", 'CSV'", q(place)+", CSV", q(place)+", 'CSV', 'a String'",
			q(place)+", 'CSV', 'a String', 'none'", q(place)+", 'LineAsString', 'line String'", q(place)+", 'RawBLOB'",
			q(place)+", 'CSV', 'a String', (SELECT 1)", "default, "+q(place)+", 'CSV', 'a String'",
			q("default")+", "+q(place)+", 'CSV', 'a String'", "'CSV', "+q(place), "'a String', "+q(place),
			"structure = 'a String', path = "+q(place), "url = "+q(place)+", format = 'CSV'")
	}
	for count := 2; count <= 6; count++ {
		arguments = append(arguments, strings.Repeat(q(secret)+", ", count-1)+q(secret),
			q(secret)+strings.Repeat(", 'x'", count-1), "'127.0.0.1:1'"+strings.Repeat(", 'x'", count-1))
	}
	return arguments
}

// otherReachingStatements are the ways that no function and no engine of tables is.
func otherReachingStatements(secret, outside string) []string {
	q := quoted
	into := q(filepath.Join(outside, "written"))
	statements := []string{
		"SELECT * FROM default.`" + secret + "`", "SELECT * FROM `" + secret + "`",
		"SELECT * FROM `file://" + secret + "`",
		"SELECT 'x' INTO OUTFILE " + into, "SELECT 'x' INTO OUTFILE " + into + " TRUNCATE FORMAT CSV",
		"SELECT 'x' INTO OUTFILE " + into + " AND STDOUT",
		"INSERT INTO reach FROM INFILE " + q(secret) + " FORMAT CSV",
		"BACKUP DATABASE creditmill TO File(" + into + ")",
		"BACKUP DATABASE creditmill TO Disk('default', " + into + ")",
		"BACKUP TABLE creditmill.loads TO S3('http://127.0.0.1:1/b', 'k', 's')",
		"BACKUP ALL TO File(" + into + ") ASYNC", "RESTORE ALL FROM File(" + q(secret) + ")",
		"RESTORE TABLE creditmill.loads FROM Disk('default', " + q(secret) + ")",
		"CREATE FUNCTION reach AS (a) -> file(a)", "SELECT reach(" + q(secret) + ")",
		"CREATE FUNCTION reach_run ENGINE = Executable('cat', 'CSV')", "SYSTEM RELOAD FUNCTIONS",
		"SYSTEM RELOAD CONFIG",
		"SYSTEM RELOAD DICTIONARIES", "SYSTEM RELOAD USERS", "SYSTEM START LISTEN HTTP", "SYSTEM FLUSH LOGS",
		"SYSTEM UNFREEZE WITH NAME " + q(outside), "SYSTEM SYNC FILE CACHE",
		"SYSTEM DROP FORMAT SCHEMA CACHE FOR Protobuf",
		"CREATE NAMED COLLECTION reach_c AS url = " + q("file://"+secret) + ", format = 'CSV'",
		"SELECT * FROM url(reach_c)", "SELECT * FROM file(reach_c, path = " + q(secret) + ")",
		"SELECT * FROM format(JSONEachRow, 'a Int8', '{\"a\":\"x\"}') SETTINGS input_format_allow_errors_num = 1, " +
			"input_format_record_errors_file_path = " + into,
		"SELECT * FROM format(Protobuf, 'a Int8', 'x') SETTINGS format_schema = " + q(secret+":m"),
		"SELECT * FROM format(CapnProto, 'a Int8', 'x') SETTINGS format_schema = " + q(secret+":m"),
		"SELECT * FROM format(Template, 'a Int8', 'x') SETTINGS format_template_row = " + q(secret),
		"SELECT 'x' FORMAT Template SETTINGS format_template_resultset = " + q(secret),
		"SELECT 'x' FORMAT Protobuf SETTINGS format_schema = " + q(secret+":m") + ", output_format_schema = " + into,
		"SET input_format_record_errors_file_path = " + into, "SET output_format_schema = " + into,
		"SET format_schema = " + q(secret), "SET user_files_path = '/'", "SET allow_ddl = 1, readonly = 0",
		"ATTACH TABLE reach_attached FROM " + q(outside) + " (a String) ENGINE = MergeTree ORDER BY a",
		"ATTACH DATABASE reach_d ENGINE = Ordinary",
		"ATTACH TABLE reach_u UUID '00000000-0000-4000-8000-000000000001' " +
			"(a String) ENGINE = MergeTree ORDER BY a",
		"ALTER TABLE creditmill.loads FREEZE WITH NAME " + q("../../../.."+outside),
		"ALTER TABLE creditmill.loads MOVE PARTITION tuple() TO DISK " + q(outside),
		"ALTER TABLE creditmill.loads FETCH PARTITION tuple() FROM " + q(outside),
		"ALTER TABLE creditmill.loads MODIFY SETTING storage_policy = " + q(outside),
		"SELECT * FROM system.server_settings", "SELECT * FROM system.processes", "SELECT * FROM system.users",
		"SELECT * FROM system.settings WHERE name = " + q(secret), "SELECT * FROM system.disks",
		"CREATE USER reach_user", "CREATE WORKLOAD reach_w", "CREATE RESOURCE reach_r (READ DISK reach)",
		"EXPLAIN SELECT * FROM file(" + q(secret) + ", 'LineAsString')", "DESCRIBE file(" + q(secret) + ")",
		"DESCRIBE TABLE file(" + q(secret) + ", 'CSV')",
		"CREATE VIEW reach_v AS SELECT * FROM file(" + q(secret) + ", 'LineAsString')",
		"SELECT * FROM reach_v",
		"CREATE TABLE reach_as ENGINE = Memory AS SELECT * FROM file(" + q(secret) + ", 'LineAsString')",
		"SELECT * FROM reach_as",
	}
	for _, disk := range []string{
		"type = local, path = " + q(outside+"/"),
		"type = local_blob_storage, path = " + q(outside+"/"),
		"type = object_storage, object_storage_type = local, metadata_type = local, path = " + q(outside+"/"),
		"type = object_storage, object_storage_type = local_blob_storage, metadata_type = local, path = " +
			q(outside+"/"),
		"type = object_storage, object_storage_type = local_blob_storage, metadata_type = plain, path = " +
			q(outside+"/"),
		"type = cache, disk = 'default', path = " + q(outside+"/") + ", max_size = 1000",
		"type = encrypted, disk = 'default', path = " + q("../../../.."+outside+"/") + ", key = '1234567890123456'",
		"type = web, endpoint = 'file://" + outside + "/'",
	} {
		statements = append(statements, "CREATE TABLE reach_disk (a String) ENGINE = MergeTree ORDER BY a "+
			"SETTINGS disk = disk("+
			disk+")", "INSERT INTO reach_disk VALUES ('x')", "DROP TABLE IF EXISTS reach_disk")
	}
	for _, source := range []string{
		"FILE(PATH " + q(secret) + " FORMAT 'CSV')", "EXECUTABLE(COMMAND " + q("cat "+secret) + " FORMAT 'CSV')",
		"EXECUTABLE_POOL(COMMAND " + q("cat "+secret) + " FORMAT 'CSV')",
		"HTTP(URL " + q("file://"+secret) + " FORMAT 'CSV')",
		"LIBRARY(PATH " + q(secret) + ")", "YAMLREGEXPTREE(PATH " + q(secret) + ")",
		"CLICKHOUSE(HOST '127.0.0.1' PORT 1 TABLE 't')",
		"CLICKHOUSE(QUERY " + q("SELECT * FROM file(''"+secret+"'')") + ")",
		"MYSQL(HOST '127.0.0.1' PORT 1 DB 'd' TABLE 't')", "POSTGRESQL(HOST '127.0.0.1' PORT 1 DB 'd' TABLE 't')",
		"MONGODB(HOST '127.0.0.1' PORT 1 DB 'd' COLLECTION 't')", "REDIS(HOST '127.0.0.1' PORT 1)",
		"CASSANDRA(HOST '127.0.0.1' PORT 1)", "ODBC(CONNECTION_STRING " + q("DSN="+secret) + " TABLE 't')",
	} {
		for _, layout := range []string{
			"COMPLEX_KEY_HASHED()", "SSD_CACHE(PATH " + into + ")", "REGEXP_TREE()",
			"DIRECT()",
		} {
			statements = append(statements, "CREATE OR REPLACE DICTIONARY reach_dict (a String, b String) "+
				"PRIMARY KEY a SOURCE("+source+
				") LAYOUT("+layout+") LIFETIME(0)", "SELECT * FROM reach_dict",
				"SELECT dictGet('reach_dict', 'b', 'x')")
		}
	}
	return statements
}
