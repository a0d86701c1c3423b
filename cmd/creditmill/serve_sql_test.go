package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/serve"
)

// TestServeSQL: with serve.sql the analyst reads the views while serve runs, beside the API, nobody else does, and the
// ports are closed with it.
func TestServeSQL(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	s.stop()
	native, overHTTP := freePort(t), freePort(t)
	s.write("creditmill.yaml", s.read("creditmill.yaml")+
		fmt.Sprintf("serve: {sql: true, sql_native_port: %d, sql_http_port: %d}\n", native, overHTTP))
	s.start()
	s.want(http.StatusOK, serve.RoleUploader, "POST", "/v1/loads?name=a.jsonl",
		row("a1", "2026-10-05T10:00:00Z", "acme", "small-model", 2000), nil)
	login := s.analyst()
	asking := func(user, password string) error {
		conn, err := clickhouse.Open(&clickhouse.Options{
			Addr: []string{fmt.Sprintf("127.0.0.1:%d", native)},
			Auth: clickhouse.Auth{Database: "creditmill", Username: user, Password: password},
		})
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // it only reads
		var events uint64
		err = conn.QueryRow(t.Context(), "SELECT count() FROM v_events").Scan(&events)
		if err == nil && events != 1 {
			err = fmt.Errorf("%d events", events)
		}
		return err
	}
	if err := asking("analyst", login); err != nil {
		t.Error(err)
	}
	var refused *clickhouse.Exception
	if err := asking("default", ""); !errors.As(err, &refused) || refused.Code != 516 {
		t.Error(err)
	}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/?user=analyst&password=%s&query=SELECT+currentUser()",
		overHTTP, login))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	s.stop()
	for _, port := range []int{native, overHTTP} {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			t.Errorf("port %d is open after serve: %v", port, conn.Close())
		}
	}
}

// freePort is one that nobody listens at now.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it was only asked for its port
	return listener.Addr().(*net.TCPAddr).Port
}

// analyst is the password of the user analyst.
func (s *served) analyst() string {
	s.Helper()
	_, after, found := strings.Cut(s.read("creditmill-data/engine/credentials.json"), `"analyst": "`)
	if !found {
		s.Fatal("no login of the analyst")
	}
	password, _, _ := strings.Cut(after, `"`)
	return password
}
