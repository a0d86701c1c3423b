package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
)

// certificate writes one for the loopback and its key, and returns their files and who trusts it.
func certificate(t *testing.T) (cert, key string, trusting *tls.Config) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "creditmill test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{
		cert: authority, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	return cert, key, &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
}

// outside is how analysts reach a sample from elsewhere.
type outside struct {
	sample
	native, overHTTP, cert string
	trusting               *tls.Config
	login                  warehouse.AnalystAddresses
	logins                 map[string]string // passwords of the engine's users
}

// fromOutside lets analysts in as `engine --listen` does, until the test ends.
func (s sample) fromOutside() outside {
	s.Helper()
	cert, key, trusting := certificate(s.T)
	stdout, stopped := &lockedBuffer{}, make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	a := newApp(strings.NewReader(""), stdout, io.Discard)
	root := newRootCommand(a)
	root.SetArgs([]string{
		"--config", s.config, "engine", "--json", "--listen", "127.0.0.1", "--native-port", "0", "--http-port", "0",
		"--tls-cert", cert, "--tls-key", key,
	})
	go func() {
		_, err := root.ExecuteContextC(ctx)
		stopped <- errors.Join(err, a.close())
	}()
	s.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			s.Errorf("engine: %v", err)
		}
	})
	var told engineResult
	for deadline := time.Now().Add(time.Minute); json.Unmarshal([]byte(stdout.String()), &told) != nil; {
		if time.Now().After(deadline) {
			s.Fatal("engine does not listen")
		}
		time.Sleep(5 * time.Millisecond)
	}
	o := outside{
		sample: s, native: told.Listen.Native, overHTTP: told.Listen.HTTP, cert: cert, trusting: trusting,
		login: told.Analyst,
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(s.config), "data", "engine", "credentials.json"))
	s.must(err)
	s.must(json.Unmarshal(text, &o.logins))
	if !told.Listen.TLS || len(o.logins) != 4 {
		s.Fatalf("%+v, %d logins", told.Listen, len(o.logins))
	}
	return o
}

// connect is clickhouse-go as a user.
func (o outside) connect(protocol clickhouse.Protocol, user, password string) clickhouse.Conn {
	o.Helper()
	address := o.native
	if protocol == clickhouse.HTTP {
		address = strings.TrimPrefix(o.overHTTP, "https://")
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{address}, Protocol: protocol, TLS: o.trusting, DialTimeout: 20 * time.Second,
		Auth: clickhouse.Auth{Database: "creditmill", Username: user, Password: password},
	})
	o.must(err)
	o.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a request by HTTP, and returns its status and answer.
func (o outside) ask(path string, change func(*http.Request)) (int, string) {
	o.Helper()
	request, err := http.NewRequestWithContext(o.Context(), http.MethodGet, o.overHTTP+path, nil)
	o.must(err)
	if change != nil {
		change(request)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: o.trusting, DisableKeepAlives: true}}
	response, err := client.Do(request)
	o.must(err)
	defer response.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(response.Body)
	o.must(err)
	return response.StatusCode, string(text)
}

// TestAnalystsFromOutside: with `engine --listen` the analyst reads the views by both protocols over TLS, with clients
// as others have them, and nobody else is let in by any way of saying who one is.
func TestAnalystsFromOutside(t *testing.T) {
	o := newSample(t).fromOutside()
	for name, look := range map[string]func(outside){
		"clickhouse-go": outside.byGo, "npm @clickhouse/client": outside.byNode, "curl and Parquet": outside.byCurl,
		"others are refused": outside.others, "a login is not mixed with another": outside.mixed,
		"what is no login": outside.noLogin, "limits": outside.limits,
	} {
		t.Run(name, func(t *testing.T) {
			inside := o
			inside.T = t
			look(inside)
		})
	}
}

func (o outside) byGo() {
	for _, protocol := range []clickhouse.Protocol{clickhouse.Native, clickhouse.HTTP} {
		conn := o.connect(protocol, o.login.User, o.login.Password)
		var user string
		var events, views, tables uint64
		o.must(conn.QueryRow(o.Context(), "SELECT currentUser(), (SELECT count() FROM v_events)").Scan(&user, &events))
		o.must(conn.QueryRow(o.Context(), `SELECT countIf(startsWith(table_name, 'v_')),
				countIf(NOT startsWith(table_name, 'v_'))
			FROM information_schema.tables WHERE table_schema = 'creditmill'`).Scan(&views, &tables))
		if user != "analyst" || events != 109 || views < 15 || tables != 0 {
			o.Errorf("%v: %s sees %d events, %d views and %d tables", protocol, user, events, views, tables)
		}
		var parts uint64
		o.must(conn.QueryRow(o.Context(), "SELECT count() FROM system.parts").Scan(&parts))
		if parts != 0 { // information_schema asks for them; of tables that are not shown there are none
			o.Errorf("%v: %d parts of tables are shown", protocol, parts)
		}
		for _, query := range []string{
			"SELECT * FROM usage_events", "INSERT INTO v_events SELECT * FROM v_events", "SELECT * FROM file('/etc/passwd')",
			"CREATE TABLE t (a UInt8) ENGINE = Memory", "SYSTEM STOP LISTEN HTTP", "SELECT * FROM system.users",
		} {
			if err := conn.Exec(o.Context(), query); err == nil {
				o.Errorf("%v: %s is done", protocol, query)
			}
		}
	}
}

