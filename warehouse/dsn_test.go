package warehouse_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

func TestDSN(t *testing.T) {
	here, err := os.Getwd()
	check(t, err)
	for name, test := range map[string]struct {
		dsn, password                string
		shown, address, user, secret string
		secure                       bool
	}{
		"embedded":       {dsn: "embedded:/srv/mill", shown: "embedded:/srv/mill"},
		"embedded below": {dsn: "embedded:mill", shown: "embedded:" + here + "/mill"},
		"embedded other database": {
			dsn: "embedded:/srv/mill?database=test_1", shown: "embedded:/srv/mill?database=test_1",
		},
		"server": {
			dsn: "clickhouse://ann:s%40fe@db:9001/mill", shown: "clickhouse://ann@db:9001/mill",
			address: "db:9001", user: "ann", secret: "s@fe",
		},
		"server with defaults": {
			dsn: "clickhouse://db", shown: "clickhouse://default@db:9000/default", address: "db:9000", user: "default",
		},
		"password from elsewhere": {
			dsn: "clickhouse://ann@db/mill", password: "p", shown: "clickhouse://ann@db:9000/mill",
			address: "db:9000", user: "ann", secret: "p",
		},
		"the address's password comes first": {
			dsn: "clickhouse://ann:own@db/mill", password: "p", shown: "clickhouse://ann@db:9000/mill",
			address: "db:9000", user: "ann", secret: "own",
		},
		"secure": {
			dsn: "clickhouse://ann@db/mill?secure=true", shown: "clickhouse://ann@db:9440/mill?secure=true",
			address: "db:9440", user: "ann", secure: true,
		},
		"cluster": {
			dsn: "clickhouse://ann@a,b:9001/mill?cluster=c1", shown: "clickhouse://ann@a:9000,b:9001/mill?cluster=c1",
			address: "a:9000", user: "ann",
		},
		"IPv6": {
			dsn: "clickhouse://ann@[::1]/mill", shown: "clickhouse://ann@[::1]:9000/mill", address: "[::1]:9000", user: "ann",
		},
	} {
		t.Run(name, func(t *testing.T) {
			shown, address, user, secret, secure, err := warehouse.ParsedDSN(test.dsn, test.password)
			check(t, err)
			if shown != test.shown || address != test.address || user != test.user ||
				secret != test.secret || secure != test.secure {
				t.Errorf("got %q, address %q, user %q, password %q, secure %v", shown, address, user, secret, secure)
			}
		})
	}
}

func TestDSNMistakes(t *testing.T) {
	for name, test := range map[string]struct{ dsn, want string }{
		"none":              {"", "want embedded:DIR or clickhouse://"},
		"other scheme":      {"postgres://ann:swordfish@db/mill", "want embedded:DIR or clickhouse://"},
		"no directory":      {"embedded:", "needs a directory"},
		"unreadable":        {"clickhouse://ann:sword%fish@db/mill", "cannot be read"},
		"unreadable port":   {"clickhouse://ann:swordfish@db:nine/mill", "cannot be read"},
		"no host":           {"clickhouse:///mill", "names no host"},
		"cluster unnamed":   {"clickhouse://ann:swordfish@db/mill?cluster=", "cluster= needs a name"},
		"hosts, no cluster": {"clickhouse://ann:swordfish@a:1,b:2/mill", "several hosts need ?cluster=NAME"},
		"no second host":    {"clickhouse://ann:swordfish@a:1,:2/mill?cluster=c1", "names no host"},
		"unknown option":    {"clickhouse://ann:swordfish@db/mill?secur=true", `unknown option "secur"`},
		"secure what":       {"clickhouse://ann:swordfish@db/mill?secure=perhaps", "true or false"},
		"database name":     {"clickhouse://ann:swordfish@db/a'b", "not a name for a database"},
		"embedded option":   {"embedded:/srv/mill?cluster=c1", `unknown option "cluster"`},
		"embedded database": {"embedded:/srv/mill?database=a-b", "not a name for a database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := warehouse.Open(context.Background(), warehouse.Config{DSN: test.dsn})
			if !errors.Is(err, warehouse.ErrConfig) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want ErrConfig with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "fish") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	_, err := warehouse.Open(context.Background(), warehouse.Config{DSN: "clickhouse://ann:swordfish@127.0.0.1:1/mill"})
	if !errors.Is(err, warehouse.ErrUnreachable) {
		t.Fatalf("got %v, want ErrUnreachable", err)
	}
	if strings.Contains(err.Error(), "swordfish") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestVersions(t *testing.T) {
	for version, enough := range map[string]bool{
		"18.16.1": false, "1.1.54388": false, "23.8.1": false, "24.12.9": false, "25.2.99": false, "": false, "x.y": false,
		"25.3.0": true, "25.3": true, "25.10.1": true, "26.7.2": true, "100.1.1": true,
	} {
		err := warehouse.CheckVersion(version, "clickhouse://db")
		if enough != (err == nil) || (!enough && !errors.Is(err, warehouse.ErrTooOld)) {
			t.Errorf("version %q: %v", version, err)
		}
	}
	_, err := warehouse.Open(context.Background(), warehouse.Config{DSN: "embedded:" + t.TempDir(), Library: "/no/such"})
	if !errors.Is(err, warehouse.ErrUnreachable) {
		t.Errorf("open with a library that is not there: %v", err)
	}
}
