package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/door"
)

// Ports on which analysts are let in unless others are named: those that ClickHouse has for TLS.
const (
	defaultNativePort = 9440
	defaultHTTPPort   = 8443
)

// doorPlace is where analysts are let in.
type doorPlace struct {
	host                 string
	nativePort, httpPort int
	tls                  *tls.Config // nil: in the clear, on loopback only
}

// openDoor is a door that listens already.
type openDoor struct {
	native, overHTTP net.Listener
	tls              *tls.Config
}

// check says why nobody can be let in there: off loopback it takes TLS, for a password passes over the network.
func (p doorPlace) check() error {
	if !onLoopback(p.host) && p.tls == nil {
		return usagef("let analysts in on %s: their password would pass over the network in the clear; give "+
			"--tls-cert and --tls-key", p.host)
	}
	return nil
}

// open listens.
func (p doorPlace) open(w *warehouse.Warehouse) (openDoor, error) {
	if !w.Embedded() {
		return openDoor{}, usagef("let analysts in: %s is a server, which listens by itself; give them its address",
			w.DSN())
	}
	native, err := net.Listen("tcp", net.JoinHostPort(p.host, strconv.Itoa(p.nativePort)))
	if err != nil {
		return openDoor{}, fmt.Errorf("let analysts in: %w", err)
	}
	overHTTP, err := net.Listen("tcp", net.JoinHostPort(p.host, strconv.Itoa(p.httpPort)))
	if err != nil {
		return openDoor{}, errors.Join(fmt.Errorf("let analysts in: %w", err), native.Close())
	}
	return openDoor{native: native, overHTTP: overHTTP, tls: p.tls}, nil
}

// addresses are those that a client is given: a DSN of clickhouse-go without a login, and an address of HTTP.
func (d openDoor) addresses() (native, overHTTP string) {
	if d.tls == nil {
		return d.native.Addr().String(), "http://" + d.overHTTP.Addr().String()
	}
	return d.native.Addr().String() + " (TLS)", "https://" + d.overHTTP.Addr().String()
}

// serve lets analysts in until the context ends, and keeps the engine's HTTP interface open for that.
func (d openDoor) serve(ctx context.Context, a *app, w *warehouse.Warehouse) error {
	analyst := w.AnalystAddresses()
	config := door.Config{
		User: analyst.User, Password: analyst.Password, TLS: d.tls, Wall: a.wall,
		Native: w.DialEngine, HTTP: w.DialEngineHTTP,
		Refused: func(remote net.Addr, user string) {
			a.log.Warn().Stringer("remote", remote).Str("user", user[:min(len(user), 64)]).Msg("analyst_refused")
		},
	}
	if _, err := w.OpenHTTP(ctx); err != nil {
		return errors.Join(err, d.native.Close(), d.overHTTP.Close())
	}
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return door.Serve(both, d.native, d.overHTTP, config) })
	group.Go(func() error { return w.HoldEngine(both, true) })
	return group.Wait()
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readTLS reads a certificate and its key; nil where none are named.
func readTLS(cert, key string) (*tls.Config, error) {
	switch {
	case cert == "" && key == "":
		return nil, nil
	case cert == "" || key == "":
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, usagef("read --tls-cert and --tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