func (o outside) byNode() {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	o.must(err)
	command := exec.CommandContext(o.Context(), "node", filepath.Join(root, "testdata", "analytics", "client.mjs"),
		o.overHTTP, o.login.User, o.login.Password)
	command.Dir = root
	command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+o.cert)
	output, err := command.CombinedOutput()
	var told struct {
		Ping              bool
		Charges           []struct{ CustomerID string }
		Tables            []string
		Columns, Streamed int
		Error             string
	}
	if jsonErr := json.Unmarshal(output, &told); err != nil || jsonErr != nil || told.Error != "" {
		o.Fatalf("no answer to Node's client (make engine installs it): %v\n%s", err, output)
	}
	if !told.Ping || len(told.Charges) != 2 || told.Streamed != 109 || told.Columns < 10 ||
		!slices.Contains(told.Tables, "v_charges") || slices.Contains(told.Tables, "usage_events") {
		o.Errorf("%s", output)
	}
}

func (o outside) byCurl() {
	file := filepath.Join(o.TempDir(), "events.parquet")
	command := exec.CommandContext(o.Context(), "curl", "-sS", "--fail", "--cacert", o.cert, "--user",
		o.login.User+":"+o.login.Password, "-o", file, o.overHTTP+"/?database=creditmill", "--data-binary",
		"SELECT * FROM v_events FORMAT Parquet")
	output, err := command.CombinedOutput()
	if err != nil {
		o.Fatalf("curl: %v\n%s", err, output)
	}
	content, err := os.ReadFile(file)
	o.must(err)
	if len(content) < 1000 || string(content[:4]) != "PAR1" || string(content[len(content)-4:]) != "PAR1" {
		o.Errorf("%d bytes that are no Parquet", len(content))
	}
}

// others: every user of the engine but the analyst, with its own password and without, is refused at the door.
func (o outside) others() {
	users := map[string]string{"default": "", "start": "", "nobody": "x", "": "", "Analyst": o.login.Password}
	for user, password := range o.logins {
		if user != "analyst" {
			users[user] = password
		}
	}
	users[" INTERSERVER SECRET "], users[" JWT AUTHENTICATION "] = "", o.login.Password
	for user, password := range users {
		var refused *clickhouse.Exception
		if user == "" { // clickhouse-go makes default of it
			user = "default"
		}
		err := o.connect(clickhouse.Native, user, password).Exec(o.Context(), "SELECT 1")
		if !errors.As(err, &refused) || refused.Code != 516 || !strings.Contains(refused.Message, "for the analyst alone") {
			o.Errorf("native as %q: %v", user, err)
		}
		for way, change := range map[string]func(*http.Request){
			"headers": func(r *http.Request) {
				r.Header.Set("X-ClickHouse-User", user)
				r.Header.Set("X-ClickHouse-Key", password)
			},
			"basic": func(r *http.Request) { r.SetBasicAuth(user, password) },
			"parameters": func(r *http.Request) {
				r.URL.RawQuery += "&" + url.Values{"user": {user}, "password": {password}}.Encode()
			},
			"nothing": nil,
		} {
			if status, text := o.ask("/?query=SELECT+1", change); status != http.StatusUnauthorized ||
				!strings.Contains(text, "Code: 516") {
				o.Errorf("HTTP as %q by %s: %d %s", user, way, status, text)
			}
		}
	}
	for _, password := range []string{"", "x", o.login.Password + "x", o.logins["creditmill"]} {
		if err := o.connect(clickhouse.Native, "analyst", password).Exec(o.Context(), "SELECT 1"); err == nil {
			o.Errorf("the analyst is let in with %d other letters", len(password))
		}
	}
}

