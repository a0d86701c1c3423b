// Package door lets analysts in from outside: the engine of an embedded warehouse listens on the loopback alone, at
// ports of its choice, without TLS, and knows users who may do more. A door listens where it is told, speaks
// ClickHouse's native protocol and its HTTP interface, with TLS where it is given a certificate, and passes on only who
// gives the analyst's name and password.
//
// What always holds: nothing of a client reaches the engine before its login was compared here. Over the native
// protocol that is the first packet of a connection, after which the engine takes no other login; over HTTP it is every
// request, and the engine sees the analyst's login in place of whatever the request named. What the analyst may do is
// the engine's to say.
package door

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config is what a Door works with. TLS may be nil, Refused too.
type Config struct {
	// User and Password are the only login that is let in.
	User, Password string
	// Native and HTTP connect to the engine, and to nobody else that may listen where it did.
	Native, HTTP func(context.Context) (net.Conn, error)
	// TLS is what clients are spoken to with; nil: in the clear.
	TLS *tls.Config
	// Refused is told of who gave another login, or none.
	Refused func(remote net.Addr, user string)
	// Wall is the clock on the wall, for deadlines.
	Wall func() time.Time
}

const (
	// mostConnections are open at once of each kind; others are closed at once.
	mostConnections = 256
	// slowestLogin is how long a client may take to say who it is.
	slowestLogin = 10 * time.Second
	// headerMost bounds the headers of a request, with its address.
	headerMost = 1 << 20
	// ending is how long requests have to end once the door closes.
	ending = 5 * time.Second
)

// Serve lets analysts in on two listeners until the context ends, and closes both.
func Serve(ctx context.Context, native, overHTTP net.Listener, config Config) error {
	if config.Password == "" {
		return errors.Join(errors.New("serve analysts: no password is known"), native.Close(), overHTTP.Close())
	}
	if config.Refused == nil {
		config.Refused = func(net.Addr, string) {}
	}
	native, overHTTP = bounded(native), bounded(overHTTP)
	if config.TLS != nil {
		native = tls.NewListener(native, protocols(config.TLS))
		overHTTP = tls.NewListener(overHTTP, protocols(config.TLS, "http/1.1"))
	}
	d := &door{config: config}
	working, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{
		Handler: d.proxy(), ReadHeaderTimeout: slowestLogin, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerMost,
	}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(overHTTP) }()
	go func() { ended <- d.acceptNative(working, native) }()
	var err error
	left := 2
	select {
	case err = <-ended:
		left--
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
	defer cancel()
	if server.Shutdown(stopping) != nil {
		_ = server.Close() // a query that goes on is cut off
	}
	_ = native.Close() // it may be closed
	stop()
	for range left {
		err = errors.Join(err, <-ended)
	}
	d.connections.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve analysts: %w", err)
}

// door is a Config at work.
type door struct {
	config      Config
	connections sync.WaitGroup
}

// lets tells whether a login is the one that is let in. It takes as long for any other.
func (d *door) lets(user, password string) bool {
	return same(user, d.config.User)&same(password, d.config.Password) == 1
}

func same(given, wanted string) int {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:])
}

func protocols(config *tls.Config, names ...string) *tls.Config {
	config = config.Clone()
	config.NextProtos = names
	return config
}

// boundedListener has at most mostConnections open.
type boundedListener struct {
	net.Listener
	room chan struct{}
}

func bounded(listener net.Listener) net.Listener {
	return boundedListener{listener, make(chan struct{}, mostConnections)}
}

// Accept closes connections at once for which there is no room.
func (l boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // as the listener returns it
		}
		select {
		case l.room <- struct{}{}:
			return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_ = conn.Close() // nothing was read of it
		}
	}
}

// boundedConn makes room for another once it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close() //nolint:wrapcheck // as the connection returns it
}
