// Command stripefake serves the Stripe stand-in of tests and demos on loopback. It prints its URL on standard output
// and runs until it is interrupted. Any key that begins with sk_test_ is accepted.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stripefake: "+err.Error())
		os.Exit(1)
	}
}

func run() error {
	address := flag.String("addr", "127.0.0.1:0", "loopback address to listen on")
	stateFile := flag.String("state", "", "file that keeps the state across restarts")
	account := flag.String("account", "", "account id to answer (default acct_fake)")
	start := flag.String("now", "", "time at which the clock starts, RFC 3339 (default: the wall clock)")
	stands := flag.Bool("stand", false, "let the clock stand at -now; only /fake/advance moves it")
	flag.Parse()
	now, err := clock(*start, *stands)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(*address)
	if err != nil {
		return fmt.Errorf("read -addr: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("listen on %s: only loopback addresses such as 127.0.0.1 are served", host)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	url := "http://" + listener.Addr().String()
	server, err := stripefake.New(stripefake.Config{Now: now, Account: *account, StateFile: *stateFile, Public: url})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Println(url)
	return serve(listener, server)
}

func serve(listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stopped
		server.Close() //nolint:errcheck // the process ends
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// clock runs with the wall clock, from start on if one is given, or stands there.
func clock(start string, stands bool) (func() time.Time, error) {
	if start == "" {
		return time.Now, nil
	}
	from, err := time.Parse(time.RFC3339, start)
	if err != nil {
		return nil, fmt.Errorf("read -now: %w", err)
	}
	if stands {
		return func() time.Time { return from }, nil
	}
	began := time.Now()
	return func() time.Time { return from.Add(time.Since(began)) }, nil
}