// mixed: whoever signs in as the analyst is the analyst, whatever else the request says.
func (o outside) mixed() {
	other := url.Values{
		"user": {"creditmill"}, "password": {o.logins["creditmill"]}, "role": {"admin"}, "quota_key": {"k"},
	}
	status, text := o.ask("/?query=SELECT+currentUser()&"+other.Encode(), func(r *http.Request) {
		r.Header.Set("X-ClickHouse-User", o.login.User)
		r.Header.Set("X-ClickHouse-Key", o.login.Password)
		r.Header.Set("X-ClickHouse-SSL-Certificate-Auth", "on")
		r.SetBasicAuth("creditmill", o.logins["creditmill"])
	})
	if status != http.StatusOK || text != "analyst\n" {
		o.Errorf("%d %s", status, text)
	}
	for _, path := range []string{"/play", "/dashboard", "/replicas_status", "/js/x", "/?/../play", "//"} {
		status, text := o.ask(path, func(r *http.Request) { r.SetBasicAuth(o.login.User, o.login.Password) })
		if status == http.StatusOK && strings.Contains(text, "<html") {
			o.Errorf("%s: %d", path, status)
		}
	}
	if status, text := o.ask("/ping", nil); status != http.StatusOK || text != "Ok.\n" {
		o.Errorf("ping: %d %s", status, text)
	}
}

// noLogin: what does not begin with a login is closed without an answer, and reaches no engine.
func (o outside) noLogin() {
	for name, sent := range map[string]string{
		"HTTP": "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a ping": "\x04", "a huge name": "\x00\xff\xff\xff\xff\x0f",
		"a number without an end": "\x00\x01a" + strings.Repeat("\xff", 20),
	} {
		conn, err := tls.Dial("tcp", o.native, o.trusting)
		o.must(err)
		_, err = io.WriteString(conn, sent)
		o.must(err)
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			o.Errorf("%s: %q", name, answer)
		}
		o.must(conn.Close())
	}
	// Whoever has no login cannot keep a place by announcing a body that never comes.
	conn, err := tls.Dial("tcp", strings.TrimPrefix(o.overHTTP, "https://"), o.trusting)
	o.must(err)
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	o.must(err)
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		o.Errorf("a body that never comes: %v", err)
	}
	o.must(conn.Close())
	if status, _ := o.ask("/?query=SELECT+1", func(r *http.Request) {
		r.Method = http.MethodDelete
		r.SetBasicAuth(o.login.User, o.login.Password)
	}); status != http.StatusMethodNotAllowed {
		o.Errorf("DELETE: %d", status)
	}
}

// limits: a query that takes more than an analyst may ends with an error, and no query lifts its limits.
func (o outside) limits() {
	conn := o.connect(clickhouse.Native, o.login.User, o.login.Password)
	const many = "(SELECT arrayJoin(range(1000000)))"
	for _, test := range []struct {
		query string
		code  int32
	}{
		{"SELECT event_id FROM v_events, (SELECT arrayJoin(range(100)) AS n) AS more", 396},
		{"SELECT length(groupArray(a)) FROM (SELECT repeat('x', 1000) || toString(arrayJoin(range(200000))) AS a)", 241},
		{"SELECT count() FROM " + many + " AS a CROSS JOIN " + many + " AS b SETTINGS max_execution_time = 1", 159},
		{"SELECT 1 SETTINGS max_result_rows = 0", 452},
		{"SELECT 1 SETTINGS max_result_rows = 1001", 452},
		{"SELECT 1 SETTINGS max_memory_usage = 0", 452},
		{"SELECT 1 SETTINGS max_execution_time = 31", 452},
		{"SELECT 1 SETTINGS max_execution_time = 0", 452},
		{"SELECT 1 SETTINGS max_memory_usage_for_user = 0", 452},
		{"SELECT 1 SETTINGS max_result_bytes = 0", 452},
		{"SELECT 1 SETTINGS max_temporary_data_on_disk_size_for_query = 0", 452},
		{"SELECT 1 SETTINGS max_temporary_data_on_disk_size_for_user = 0", 452},
	} {
		rows, err := conn.Query(o.Context(), test.query)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		var refused *clickhouse.Exception
		if !errors.As(err, &refused) || refused.Code != test.code {
			o.Errorf("%s: %v, want code %d", test.query, err, test.code)
		}
	}
	o.must(conn.Exec(o.Context(), "SELECT 1 SETTINGS max_result_rows = 10"))
	var seconds uint64
	o.must(conn.QueryRow(o.Context(), "SELECT toUInt64(getSetting('max_execution_time'))").Scan(&seconds))
	if seconds != sampleLimits.Seconds {
		o.Errorf("a query may take %d s", seconds)
	}
	const wide = "SELECT event_id FROM v_events, (SELECT arrayJoin(range(100))) AS b"
	all := o.creditmill(exitOK, "sql", "--format", "csv", wide)
	if lines := strings.Count(all, "\n"); lines != 10901 {
		o.Errorf("creditmill sql answers %d lines", lines)
	}
}
